"""What is secret in a URL stands in no name, no message and no recorded command."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclip_curate.storage.redaction import (
    command_line,
    has_broken_login,
    login_of,
    public_name,
    scrub,
    without_login,
)

FILE = "https://host.example:8443/a%20b/c.warc.wat.gz"
AMAZON = (
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20250101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=2025"
    "&X-Amz-Expires=3600&X-Amz-SignedHeaders=host%3Brange&X-Amz-Security-Token=t%2B%3D&X-Amz-Signature=SECRET"
)
AZURE = "sv=2022-11-02&ss=b&srt=o&sp=r&se=2025-01-02T00%3A00Z&st=2025&spr=https&sr=b&sip=1.2.3.4&sig=SECRET%3D"
OTHER_NAMES = (
    *("auth_key", "authkey", "sign", "hmac", "pass", "passphrase", "accesskey", "access_key_id", "secret_access_key"),
    *("credential", "session", "sessionid", "sig[]", "token[a]", "tokens", "token_id", "oauth_consumer_key"),
)


@pytest.mark.parametrize(
    "query",
    [
        AMAZON,
        AMAZON.lower(),
        "X-Amz-SignedHeaders=host;range&X-Amz-Signature=SECRET",
        "X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=a%40b&X-Goog-Date=1&X-Goog-Expires=9&X-Goog-Signature=SECRET",
        "AWSAccessKeyId=AKIA&Expires=1735689600&Signature=SECRET%3D",
        "GoogleAccessId=a%40b.iam&Expires=1&Signature=SECRET",
        "Policy=eyJ&Signature=SECRET&Key-Pair-Id=K1",
        "Expires=1&Signature=SECRET&Key-Pair-Id=K1&Hash-Algorithm=SHA256",
        AZURE,
        "OSSAccessKeyId=a&Expires=1&Signature=SECRET",
        "q-sign-algorithm=sha1&q-ak=a&q-sign-time=1%3B2&q-key-time=1%3B2&q-header-list=&q-url-param-list=&q-signature=SECRET",
        "token=SECRET",
        "access_token=SECRET&expires=1",
        "private_token=SECRET",
        "sig=SECRET",
        "%73ig=SECRET",
        "%58-Amz-%53ignature=SECRET",
        "auth=SECRET;user=a",
        "api_key=SECRET",
        "__token__=exp=1~hmac=SECRET",
        *(f"{name}=SECRET" for name in OTHER_NAMES),
        "md5=SECRET&expires=1",
    ],
)
def test_signatures(query: str) -> None:
    rest = "?user=a" if ";user" in query else ""
    assert public_name(f"{FILE}?{query}") == FILE + rest
    assert public_name(f"{FILE}?versionId=3&{query}") == f"{FILE}?versionId=3{rest.replace('?', ';')}"
    assert public_name(f"{FILE}?{query}&part=1#SECRET") == f"{FILE}{(rest or '?').replace('user=a', 'user=a&')}part=1"
    # The same within a text, where a library may show no more than the path.
    for message in (f"<{FILE}?{query}>: refused", f"Max retries exceeded with url: /c.gz?{query} (Caused by x)"):
        assert "SECRET" not in scrub(message)
        assert scrub(message).endswith(message[-9:])


@pytest.mark.parametrize(
    "address",
    [
        FILE,
        f"{FILE}?",
        f"{FILE}?versionId=3&partNumber=2",
        f"{FILE}?expires=1&policy=a&sp=2&st=3",  # without a signature these may be anything
        f"{FILE}?pageToken=a",
        f"{FILE}?key=a/b.wat&name=x",
        f"{FILE}?code=12&key=a-long-name-without-digits",
        f"{FILE}?md5=a",
        f"{FILE};version=1",
        f"{FILE}?url=http://i/x%3Fa=1",
        "http://h:80/a@b",
        "http://[::1]:80/a@b",
        "http://h/a:b@c",
        "http://[::1]:80/a",
        "s3://bucket/a?token=literally",
        "hdfs://user@host:1/a",
        "a/token=1?sig=2.wat",
        "crawl-data/CC-MAIN-2025-30/x.wat.gz",
        "caf\udce9.wat",
    ],
)
def test_what_holds_nothing_secret_is_its_own_name(address: str) -> None:
    assert public_name(address) == address


@pytest.mark.parametrize(
    "login", ["user:SECRET", "SECRET", "a:SECRET%40x", "a:b@SECRET", ":SECRET", "u's:SE CRET", "ü:SECRET"]
)
def test_logins(login: str) -> None:
    address = FILE.replace("://", f"://{login}@").replace("https", "HTTPS")
    plain = FILE.replace("https", "HTTPS")
    assert public_name(address) == plain
    assert login_of(address) == login
    assert without_login(f"{address}?token=1#x") == f"{plain}?token=1"
    assert "SECRET" not in command_line(["x", f"--input={address}", address, f"@{address}"])
    if " " not in login:
        assert scrub(f"no proxy {address!r}") == f"no proxy {plain!r}"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("http://h/x;jsessionid=SECRET", "http://h/x"),
        ("http://h/x;token=SECRET/y;v=1?a=2", "http://h/x/y;v=1?a=2"),
        ("http://h/x?url=http://u:SECRET@i/x", "http://h/x?url=http://i/x"),
        ("http://h/x?url=http%3A%2F%2Fu%3ASECRET%40i%2Fx%3Fsig=SECRET", "http://h/x?url=http://i/x"),
        ("http://h/x?q=1?sig=SECRET", "http://h/x?q=1"),
        ("http://h/x#sig=SECRET", "http://h/x"),
    ],
)
def test_other_places(address: str, name: str) -> None:
    assert public_name(address) == name
    assert scrub(f"no {address} there") == f"no {name} there"


@pytest.mark.parametrize("name", ["key", "code"])
def test_an_ordinary_name_of_what_looks_like_a_key(name: str) -> None:
    """Two of them may name two files, which stay apart."""
    shown = [public_name(f"{FILE}?{name}=AIzaSECRET0123456789{end}") for end in ("a", "b")]
    assert len(set(shown)) == 2
    assert "SECRET" not in "".join(shown)


@pytest.mark.parametrize(
    "address",
    [
        "http://us:SECRETp/q@host/x",
        "http://u:SEC#RET@h/x",
        "http://u:SEC?RET@h/x",
        "HTTPS://u:SEC\\RET@h",
        "http://u:/SECRET@h/x",
        "http://u:99999/SECRET@h/x",
        "http://a@b:SEC/RET@h/x",
    ],
)
def test_a_password_with_what_must_be_escaped(address: str) -> None:
    assert has_broken_login(address)
    for shown in (public_name(address), scrub(f"no {address!r}"), command_line(["--input", address, f"@{address}"])):
        assert "SEC" not in shown
        assert "RET" not in shown


def test_a_chain_of_addresses_is_cut() -> None:
    assert len(public_name("http://h/?a=" + "http://u:SECRET@i/?a=" * 5000)) < 200_000


def test_a_login_without_a_scheme() -> None:
    assert scrub("endpoint `//user:SECRET@h:1` was not valid") == "endpoint `//h:1` was not valid"


def test_what_is_no_login() -> None:
    for text in ("https://a/b@c", "https://a/?b@c", "https://a/#b@c", "write to me@a.example", "hdfs://u@h/"):
        assert login_of(text) == ""
        assert scrub(text) == text


def test_a_command() -> None:
    words = [
        "metaclip-curate",
        "run",
        "--input",
        f"{FILE}?{AMAZON}",
        "--s3-endpoint-url=http://u:SECRET@h:1",
        "a b",
        "caf\udce9",
    ]
    shown = command_line(words)
    assert shlex.split(shown) == [
        "metaclip-curate",
        "run",
        "--input",
        FILE,
        "--s3-endpoint-url=http://h:1",
        "a b",
        "caf\\xe9",
    ]


@given(st.text(max_size=30), st.text("ab=&;%?#@:/ -", max_size=20))
def test_any_text(text: str, query: str) -> None:
    """Whatever it is, a name is its own name, and nothing is raised."""
    for address in (text, f"http://{text}", f"http://h/?{query}", f"http://h/{text}?sig=1&{query}"):
        assert public_name(public_name(address)) == public_name(address)
        scrub(address)
        command_line([address])
