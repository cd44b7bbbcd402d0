"""From a manifest and its images to batches: sources of shards, selection and order of an epoch, decoding, loading.

Imports `storage`, `run`, `balance` and `errors`.
"""
