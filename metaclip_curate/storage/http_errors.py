"""Explanations of urllib3's errors: its own messages show Python objects."""

from __future__ import annotations

import http.client
from typing import TypeVar

from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    IncompleteRead,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
)

from metaclip_curate.storage.http_limits import TooSlowError
from metaclip_curate.storage.redaction import scrub

_Kind = TypeVar("_Kind", bound=BaseException)


def explain(error: HTTPError | OSError, server: str, seconds: float) -> str:
    """Returns why a request or an answer failed, as one clause without the secrets of URLs.

    Args:
        error: Raised by urllib3.
        server: host:port of the server.
        seconds: Time that the server had to answer, or to send its next byte.
    """
    slow = caused_by(error, TooSlowError)
    if slow is not None:
        return str(slow)
    if isinstance(error, ProxyError):
        return f"the proxy can't be used: {explain(_original(error), 'the proxy', seconds)}"
    if isinstance(error, NameResolutionError):
        return f"can't resolve the name of {server}"
    if isinstance(error, NewConnectionError):
        return f"can't connect to {server}: {_system_message(error) or 'refused'}"
    if isinstance(error, ConnectTimeoutError):
        return f"can't connect to {server} within {seconds:g} s"
    if isinstance(error, ReadTimeoutError | TimeoutError):
        return f"no answer from {server} within {seconds:g} s"
    if isinstance(error, ProtocolError) or not isinstance(error, HTTPError):
        return _broken(error)
    return scrub(str(error))


def caused_by(error: BaseException | None, kind: type[_Kind]) -> _Kind | None:
    """Returns the first error of a kind among an error and its causes."""
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error


def _broken(error: HTTPError | OSError) -> str:
    """Returns why an answer broke off, or isn't HTTP."""
    if caused_by(error, http.client.RemoteDisconnected) is not None:
        return "the server closed the connection without an answer"
    if caused_by(error, http.client.BadStatusLine) is not None:
        return "answers with something other than HTTP"
    if caused_by(error, IncompleteRead) or caused_by(error, http.client.IncompleteRead):
        return "the connection broke"
    limit = caused_by(error, http.client.HTTPException)
    if limit is not None:  # too many or too long headers, in the words of http.client or `http_limits`
        return str(limit)
    why = _system_message(error)
    return f"the connection broke: {why}" if why else "the connection broke"


def _system_message(error: BaseException) -> str:
    """Returns the operating system's description of the error; empty if it has none."""
    cause = caused_by(error, OSError)
    return scrub(cause.strerror or "") if cause is not None else ""


def _original(error: ProxyError) -> HTTPError | OSError:
    cause = error.original_error
    return cause if isinstance(cause, HTTPError | OSError) else OSError(str(cause))
