"""The catalogue on a real engine: each job finds the incident that it is for, and cries at nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from catalog_data import CASES, HOUR, made, mapping
from hypothesis import settings

from anomalyops.catalog.entries import FieldKind, entries
from anomalyops.cli.main import invoke
from engine_process import EngineProcess

CRITICAL = 75
MULTI_BUCKET = 12  # buckets that are judged together: so long an incident has an effect after its end
SEEDS = range(1, 7) if settings.get_current_profile_name() == "thorough" else (1,)
BUCKET = {entry.name: HOUR if entry.job["analysisConfig"]["bucketSpan"] == "1h" else HOUR // 4 for entry in entries()}


@pytest.fixture(scope="module")
def shared_engine(tmp_path_factory):
    """An engine of this file alone: jobs share the index of their results, and with it the types of their fields."""
    process = EngineProcess(tmp_path_factory.mktemp("catalog"))
    process.start()
    yield process
    process.kill()


def test_there_is_a_case_for_each_job():
    assert list(CASES) == [entry.name for entry in entries()]


def load(client, entry, seed):
    """The case's documents in an index of their own."""
    documents, incident, end = made(entry.name, seed)
    values = frozenset(field.name for field in entry.fields if field.kind is not FieldKind.TEXT)
    index = f"catalog-{entry.name}-{seed}"
    client.indices.create(index=index, mappings=mapping(documents, values))
    for at in range(0, len(documents), 5000):
        operations = [line for document in documents[at : at + 5000] for line in ({"create": {}}, document)]
        assert not client.bulk(index=index, operations=operations)["errors"]
    client.indices.refresh(index=index)
    return index, incident, end


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_it_finds_its_incident_and_nothing_critical_elsewhere(client, shared_engine, tmp_path, capsys, entry, seed):
    index, incident, end = load(client, entry, seed)
    rendering = ["catalog", "render", entry.name, "--index", index, "--prefix", f"seed{seed}-"]
    until = datetime.fromtimestamp(end / 1000, UTC).isoformat()
    assert invoke([*rendering, "--end", until, "--url", shared_engine.url, "--output-dir", str(tmp_path)]) == 0
    capsys.readouterr()
    assert invoke(["apply", "-f", str(tmp_path), "--url", shared_engine.url]) == 0, capsys.readouterr().err
    job = f"seed{seed}-{entry.name}"
    records = client.ml.get_records(job_id=job, record_score=CRITICAL, size=1000)["records"]
    told = [_told(one) for one in records]
    span = BUCKET[entry.name]
    within = [one for one in records if incident.start - span < one["timestamp"] <= incident.end]
    assert any(incident.entity is None or incident.entity in _entities(one) for one in within), told
    after = incident.end + MULTI_BUCKET * span
    others = [one for one in records if not (incident.start - span < one["timestamp"] <= after)]
    assert not others, ("critical, and no part of the incident", told)
    client.ml.delete_datafeed(datafeed_id=job, force=True)
    client.ml.delete_job(job_id=job, force=True)
    client.indices.delete(index=index)


def _entities(record):
    return {str(record.get(f"{key}_field_value")) for key in ("by", "over", "partition")}


def _told(record):
    """What a reader of a failure wants to know."""
    at = datetime.fromtimestamp(record["timestamp"] / 1000, UTC).isoformat()
    keys = (
        "record_score",
        "partition_field_value",
        "by_field_value",
        "over_field_value",
        "actual",
        "multi_bucket_impact",
    )
    return at, *(record.get(key) for key in keys)


def _unlike_the_catalogue(client, index):
    text = {"type": "text", "fields": {"keyword": {"type": "keyword"}}}
    fields = {"@timestamp": {"type": "date"}, "host": {"properties": {"name": text}}, "cpu": {"type": "float"}}
    client.indices.create(index=index, mappings={"properties": fields})


def test_fields_are_looked_up_where_the_jobs_shall_run(client, shared_engine, capsys):
    _unlike_the_catalogue(client, "catalog-fields")
    command = ["catalog", "render", "system-cpu", "--index", "catalog-fields", "--url", shared_engine.url]
    assert invoke(command) == 1
    said = capsys.readouterr().err
    assert "system.cpu.total.norm.pct is not mapped: system-cpu needs a number" in said
    assert "write --field host.name=host.name.keyword" in said
    suited = ["--field", "host.name=host.name.keyword", "--field", "system.cpu.total.norm.pct=cpu"]
    assert invoke([*command, *suited]) == 0
    written = capsys.readouterr()
    assert "system-cpu: no document matches its query yet" in written.err
    assert "partitionFieldName: host.name.keyword" in written.out
    assert "fieldName: cpu" in written.out
    assert invoke([*command, *suited, "--filter", "cloud.region=eu"]) == 1
    assert "cloud.region is not mapped" in capsys.readouterr().err


def test_an_index_that_is_not_there_is_said(shared_engine, capsys):
    for index in ("catalog-nowhere", "catalog-nowhere-*"):
        assert invoke(["catalog", "render", "web", "--index", index, "--url", shared_engine.url]) == 1
        assert "catalog-nowhere" in capsys.readouterr().err
