"""Servers on loopback for tests: S3 with authentication, Google Cloud Storage, and HTTP with faults on purpose.

A conftest.py offers the fixtures to the tests of its folder by importing them:

    from tests.support.servers.fixtures import faulty_http, no_proxy, s3_process, s3_server
"""
