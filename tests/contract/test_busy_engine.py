"""An engine with more to do than it can: it still says how it is, drops what nobody waits for, and stops in time."""

from __future__ import annotations

import json
import resource
import time

import pytest
from elasticsearch.helpers import bulk
from raw_http import RawConnection

from engine_process import EngineProcess

_JSON = {"Content-Type": "application/json"}
# Thousands of expressions over each document: seconds of work for one request.
_SLOW = json.dumps(
    {
        "size": 0,
        "aggs": {"r": {"range": {"field": "v", "ranges": [{"from": n, "to": n + 3} for n in range(4000)]}}},
    }
).encode()


@pytest.fixture
def busy(engine):
    with engine.client() as client:
        bulk(client, ({"_index": "many", "v": number} for number in range(30_000)), chunk_size=20_000)
    return engine


def _ask(engine, count, path="/many/_search"):
    connections = [RawConnection(engine.url, 60) for _ in range(count)]
    head = f"POST {path} HTTP/1.1\r\nHost: {connections[0].host}\r\nContent-Type: application/json\r\n"
    for connection in connections:
        connection.send(f"{head}Content-Length: {len(_SLOW)}\r\n\r\n".encode() + _SLOW)
    return connections


def _seconds(engine, method, path, headers=None, body=b""):
    with RawConnection(engine.url, 60) as connection:
        began = time.monotonic()
        assert connection.request(method, path, headers, body).status in {200, 201}
        return time.monotonic() - began


def test_health_and_writes_do_not_wait_for_searches_and_searches_end_with_their_clients(busy):
    (alone,) = _ask(busy, 1)
    began = time.monotonic()
    assert alone.answer().status == 200
    one = time.monotonic() - began
    alone.close()
    connections = _ask(busy, 60)
    time.sleep(0.3)
    assert _seconds(busy, "GET", "/") < 3
    assert _seconds(busy, "GET", "/_ml/anomaly_detectors/_stats") < 3
    assert _seconds(busy, "GET", "/_cluster/health") < 3
    assert _seconds(busy, "PUT", "/other/_doc/1", _JSON, b'{"a":1}') < 5
    for connection in connections:
        connection.close()
    # Sixty searches would take sixty times as long; whoever asks now waits for none of them.
    assert _seconds(busy, "GET", "/many/_count") < max(5.0, 10 * one)
    assert busy.stop() == 0


def test_a_search_ends_at_its_timeout(busy):
    with RawConnection(busy.url, 60) as connection:
        began = time.monotonic()
        answer = connection.request("POST", "/many/_search?timeout=50ms", _JSON, _SLOW)
        assert time.monotonic() - began < 3
        assert answer.body["timed_out"] is True
        assert answer.body["hits"]["total"]["value"] <= 30_000
        assert answer.body["hits"]["total"]["relation"] == "gte"
        answer = connection.request(
            "POST", "/many/_search?timeout=50ms&allow_partial_search_results=false", _JSON, _SLOW
        )
        assert (answer.status, answer.reason) == (504, "Time exceeded")
        assert connection.request("GET", "/many/_search?timeout=soon").status == 400
        assert connection.request("GET", "/many/_search?timeout=10s").body["timed_out"] is False


def test_a_stop_does_not_wait_for_what_takes_longer_than_the_grace(busy):
    connections = _ask(busy, 40)
    half = RawConnection(busy.url)
    half.send(b"PUT /half HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{")
    time.sleep(0.5)
    began = time.monotonic()
    assert busy.stop() == 0, busy.log()
    assert time.monotonic() - began < 15
    assert "Traceback" not in busy.log()
    for connection in [*connections, half]:
        connection.close()
    busy.start()
    with busy.client() as client:
        assert client.count(index="many")["count"] == 30_000
        assert not client.indices.exists(index="half")


def test_a_stop_does_not_wait_for_the_learners_to_be_compiled(tmp_path, monkeypatch):
    (tmp_path / "cold").mkdir()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cold"))
    data = tmp_path / "data"
    data.mkdir()
    engine = EngineProcess(data)
    engine.start()
    with engine.client() as client:
        client.index(index="kept", document={"a": 1})
    began = time.monotonic()
    assert engine.stop() == 0
    assert time.monotonic() - began < 12
    engine.start()
    with engine.client() as client:
        assert client.count(index="kept")["count"] == 1
    engine.kill()


def test_running_out_of_descriptors_is_said_once_and_passes(engine):
    with RawConnection(engine.url) as before:
        assert before.request("GET", "/").status == 200
        resource.prlimit(engine.process.pid, resource.RLIMIT_NOFILE, (48, 48))
        idle = [RawConnection(engine.url) for _ in range(60)]
        time.sleep(2.5)
        for connection in idle:
            connection.close()
        assert engine.log().count("cannot accept connections") == 1
        assert len(engine.log().splitlines()) < 100
        assert before.request("GET", "/").status == 200
    assert _seconds(engine, "GET", "/") < 5
