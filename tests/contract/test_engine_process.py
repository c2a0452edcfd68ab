"""The engine as a process: start, stop, crash, and one at a time on a folder."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from elasticsearch import ApiError, TransportError
from elasticsearch.helpers import bulk

from waiting import PATIENCE_S, until

_OPERATOR = Path(__file__).resolve().parents[2] / "operator"


def test_a_graceful_stop_ends_with_zero_and_withdraws_the_announcement(engine):
    announced = json.loads((engine.data / "engine.json").read_text())
    assert announced["url"] == engine.url
    assert announced["pid"] == engine.process.pid
    with engine.client() as client:
        client.index(index="logs", id="1", document={"a": 1})
    for number in (signal.SIGTERM, signal.SIGINT):
        engine.process.send_signal(number)
        assert engine.process.wait(PATIENCE_S) == 0
        assert not (engine.data / "engine.json").exists()
        engine.start()
        with engine.client() as client:
            assert client.get_source(index="logs", id="1") == {"a": 1}
    assert f"listening on {engine.url}, data in {engine.data}" in engine.log()
    assert "Traceback" not in engine.log()


def test_a_second_engine_on_the_folder_is_refused_with_the_pid_of_the_first(engine):
    code = "import sys, pathlib; from anomalyops_engine.server import serve; serve(pathlib.Path(sys.argv[1]), port=0)"
    second = subprocess.run(
        [sys.executable, "-c", code, str(engine.data)],
        env={**os.environ, "PYTHONPATH": str(_OPERATOR)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert second.returncode != 0
    assert f"in use by process {engine.process.pid}" in second.stderr
    with engine.client() as client:
        assert client.ping()


def test_a_crash_under_load_loses_no_acknowledged_document(engine):
    acknowledged: set[str] = set()
    attempted: set[str] = set()

    def load(turn: int, part: int) -> None:
        with engine.client().options(max_retries=0) as client:
            for batch in range(1000):
                ids = [f"{turn}-{part}-{batch}-{n}" for n in range(20)]
                attempted.update(ids)
                try:
                    bulk(client, ({"_index": "logs", "_id": i, "part": part, f"f{batch % 7}": batch} for i in ids))
                except (ApiError, TransportError):
                    return
                acknowledged.update(ids)

    for turn in range(2):
        loaders = [threading.Thread(target=load, args=(turn, part)) for part in range(3)]
        for loader in loaders:
            loader.start()
        before = len(acknowledged)
        until(lambda before=before: len(acknowledged) > before)
        time.sleep(1)
        engine.kill()
        for loader in loaders:
            loader.join()
        engine.restart()
        with engine.client() as client:
            hits = client.search(index="logs", size=10_000, source=False, track_total_hits=True)["hits"]
            stored = {hit["_id"] for hit in hits["hits"]}
            assert hits["total"]["value"] == len(stored)
        assert acknowledged
        assert acknowledged <= stored <= attempted


def test_only_loopback_is_listened_on(engine):
    assert engine.url.startswith("http://127.0.0.1:")


def test_requests_on_a_kept_connection_are_answered_at_once(engine):
    """No answer waits for a delayed acknowledgement, which Linux holds back for 40 ms."""
    address = urlsplit(engine.url)
    connection = http.client.HTTPConnection(address.hostname, address.port)
    seconds = []
    while len(seconds) < 500 and min(seconds[1:], default=1.0) >= 0.03:  # a loaded machine makes some of them wait
        begun = time.perf_counter()
        connection.request("GET", "/")
        connection.getresponse().read()
        seconds.append(time.perf_counter() - begun)
    connection.close()
    assert min(seconds[1:]) < 0.03
