"""Clients and errors for the services of Google Cloud, whose library the extra gcp installs."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from metaclip_curate.errors import JobFailedError, UserError, install_extra


def dataproc() -> Any:
    """Imports the library google.cloud.dataproc_v1.

    Raises:
        UserError: The library isn't installed.
    """
    try:
        return importlib.import_module("google.cloud.dataproc_v1")
    except ImportError as error:
        raise UserError(f"this needs google-cloud-dataproc: {install_extra('gcp')}") from error


def client(kind: str, region: str) -> Any:
    """Makes a client with the default chain of credentials.

    Args:
        kind: ClusterController, JobController or BatchController.
        region: Region of the service.

    Raises:
        UserError: The library or credentials are missing.
    """
    made = getattr(dataproc(), f"{kind}Client")
    errors = importlib.import_module("google.auth.exceptions")
    try:
        return made(client_options={"api_endpoint": f"{region}-dataproc.googleapis.com:443"})
    except errors.DefaultCredentialsError as error:
        raise UserError("no Google credentials were found: run `gcloud auth application-default login`") from error


@contextmanager
def google_errors() -> Iterator[None]:
    """Turns errors of Google Cloud into a `JobFailedError` of one line."""
    errors = importlib.import_module("google.api_core.exceptions")
    try:
        yield
    except errors.GoogleAPICallError as error:
        raise JobFailedError(f"Google Cloud refused: {error.message or error}") from error
