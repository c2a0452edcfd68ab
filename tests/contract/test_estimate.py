"""`anomalyops estimate` over planted data of which the right answer is known."""

from __future__ import annotations

import json

import pytest

from anomalyops.cli.main import invoke

MINUTE = 60_000
START = 1_767_225_600_000  # 2026-01-01
HOSTS, CLIENTS = 40, 25
DELAYS = [5] * 90 + [30] * 7 + [600] * 3  # seconds that documents are late


@pytest.fixture
def manifests(client, tmp_path):
    """A job over documents of 40 hosts, 5 in each quarter of an hour, of which 95 of 100 come within 30 seconds."""
    index = "estimated"
    mapping = {
        "@timestamp": {"type": "date"},
        "event": {"properties": {"ingested": {"type": "date"}}},
        "host": {"type": "keyword"},
        "client": {"type": "keyword"},
    }
    client.indices.create(index=index, mappings={"properties": mapping})
    operations = []
    for n in range(2000):
        at = START + n * 3 * MINUTE
        late = DELAYS[n % 100] * 1000
        document = {"@timestamp": at, "event": {"ingested": at + late}, "host": f"h{n % HOSTS}"}
        operations += [{"index": {}}, document | {"client": f"c{n % CLIENTS}"}]
    client.bulk(index=index, operations=operations, refresh=True)

    def write(limit="11mb", delay="20s", indices=index):
        spec = f"""
apiVersion: anomalyops.io/v1alpha1
kind: AnomalyJob
metadata: {{name: estimated}}
spec:
  analysisConfig:
    bucketSpan: 15m
    detectors: [{{function: count, partitionFieldName: host}}]
    influencers: [host, client]
  analysisLimits: {{modelMemoryLimit: {limit}}}
  dataDescription: {{timeField: "@timestamp"}}
---
apiVersion: anomalyops.io/v1alpha1
kind: Datafeed
metadata: {{name: feed-estimated}}
spec: {{jobRef: {{name: estimated}}, indices: [{indices}], queryDelay: {delay}}}
"""
        path = tmp_path / "pair.yaml"
        path.write_text(spec)
        return path

    yield write
    client.indices.delete(index=index)


def run(path, engine, capsys, *arguments):
    code = invoke(["estimate", "-f", str(path), "--url", engine.url, "-o", "json", *arguments])
    return code, json.loads(capsys.readouterr().out)


def test_it_counts_values_asks_the_server_and_looks_how_late_documents_come(client, manifests, shared_engine, capsys):
    code, (found,) = run(manifests(), shared_engine, capsys)
    assert found["cardinalities"] == {"host": HOSTS, "client": 5}
    asked = client.ml.estimate_model_memory(
        analysis_config={
            "bucket_span": "15m",
            "detectors": [{"function": "count", "partition_field_name": "host"}],
            "influencers": ["host", "client"],
        },
        overall_cardinality={"host": HOSTS},
        max_bucket_cardinality={"client": 5},
    )["model_memory_estimate"]
    assert found["estimate"] == int(asked.removesuffix("mb")) * 2**20
    assert found["advice"]["model_memory_limit"] == asked
    assert found["latency"] == {"p50": 5.0, "p95": 30.0, "p99": 600.0, "documents": 2000}
    assert found["advice"]["query_delay"] == "40s"
    assert found["advice"]["raise_delay"]
    assert code == 2


def test_what_suffices_is_said_to(manifests, shared_engine, capsys):
    code, (found,) = run(manifests(limit="100mb", delay="40s"), shared_engine, capsys)
    assert (code, found["advice"]["raise_limit"], found["advice"]["raise_delay"]) == (0, False, False)


def test_a_shorter_window_sees_fewer_values(manifests, shared_engine, capsys):
    _, (found,) = run(manifests(), shared_engine, capsys, "--days", "0.05")
    assert found["cardinalities"]["host"] == 24, "72 minutes of one document in three minutes"


def test_without_times_of_ingestion_nothing_is_said_of_the_delay(manifests, shared_engine, capsys):
    _, (found,) = run(manifests(), shared_engine, capsys, "--ingested-field", "no.such.field")
    assert found["latency"] is None
    assert found["advice"]["query_delay"] is None


def test_an_index_that_is_not_there_is_an_error_that_names_it(manifests, shared_engine, capsys):
    code = invoke(["estimate", "-f", str(manifests(indices="not-there")), "--url", shared_engine.url])
    assert code == 1
    assert "not-there" in capsys.readouterr().err


def test_the_table_says_what_to_write(manifests, shared_engine, capsys):
    assert invoke(["estimate", "-f", str(manifests()), "--url", shared_engine.url]) == 2
    out = capsys.readouterr().out
    assert "queryDelay: 40s" in out.replace("\n", " ") or "40s" in out
    assert "5/30/600s" in out


@pytest.mark.parametrize(
    ("kind", "value"),
    [("long", 5), ("double", 1.5), ("keyword", "x"), ("text", "x"), ("boolean", True), ("ip", "10.0.0.1")],
)
def test_what_holds_no_dates_says_nothing_of_the_delay(
    client, manifests, shared_engine, capsys, monkeypatch, kind, value
):
    index = f"undated-{kind}"
    mapping = {"@timestamp": {"type": "date"}, "event": {"properties": {"ingested": {"type": kind}}}}
    client.indices.create(index=index, mappings={"properties": mapping})
    try:
        client.index(index=index, document={"@timestamp": START, "event": {"ingested": value}}, refresh=True)
        for indices, kinds in ((index, kind), (f"estimated, {index}", ", ".join(sorted(["date", kind])))):
            path = manifests(limit="40mb", indices=indices)
            assert invoke(["estimate", "-f", str(path), "--url", shared_engine.url, "--output", "json"]) in {0, 2}
            (found,) = json.loads(capsys.readouterr().out)
            assert found["latency"] is None
            assert found["undated"] == f"event.ingested holds {kinds}: a date is accepted"
            assert found["estimate"] > 0
        monkeypatch.setenv("COLUMNS", "80")
        assert invoke(["estimate", "-f", str(manifests(limit="40mb", indices=index)), "--url", shared_engine.url]) == 0
        assert f"event.ingested holds {kind}: a date is accepted\n" in capsys.readouterr().out
    finally:
        client.indices.delete(index=index)
