"""What a stranger can send: pages of other sites, halves of requests, bodies that are not what they say."""

from __future__ import annotations

import gzip
import json
import time
import zlib

import pytest
from raw_http import RawConnection

JSON = {"Content-Type": "application/json"}
BULK = b'{"index":{"_index":"doors","_id":"1"}}\n{"a":1}\n'


@pytest.fixture
def raw(shared_engine):
    with RawConnection(shared_engine.url) as connection:
        yield connection


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({"Origin": "http://evil.example"}, "Origin is [http://evil.example]"),
        ({"Origin": "null"}, "Origin is [null]"),
        ({"Origin": "http://localhost:1"}, "Origin is [http://localhost:1]"),
        ({"Origin": "file://"}, "Origin is [file://]"),
        ({"Origin": "http://[::"}, "Origin is [http://[::]"),
        ({"Sec-Fetch-Site": "cross-site"}, "Sec-Fetch-Site is [cross-site]"),
        ({"Sec-Fetch-Site": "same-site"}, "Sec-Fetch-Site is [same-site]"),
        ({"Host": "evil.example:9200"}, "names [evil.example]"),
        ({"Host": "localhost.evil.example"}, "names [localhost.evil.example]"),
        ({"Host": "10.0.0.1:9200"}, "names [10.0.0.1]"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/_bulk", BULK),
        ("POST", "/_ml/anomaly_detectors/_all/_close?force=true", b""),
        ("POST", "/_ml/set_upgrade_mode?enabled=true", b""),
        ("DELETE", "/doors", b""),
        ("GET", "/_search", b""),
        ("OPTIONS", "/doors", b""),
    ],
)
def test_pages_of_other_sites_are_refused_whatever_they_ask(raw, headers, says, method, path, body):
    answer = raw.request(method, path, {**(JSON if body else {}), **headers}, body)
    assert answer.status == 403
    assert answer.body["error"]["type"] == "security_exception"
    assert says in answer.reason
    assert raw.request("GET", "/").status == 200


def test_the_own_page_and_programs_are_served(raw):
    for headers in (
        {"Origin": f"http://{raw.host}", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Host": "localhost:9200"},
        {"Host": "LOCALHOST"},
        {"Host": "127.0.0.2:1"},
        {"Host": "[::1]:9200"},
        {"Host": "localhost:9200", "Origin": "http://localhost:9200"},
    ):
        assert raw.request("GET", "/", headers).status == 200


@pytest.mark.parametrize("host", [[], ["a", "b"], ["a b"], ["user@localhost"], [""], ["localhost:x"]])
def test_without_one_readable_host_a_request_is_refused(raw, host):
    raw.send(b"GET / HTTP/1.1\r\n" + b"".join(f"Host: {name}\r\n".encode() for name in host) + b"\r\n")
    answer = raw.answer()
    assert answer.status == 400
    assert answer.headers["x-elastic-product"] == "Elasticsearch"


def test_version_1_0_needs_no_host(raw):
    raw.send(b"GET / HTTP/1.0\r\n\r\n")
    assert raw.answer().status == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonfoo",
        "application/json; charset=utf-16",
        "application/json; colour=red",
        "application/vnd.elasticsearch+json; compatible-with=6",
        "application/yaml",
        "nonsense",
    ],
)
def test_a_body_that_is_not_declared_as_json_is_refused(raw, content_type):
    answer = raw.request("POST", "/_bulk", {"Content-Type": content_type}, BULK)
    assert answer.status == 406
    assert content_type in answer.reason
    assert raw.request("GET", "/doors/_doc/1").status == 404


@pytest.mark.parametrize(
    "content_type",
    [
        "APPLICATION/JSON",
        "application/json;charset=UTF-8",
        'application/json; charset="utf-8"',
        "application/x-ndjson",
        "application/vnd.elasticsearch+x-ndjson;compatible-with=8",
        "Application/Vnd.Elasticsearch+Json; Compatible-With=9",
    ],
)
def test_json_is_read_however_its_type_is_spelt(raw, content_type):
    assert raw.request("POST", "/_bulk", {"Content-Type": content_type}, BULK).status == 200
    assert raw.request("DELETE", "/doors").status == 200


def _cut(url: str, request: str, body: bytes, *, chunked: bool) -> None:
    """Send a request whose body ends before it should, and leave."""
    with RawConnection(url) as connection:
        length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body) + 30}"
        part = b"%x\r\n%s\r\n" % (len(body), body) if chunked and body else body
        head = f"{request} HTTP/1.1\r\nHost: {connection.host}\r\nContent-Type: application/json\r\n{length}\r\n\r\n"
        connection.send(head.encode() + part)
        time.sleep(0.05)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("body", [b"", b'{"mappings":{"properties":{"@timestamp":{"type":"dat'])
def test_a_request_that_is_cut_off_does_nothing(shared_engine, raw, body, chunked):
    assert raw.request("PUT", "/kept", {}).status == 200
    for request in ("PUT /cut-index", "DELETE /kept", "POST /_ml/set_upgrade_mode?enabled=true", "POST /kept/_doc"):
        _cut(shared_engine.url, request, body, chunked=chunked)
    assert raw.request("GET", "/cut-index").status == 404
    assert raw.request("GET", "/_ml/info").body["upgrade_mode"] is False
    assert raw.request("GET", "/kept/_count").body["count"] == 0
    assert raw.request("DELETE", "/kept").status == 200


def _zipped(raw, body: bytes, encoding: str = "gzip"):
    return raw.request("POST", "/_bulk", {**JSON, "Content-Encoding": encoding}, body)


def test_gzip_is_read_whole(raw):
    parts = [BULK, BULK.replace(b'"1"', b'"2"'), BULK.replace(b'"1"', b'"3"')]
    answer = _zipped(raw, b"".join(gzip.compress(part) for part in parts), "GZIP")
    assert [item["index"]["_id"] for item in answer.body["items"]] == ["1", "2", "3"]
    assert raw.request("DELETE", "/doors").status == 200


def test_gzip_that_is_not_whole_is_refused(raw):
    compressor = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    flushed = compressor.compress(BULK) + compressor.flush(zlib.Z_SYNC_FLUSH)
    whole = gzip.compress(BULK)
    for body in (flushed, whole[:-1], whole[:-8], whole + b"more", whole + whole[:12], b"plain", whole[:5]):
        answer = _zipped(raw, body)
        assert answer.status == 400
        assert "not valid gzip" in answer.reason
    assert _zipped(raw, BULK, "br").status == 400
    assert raw.request("GET", "/doors/_doc/1").status == 404


def test_a_small_body_that_stands_for_a_huge_one_is_refused(raw):
    assert _zipped(raw, gzip.compress(b" " * 300_000_000)).status == 413


def test_what_is_not_http_is_answered_as_json_and_closed(shared_engine):
    for garbage in (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
        with RawConnection(shared_engine.url) as connection:
            connection.send(garbage)
            answer = connection.answer()
            assert answer.status == 400
            assert answer.headers["connection"] == "close"
            assert json.loads(answer.text)["status"] == 400


def test_x_opaque_id_comes_back(raw):
    assert raw.request("GET", "/", {"X-Opaque-Id": "my-search"}).headers["x-opaque-id"] == "my-search"
