"""The hosts of arrays of URLs."""

from __future__ import annotations

import pyarrow as pa
import pytest

from metaclip_curate.screens.hosts import hosts_of, normal_host


def _hosts(urls: list[str]) -> list[str]:
    found = hosts_of(pa.array(urls, pa.string()))
    names = found.names.to_pylist()
    return [names[index] for index in found.indices.tolist()]


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://img.example.org/a/b.jpg", "img.example.org"),
        ("http://example.org", "example.org"),
        ("http://example.org?a=http://other.org/", "example.org"),
        ("https://example.org#x", "example.org"),
        ("http://example.org:8080/a", "example.org"),
        ("http://user:pass@example.org/a", "example.org"),
        ("http://Example.ORG./a", "example.org"),
        ("HTTP://example.org/a", "example.org"),
        ("http://münchen.de/", "xn--mnchen-3ya.de"),
        ("http://[2001:db8::1]:80/a", "[2001:db8::1]"),
        ("http://127.0.0.1/a", "127.0.0.1"),
        ("http://0x7f.1/a", "127.0.0.1"),
        ("http://my_host.example.org/", "my_host.example.org"),
        ("http:///", ""),
        ("http://", ""),
        ("https://", ""),
        ("urn:pool:mine:17", ""),
        ("", ""),
    ],
)
def test_a_url_has_its_host(url: str, host: str) -> None:
    assert _hosts([url]) == [host]
    # Beside others, and in a slice, whose buffers hold more than its own strings.
    assert _hosts(["http://a.org/", url, "https://b.org"]) == ["a.org", host, "b.org"]
    sliced = hosts_of(pa.array(["x", "http://a.org/", url, "y"], pa.string()).slice(1, 2))
    assert [sliced.names.to_pylist()[index] for index in sliced.indices] == ["a.org", host]


def test_equal_hosts_are_found_once() -> None:
    found = hosts_of(pa.array([f"https://example.org/{number}" for number in range(100)], pa.string()))
    assert found.names.to_pylist() == ["example.org"]
    assert found.indices.tolist() == [0] * 100


def test_no_urls_have_no_hosts() -> None:
    found = hosts_of(pa.array([], pa.string()))
    assert len(found.names) == 0 and len(found.indices) == 0


def test_what_isnt_a_host_is_empty() -> None:
    assert normal_host("a b") == "" and normal_host("") == ""
