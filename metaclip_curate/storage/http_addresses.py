"""Addresses, proxies and logins of HTTP requests, by urllib3."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

import urllib3
from urllib3.exceptions import LocationValueError, URLSchemeUnknown

from metaclip_curate.storage.http_limits import limit
from metaclip_curate.storage.redaction import has_broken_login, login_of, without_login
from metaclip_curate.storage.retry import RefusedError

NO_ADDRESS = "not an address"
_LONGEST_SCHEME = 20  # characters
_DEFAULT_PORTS = {"http": 80, "https": 443}


@contextmanager
def refusing_bad_addresses() -> Iterator[None]:
    """Raises one error for what urllib3, urllib and http.client each report in their own way: a malformed address.

    The message repeats nothing of it: what they take for a host may be a user's name and the beginning of a password.

    Raises:
        RefusedError: The block found an address malformed.
    """
    try:
        yield
    except (LocationValueError, ValueError) as error:
        raise RefusedError(NO_ADDRESS) from error


def origin_of(url: str) -> tuple[str, str | None, int | None]:
    """Returns scheme, host and port of a URL."""
    parts = urllib3.util.parse_url(url)
    return parts.scheme or "", parts.host, parts.port or _DEFAULT_PORTS.get(parts.scheme or "")


def host_and_port(url: str) -> str:
    """Returns host:port of a URL, for messages."""
    _, host, port = origin_of(url)
    return f"{host}:{port}"


def redirect_target(url: str, location: str) -> str:
    """Resolves a Location header, and drops a user and a password in it.

    Raises:
        RefusedError: The scheme is neither http nor https.
        ValueError: The target is malformed.
    """
    target = urljoin(url, location)
    if has_broken_login(target):
        raise ValueError(NO_ADDRESS)
    scheme = urlsplit(target).scheme
    if scheme not in _DEFAULT_PORTS:
        raise RefusedError(f"redirected to {scheme[:_LONGEST_SCHEME]}://, which isn't followed")
    return without_login(target)


def basic_authorization(login: str) -> dict[str, str]:
    """Returns the header for a user and a password (RFC 7617).

    Args:
        login: "user:password" as in a URL, percent-encoded; may be empty.

    Returns:
        Value by header name; empty without a login.
    """
    if not login:
        return {}
    user, colon, password = login.partition(":")
    # Percent-encoded bytes are sent as these bytes, for which Latin-1 stands here.
    secret = b":".join((unquote_to_bytes(user), unquote_to_bytes(password) if colon else b""))
    found: dict[str, str] = urllib3.make_headers(basic_auth=secret.decode("latin-1"))
    return {"Authorization": found["authorization"]}


def pool_for(url: str) -> urllib3.PoolManager:
    """Returns connections to a URL's host, through the proxy that the environment sets for it.

    Raises:
        RefusedError: The proxy's address is malformed.
    """
    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if not proxy or urllib.request.proxy_bypass(parts.hostname or ""):
        return limit(urllib3.PoolManager())
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    scheme = proxy.partition("://")[0]
    if has_broken_login(f"{proxy}/"):
        raise RefusedError(f"the proxy in {parts.scheme}_proxy is no address: write http://host:port")
    login = basic_authorization(login_of(proxy))
    headers = {"Proxy-Authorization": login["Authorization"]} if login else None
    try:
        return limit(urllib3.ProxyManager(without_login(proxy), proxy_headers=headers))
    except URLSchemeUnknown as error:
        reason = f"the proxy in {parts.scheme}_proxy has the scheme {scheme[:_LONGEST_SCHEME]}: write http://host:port"
        raise RefusedError(reason) from error
    except LocationValueError as error:
        raise RefusedError(f"the proxy in {parts.scheme}_proxy is no address: write http://host:port") from error
