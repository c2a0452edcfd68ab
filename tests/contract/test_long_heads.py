"""What comes before a body is bounded, however it is spread over path, headers and trailers."""

from __future__ import annotations

import contextlib

import pytest
from raw_http import RawConnection

from anomalyops_engine.connections import MOST_HEAD_BYTES

_SPREAD = {
    "path": lambda count: (b"/" + b"a" * count, b""),
    "one header": lambda count: (b"/", b"X-A: " + b"a" * count + b"\r\n"),
    "many headers": lambda count: (b"/", b"X-A: aaaaa\r\n" * (count // 8)),
}


def _request(spread, count, host):
    path, headers = _SPREAD[spread](count)
    return b"GET " + path + b" HTTP/1.1\r\nHost: " + host.encode() + b"\r\n" + headers + b"\r\n"


@pytest.mark.parametrize("spread", _SPREAD)
def test_a_long_head_is_refused_and_a_shorter_one_is_not(engine, spread):
    with RawConnection(engine.url) as connection:
        connection.send(_request(spread, MOST_HEAD_BYTES - 200, connection.host))
        assert b"too_long" not in connection.answer().text.encode()
    with RawConnection(engine.url) as connection:
        connection.send(_request(spread, MOST_HEAD_BYTES + 200, connection.host))
        answer = connection.answer()
        assert (answer.status, answer.body["error"]["type"]) == (400, "too_long_http_header_exception")
        assert answer.headers["x-elastic-product"] == "Elasticsearch"


def test_a_head_or_a_header_without_an_end_ends_the_connection(engine):
    for part in (b"a" * 65_000, b"X-A: " + b"a" * 65_000 + b"\r\n"):
        with RawConnection(engine.url) as connection:
            connection.send(f"GET / HTTP/1.1\r\nHost: {connection.host}\r\nX-B: ".encode())
            sent = 0
            with contextlib.suppress(ConnectionError):
                while sent < 2**28:
                    connection.send(part)
                    sent += len(part)
            assert sent < 2**26
