"""`anomalyops backtest` over planted documents: what is planted is found, and the source's server stays as it was."""

from __future__ import annotations

import json
import math
import random
import tempfile
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from anomalyops.cli.main import invoke
from anomalyops.elastic import Endpoint, Gateway
from anomalyops.elastic.history import History
from captures import check

START = 1_767_225_600_000  # 2026-01-01
HOUR = 3_600_000
DAYS = 21
SPIKE = 16 * 24 + 10  # hour of the flood


def documents():
    """Requests by the hour, as many as the time of day asks for, and a flood on 17 January at ten."""
    at = random.Random(7)
    for hour in range(DAYS * 24):
        usual = 20 + 10 * math.sin(2 * math.pi * (hour % 24) / 24)
        count = round(at.gauss(usual, 2)) + (300 if hour == SPIKE else 0)
        for n in range(max(1, count)):
            stamp = START + hour * HOUR + n * HOUR // max(1, count)
            yield {"@timestamp": stamp, "event": {"ingested": stamp + 40_000}, "host": f"h{n % 3}", "ok": hour != SPIKE}


@pytest.fixture(scope="module")
def source(shared_engine):
    with shared_engine.client() as client:
        properties = {
            "@timestamp": {"type": "date"}, "host": {"type": "keyword"}, "ok": {"type": "boolean"},
            "event": {"properties": {"ingested": {"type": "date"}}},
        }  # fmt: skip
        client.indices.create(index="past-1", mappings={"properties": properties})
        operations = [part for one in documents() for part in ({"index": {}}, one)]
        client.bulk(index="past-1", operations=operations, refresh=True)
        yield "past-*"
        client.indices.delete(index="past-1")


def manifest(folder: Path, name="pair.yaml", function="high_count", query=None, index="past-*", span="1h") -> str:
    asked = f", query: {json.dumps(query)}" if query else ""
    path = folder / name
    path.write_text(f"""
apiVersion: anomalyops.io/v1alpha1
kind: AnomalyJob
metadata: {{name: tried}}
spec:
  analysisConfig: {{bucketSpan: {span}, detectors: [{{function: {function}}}]}}
  analysisLimits: {{modelMemoryLimit: 11mb}}
  dataDescription: {{timeField: "@timestamp"}}
---
apiVersion: anomalyops.io/v1alpha1
kind: Datafeed
metadata: {{name: tried}}
spec: {{jobRef: {{name: tried}}, indices: ["{index}"], queryDelay: 30s, state: Stopped{asked}}}
""")
    return str(path)


def state(client: Elasticsearch):
    indices = sorted(client.indices.get(index="*", expand_wildcards="all").body)
    return client.ml.get_jobs(job_id="_all")["count"], client.ml.get_datafeeds(datafeed_id="_all")["count"], indices


@pytest.fixture
def run(shared_engine, capsys):
    def command(*arguments, output="json"):
        code = invoke(["backtest", "--url", shared_engine.url, "-o", output, *arguments])
        captured = capsys.readouterr()
        return code, json.loads(captured.out) if output == "json" else captured.out, captured.err

    return command


def test_what_is_planted_is_found_and_the_server_stays_as_it_was(run, source, client, tmp_path):
    before, folders = state(client), set(Path(tempfile.gettempdir()).glob("anomalyops-backtest-*"))
    code, document, error = run("-f", manifest(tmp_path))
    assert code == 0, error
    assert state(client) == before
    assert set(Path(tempfile.gettempdir()).glob("anomalyops-backtest-*")) <= folders
    found = document["jobs"][0]["found"]
    assert found["documents"] == sum(1 for _ in documents())
    assert found["refused"] == 0
    flood = START + SPIKE * HOUR
    worst = max(found["alarms"], key=lambda alarm: alarm["score"])
    assert worst["start"] == "2026-01-17T10:00:00+00:00"
    assert found["anomalies"][0]["timestamp"] == "2026-01-17T10:00:00+00:00"
    assert flood == 1_768_644_000_000
    assert found["alarmsPerWeek"] == round(len(found["alarms"]) / (DAYS / 7), 2)
    assert sum(found["alarmsByWeek"]) == len(found["alarms"])
    assert found["peakModelBytes"] > 0
    assert (found["queryDelaySeconds"], found["advisedQueryDelaySeconds"] > 40) == (30, True)
    assert found["advisedBucketSpan"] == "30m"  # some twenty documents an hour: ten in half of one


