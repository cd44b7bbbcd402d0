"""What goes wrong between an HTTP server and urllib3, in plain words: its own messages show Python's objects."""

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
from metaclip_curate.storage.secrets import scrub

_Kind = TypeVar("_Kind", bound=BaseException)


def in_plain_words(error: HTTPError | OSError, where: str, seconds: float) -> str:
    """Why a request or an answer failed.

    Args:
        error: What urllib3 raised.
        where: The server, host:port.
        seconds: How long it had to answer, or for its next byte.

    Returns:
        A clause without what is secret in URLs.
    """
    slow = caused_by(error, TooSlowError)
    if slow is not None:
        return str(slow)
    if isinstance(error, ProxyError):
        return f"the proxy can't be used: {in_plain_words(_original(error), 'the proxy', seconds)}"
    if isinstance(error, NameResolutionError):
        return f"can't resolve the name of {where}"
    if isinstance(error, NewConnectionError):
        return f"can't connect to {where}: {_of_the_system(error) or 'refused'}"
    if isinstance(error, ConnectTimeoutError):
        return f"can't connect to {where} within {seconds:g} s"
    if isinstance(error, ReadTimeoutError | TimeoutError):
        return f"no answer from {where} within {seconds:g} s"
    if isinstance(error, ProtocolError) or not isinstance(error, HTTPError):
        return _broken(error)
    return scrub(str(error))


def caused_by(error: BaseException | None, kind: type[_Kind]) -> _Kind | None:
    """The first error of a kind among an error and its causes."""
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error


def _broken(error: HTTPError | OSError) -> str:
    """Why an answer broke off, or is none."""
    if caused_by(error, http.client.RemoteDisconnected) is not None:
        return "the server closed the connection without an answer"
    if caused_by(error, http.client.BadStatusLine) is not None:
        return "answers with something other than HTTP"
    if caused_by(error, IncompleteRead) or caused_by(error, http.client.IncompleteRead):
        return "the connection broke"
    limit = caused_by(error, http.client.HTTPException)
    if limit is not None:  # of lines and headers, in http.client's words or `http_limits`'
        return str(limit)
    why = _of_the_system(error)
    return f"the connection broke: {why}" if why else "the connection broke"


def _of_the_system(error: BaseException) -> str:
    """What the system says went wrong."""
    cause = caused_by(error, OSError)
    return scrub(cause.strerror or "") if cause is not None else ""


def _original(error: ProxyError) -> HTTPError | OSError:
    cause = error.original_error
    return cause if isinstance(cause, HTTPError | OSError) else OSError(str(cause))
