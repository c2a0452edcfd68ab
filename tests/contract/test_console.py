"""The console beside an engine with authentication: what it passes on, what it never does, and who sees what."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import orjson
import pytest

from console_process import ConsoleProcess, ask
from engine_process import EngineProcess

_OPERATOR = Path(__file__).resolve().parents[2] / "operator"
PASSWORD = "correct-horse"


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    process = EngineProcess(tmp_path_factory.mktemp("console"), f"password={PASSWORD!r}")
    process.start()
    yield process
    process.kill()


def beside(url, *arguments):
    credentials = {"ANOMALYOPS_USERNAME": "elastic", "ANOMALYOPS_PASSWORD": PASSWORD}
    return ConsoleProcess("--url", url, *arguments, environment=credentials)


@pytest.fixture(scope="module")
def reading(engine):
    with beside(engine.url) as console:
        yield console.url


@pytest.fixture(scope="module")
def writing(engine):
    with beside(engine.url, "--allow-writes") as console:
        yield console.url


JOB = {
    "analysis_config": {"bucket_span": "1h", "detectors": [{"function": "count"}]},
    "data_description": {"time_field": "time"},
}


def test_the_credentials_are_the_consoles_and_nobody_sees_them(engine, reading):
    assert ask(f"{engine.url}/_ml/anomaly_detectors")[0] == 401
    status, body, headers = ask(f"{reading}/_ml/anomaly_detectors")
    assert status == 200
    assert orjson.loads(body)["count"] >= 0
    assert "default-src 'none'" in headers["content-security-policy"]
    assert PASSWORD not in str(headers)
    assert "set-cookie" not in headers
    # What a browser says of itself is not what counts.
    assert ask(f"{reading}/_ml/anomaly_detectors", authorization="Basic d3Jvbmc6d3Jvbmc=")[0] == 200


def test_searches_pass_with_their_bodies_and_queries(reading):
    status, body, _ = ask(f"{reading}/.ml-anomalies-*/_search?ignore_unavailable=true", "POST", {"size": 0})
    assert status == 200
    assert orjson.loads(body)["hits"]["hits"] == []
    status, body, _ = ask(f"{reading}/.ml-anomalies-*/_search", "POST", {"query": {"nothing": {}}})
    assert status == 400
    assert b"nothing" in body


def test_nothing_is_changed_unless_that_was_allowed(engine, reading, writing):
    status, body, _ = ask(f"{reading}/_ml/anomaly_detectors/made", "PUT", JOB)
    assert status == 403
    assert b"--allow-writes" in body
    assert ask(f"{writing}/_ml/anomaly_detectors/made", "PUT", JOB)[0] == 200
    assert ask(f"{reading}/_ml/anomaly_detectors/made")[0] == 200
    assert ask(f"{writing}/_ml/anomaly_detectors/made", "DELETE")[0] == 200


def test_documents_are_added_to_an_index_and_nothing_else_is_done_with_bulk_requests(reading, writing):
    def bulk(url, *lines):
        body = b"".join(orjson.dumps(line) + b"\n" for line in lines)
        request = urllib.request.Request(url, data=body, headers={"content-type": "application/x-ndjson"})
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, orjson.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, orjson.loads(error.read())

    assert ask(f"{writing}/added", "PUT", {"mappings": {"properties": {"n": {"type": "long"}}}})[0] == 200
    status, found = bulk(f"{writing}/added/_bulk?refresh=true", {"create": {}}, {"n": 1}, {"create": {}}, {"n": 2})
    assert (status, found["errors"]) == (200, False)
    assert bulk(f"{reading}/added/_bulk", {"create": {}}, {"n": 1})[0] == 403
    for action in ({"create": {"_index": "others"}}, {"index": {}}, {"delete": {"_id": "1"}}):
        for path in ("added/_bulk", "added/%5Fbulk"):
            status, found = bulk(f"{writing}/{path}", action, {"n": 3})
            assert status == 403
            assert "bulk requests that add" in found["error"]["reason"]
    assert orjson.loads(ask(f"{reading}/added/_count", "POST", {})[1])["count"] == 2


def test_annotations_are_written_through_the_alias_and_changed_where_they_are(engine, reading, writing):
    note = {"annotation": "deploy", "job_id": "any", "type": "annotation", "event": "user", "timestamp": 1}
    path = ".ml-annotations-write/_doc?refresh=wait_for&require_alias=true"
    assert ask(f"{reading}/{path}", "POST", note)[0] == 403
    status, body, _ = ask(f"{writing}/{path}", "POST", note)
    assert status == 201
    made = orjson.loads(body)
    changed = f"{made['_index']}/_doc/{made['_id']}?refresh=wait_for"
    assert made["_index"] != ".ml-annotations-write"
    assert ask(f"{writing}/{changed}", "PUT", {**note, "annotation": "deploy of 3.2"})[0] == 200
    query = {"query": {"ids": {"values": [made["_id"]]}}}
    _, body, _ = ask(f"{reading}/.ml-annotations-read/_search", "POST", query)
    assert [hit["_source"]["annotation"] for hit in orjson.loads(body)["hits"]["hits"]] == ["deploy of 3.2"]
    assert ask(f"{reading}/{changed}", "DELETE")[0] == 403
    assert ask(f"{writing}/{changed}", "DELETE")[0] == 200
    assert ask(f"{writing}/.ml-annotations-*/_doc/{made['_id']}", "DELETE")[0] == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "_nodes"),
        ("POST", "_bulk"),
        ("DELETE", "logs"),
        ("GET", "_security/api_key"),
        ("GET", "a/../_nodes"),
    ],
)
def test_what_the_page_does_not_ask_is_not_passed_on(writing, method, path):
    status, body, _ = ask(f"{writing}/{path}", method)
    assert status == 403
    assert b"does not pass on" in body


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://evil.example"}, {"origin": "null"}, {"sec_fetch_site": "cross-site"}, {"host": "evil.example"}],
)
@pytest.mark.parametrize("path", ["_ml/anomaly_detectors", "_console/"])
def test_no_other_page_can_use_it(reading, headers, path):
    assert ask(f"{reading}/{path}", **headers)[0] == 403


def test_large_bodies_are_refused(reading):
    assert ask(f"{reading}/a/_search", "POST", {"x": "y" * 1_100_000})[0] == 413


def test_a_server_that_is_gone_is_a_sentence():
    with beside("http://127.0.0.1:9") as console:
        status, body, _ = console.ask("_ml/anomaly_detectors")
    assert status == 502
    assert "cannot be reached" in orjson.loads(body)["error"]["reason"]
    assert PASSWORD.encode() not in body


def test_an_engine_serves_the_page_to_everybody_and_what_it_holds_to_nobody(engine):
    status, body, headers = ask(f"{engine.url}/_console/")
    assert status == 200
    assert b"console.js" in body
    assert "default-src 'none'" in headers["content-security-policy"]
    assert ask(f"{engine.url}/_console/", origin="http://evil.example")[0] == 403
    assert ask(f"{engine.url}/_ml/anomaly_detectors")[0] == 401


def test_a_port_that_is_taken_is_a_sentence(engine):
    taken = engine.url.rpartition(":")[2]
    result = subprocess.run(
        [sys.executable, "-m", "anomalyops.cli.main", "console", "--port", taken, "--url", engine.url],
        env={**os.environ, "PYTHONPATH": str(_OPERATOR)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 1
    assert f"--port {taken}: cannot listen" in result.stderr
    assert "Traceback" not in result.stderr