def test_the_page_shows_what_is_printed(shared_engine, source, tmp_path, monkeypatch, capsys):
    manifest(tmp_path, "job.yaml", function="count")
    manifest(tmp_path, "new.yaml", query={"term": {"ok": True}})
    monkeypatch.chdir(tmp_path)

    def run(arguments):
        capsys.readouterr()
        invoke(arguments)
        return capsys.readouterr().out

    check("docs/backtest.md", run, shared_engine.url, figures=False)


class Listening:
    """Calls of the server, and what they asked."""

    def __init__(self, rest):
        self.rest = rest
        self.asked = []

    async def read(self, method, path, **options):
        self.asked.append(options.get("body") or {})
        return await self.rest.read(method, path, **options)


async def test_the_source_is_read_in_slices_that_are_all_of_it(shared_engine, source):
    gateway = Gateway(Endpoint(urls=(shared_engine.url,)))
    rest = Listening(gateway.rest)
    wanted = {"indices": [source], "query": {"term": {"host": "h1"}}}
    read = [one async for page in History(rest, wanted, "@timestamp").pages() for one in page]
    await gateway.close()
    usual = [one for one in documents() if one["host"] == "h1"]
    assert sorted(one["@timestamp"] for one in read) == [one["@timestamp"] for one in usual]
    pages = [body for body in rest.asked if body.get("size")]
    assert {(body["slice"]["id"], body["slice"]["max"]) for body in pages} == {(0, 2), (1, 2)}


def test_two_versions_beside_each_other(run, source, tmp_path):
    old = manifest(tmp_path)
    new = manifest(tmp_path, "new.yaml", query={"term": {"ok": True}})
    code, document, _ = run("-f", old, "--against", new)
    assert code == 0
    lost = [alarm["start"] for alarm in document["jobs"][0]["comparison"]["lost"]]
    assert "2026-01-17T10:00:00+00:00" in lost  # what the new query leaves out is not found any more
    code, text, _ = run("-f", old, "--against", old, output="markdown")
    assert "| | before | after |" in text
    assert ", 0 no more, 0 new" in text


def test_a_window_is_a_window_and_too_many_alarms_are_told_by_the_exit_code(run, source, tmp_path):
    path = manifest(tmp_path)
    code, document, _ = run("-f", path, "--end", "2026-01-10", "--max-alarms-per-week", "100")
    found = document["jobs"][0]["found"]
    assert code == 0
    assert found["end"] < "2026-01-10"
    assert all(alarm["start"] < "2026-01-10" for alarm in found["alarms"])
    assert run("-f", path, "--max-alarms-per-week", "0")[0] == 2


def test_documents_of_a_file_need_no_server(tmp_path, capsys):
    file = tmp_path / "past.ndjson"
    file.write_text("".join(json.dumps(one) + "\n" for one in documents()))
    assert invoke(["backtest", "-f", manifest(tmp_path), "--data", str(file)]) == 0
    text = capsys.readouterr().out
    assert "alarm 2026-01-17 10:00 to 2026-01-17 11:00" in text
    assert "memory limit" in text


@pytest.mark.parametrize(
    ("arguments", "change", "words"),
    [
        ([], {"index": "nothing-here-1"}, "nothing-here-1"),
        (["--start", "2031-01-01"], {}, "lies in the future"),
        (["--end", "1999-01-01"], {}, "has no documents that its datafeed reads in this time"),
        (["--start", "soon"], {}, "--start soon"),
        (["--start", "2026-01-02", "--end", "2026-01-01"], {}, "is not before --end"),
        (["--data", "/nowhere.csv"], {}, "there is no such file"),
        ([], {"query": {"turm": {}}}, "turm"),
        ([], {"function": "mean"}, "fieldName"),
    ],
)
def test_what_cannot_be_is_said(run, source, tmp_path, arguments, change, words):
    code, document, error = run("-f", manifest(tmp_path, **change), *arguments)
    assert code == 1
    assert words in json.dumps(document) + error
    assert "Traceback" not in error
