"""An engine with more to do than it can: it still says how it is, drops what nobody waits for, and stops in time."""

from __future__ import annotations

import json
import os
import resource
import time
from pathlib import Path

import pytest
from elasticsearch.helpers import bulk
from engine_metrics import read
from raw_http import RawConnection

from engine_process import EngineProcess
from waiting import until

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
    connections = [RawConnection(engine.url) for _ in range(count)]
    head = f"POST {path} HTTP/1.1\r\nHost: {connections[0].host}\r\nContent-Type: application/json\r\n"
    for connection in connections:
        connection.send(f"{head}Content-Length: {len(_SLOW)}\r\n\r\n".encode() + _SLOW)
    return connections


def _ask_for(engine, method, path, headers=None, body=b""):
    with RawConnection(engine.url) as connection:
        assert connection.request(method, path, headers, body).status in {200, 201}


def _searched(engine, status="200"):
    """How many searches have been answered with this status."""
    return read(engine).get(("anomalyops_engine_requests_total", status, "search"), 0)


def _processor_seconds(engine):
    """What the engine has used of the processors, which other work on the machine does not change."""
    times = Path(f"/proc/{engine.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")


# However slow the machine is, it makes searches slow too. So what must not wait for searches is held against how many
# of them have been answered meanwhile, and never against a clock.


def test_health_and_writes_do_not_wait_for_searches_and_searches_end_with_their_clients(busy):
    connections = _ask(busy, 60)
    until(lambda: read(busy)["anomalyops_engine_requests_waiting", "search"], "searches that wait")
    _ask_for(busy, "GET", "/")
    _ask_for(busy, "GET", "/_ml/anomaly_detectors/_stats")
    _ask_for(busy, "GET", "/_cluster/health")
    _ask_for(busy, "PUT", "/other/_doc/1", _JSON, b'{"a":1}')
    assert _searched(busy) < 20
    for connection in connections:
        connection.close()
    _ask_for(busy, "GET", "/many/_count")
    until(lambda: _searched(busy) + _searched(busy, "503") > 60, "the end of all searches")
    assert _searched(busy) < 30
    assert busy.stop() == 0


def test_a_search_ends_at_its_timeout(busy):
    with RawConnection(busy.url) as connection:
        begun = _processor_seconds(busy)
        assert connection.request("POST", "/many/_search", _JSON, _SLOW).body["timed_out"] is False
        whole = _processor_seconds(busy) - begun
        answer = connection.request("POST", "/many/_search?timeout=50ms", _JSON, _SLOW)
        assert _processor_seconds(busy) - begun - whole < 0.7 * whole  # it is planned to its end, but not searched
        assert answer.body["timed_out"] is True
        assert answer.body["hits"]["total"]["value"] <= 30_000
        assert answer.body["hits"]["total"]["relation"] == "gte"
        answer = connection.request(
            "POST", "/many/_search?timeout=50ms&allow_partial_search_results=false", _JSON, _SLOW
        )
        assert (answer.status, answer.reason) == (504, "Time exceeded")
        assert connection.request("GET", "/many/_search?timeout=soon").status == 400
        assert connection.request("GET", "/many/_search?timeout=10m").body["timed_out"] is False


def test_a_stop_does_not_wait_for_what_takes_longer_than_the_grace(busy):
    connections = _ask(busy, 40)
    half = RawConnection(busy.url)
    half.send(b"PUT /half HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{")
    until(lambda: read(busy)["anomalyops_engine_requests_waiting", "search"], "searches that wait")
    assert busy.stop() == 0, busy.log()
    assert sum(_was_answered(connection) for connection in connections) < 20
    assert "Traceback" not in busy.log()
    for connection in [*connections, half]:
        connection.close()
    busy.start()
    with busy.client() as client:
        assert client.count(index="many")["count"] == 30_000
        assert not client.indices.exists(index="half")


def _was_answered(connection):
    """Whether a search was done; of those that a stop ended, some were told so and some were not."""
    try:
        return connection.answer().status == 200
    except OSError:
        return False


def test_a_stop_does_not_wait_for_the_learners_to_be_compiled(tmp_path, monkeypatch):
    (tmp_path / "cold").mkdir()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cold"))
    data = tmp_path / "data"
    data.mkdir()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    engine = EngineProcess(data)
    engine.start()
    with engine.client() as client:
        client.index(index="kept", document={"a": 1})
    assert read(engine)["anomalyops_engine_learners_ready",] == 0
    assert engine.stop() == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Of the processors' seconds, of which compiling takes some more than a minute.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 30
    engine.start()
    with engine.client() as client:
        assert client.count(index="kept")["count"] == 1
    engine.kill()


def test_running_out_of_descriptors_is_said_once_and_passes(engine):
    with RawConnection(engine.url) as before:
        assert before.request("GET", "/").status == 200
        resource.prlimit(engine.process.pid, resource.RLIMIT_NOFILE, (48, 48))
        idle = [RawConnection(engine.url) for _ in range(60)]
        until(lambda: "cannot accept connections" in engine.log())
        time.sleep(2.5)
        for connection in idle:
            connection.close()
        assert engine.log().count("cannot accept connections") == 1
        assert len(engine.log().splitlines()) < 100
        assert before.request("GET", "/").status == 200
    _ask_for(engine, "GET", "/")
