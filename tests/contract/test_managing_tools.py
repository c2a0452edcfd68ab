"""The managing tools over the engine: plan first, safe order, ownership, and what runs after a failure."""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from anomalyops.cli.main import invoke
from anomalyops.elastic import Endpoint, Gateway
from anomalyops.local.errors import LocalError
from anomalyops.local.managing import find, look, perform, read
from anomalyops.plan.managing import managing_tools
from anomalyops_insight.toolset import all_tools
from waiting import PATIENCE_S

DAY = 86_400_000
GUIDE = [
    "ad_create_calendar_event",
    "ad_create_datafeed",
    "ad_create_job",
    "ad_discover_jobs_by_datafeed_index",
    "ad_discover_related_jobs",
    "ad_estimate_memory_requirement",
    "ad_get_available_metadata",
    "ad_get_calendar_events",
    "ad_get_categories",
    "ad_get_forecast_results",
    "ad_get_job_datafeed_config",
    "ad_get_job_messages",
    "ad_get_jobs",
    "ad_get_model_plot",
    "ad_get_model_snapshots",
    "ad_manage_datafeed",
    "ad_open_job",
    "ad_preview_datafeed_with_latency",
    "ad_query_anomaly_records",
    "ad_query_anomaly_timeline",
    "ad_query_influencers",
    "ad_rca_blast_radius",
    "ad_rca_correlation",
    "ad_rca_cross_job_entity_match",
    "ad_rca_detector_fingerprint",
    "ad_rca_entity_profile",
    "ad_rca_multi_job_entities",
    "ad_rca_score_reassessment",
    "ad_rca_source_evidence",
    "ad_revert_model_snapshot",
    "ad_search_log_category_examples",
    "ad_ts_bucket_event_gaps",
    "ad_ts_ccs_diagnostics",
    "ad_ts_delayed_data_annotations",
    "ad_ts_ingest_latency_estimate",
    "ad_ts_model_memory_health",
    "ad_update_datafeed_query_delay",
    "ad_update_delayed_data_check_config",
    "ad_update_model_memory_limit",
    "ad_validate_job_spec",
    "ad_validate_ml_tool_permissions",
    "ad_wf_troubleshoot_anomaly_score",
    "ad_wf_troubleshoot_memory_limit",
    "ad_wf_troubleshoot_query_delay",
    "ad_wf_ts_field_cardinality",
]


def test_every_tool_of_the_guide_is_there_and_no_other():
    names = [tool.name for tool in (*all_tools(), *managing_tools())]
    assert len(GUIDE) == 45
    assert sorted(names) == GUIDE
    text = (Path(__file__).parents[2] / "docs" / "tools.md").read_text()
    assert [name for name in GUIDE if f"`{name}`" not in text] == []


@pytest.mark.parametrize("tool", managing_tools(), ids=lambda tool: tool.name)
def test_a_tool_describes_itself(tool, capsys):
    assert tool.when.endswith(".")
    assert all(field.description for field in tool.parameters.model_fields.values())
    read(tool, tool.example)
    assert invoke(["tools", tool.name]) == 0
    assert "--yes does it" in capsys.readouterr().out


@pytest.fixture(scope="module")
def logs(shared_engine):
    """Ten days of documents up to now."""
    with shared_engine.client() as client:
        properties = {"@timestamp": {"type": "date"}, "host": {"type": "keyword"}, "ms": {"type": "double"}}
        client.indices.create(index="managed-logs", mappings={"properties": properties})
        now = int(time.time() * 1000)
        operations = []
        for n in range(10 * 24 * 4):
            document = {"@timestamp": now - 10 * DAY + n * 900_000, "host": f"h{n % 3}", "ms": 5.0 + n % 7}
            operations += [{"index": {}}, document]
        client.bulk(index="managed-logs", operations=operations, refresh=True)
        yield "managed-logs"
        client.indices.delete(index="managed-logs")


@pytest.fixture
def job(client, logs):
    """A job whose datafeed runs in real time."""
    client.ml.put_job(
        job_id="managed",
        analysis_config={"bucket_span": "1h", "detectors": [{"function": "mean", "field_name": "ms"}]},
        data_description={"time_field": "@timestamp"},
        analysis_limits={"model_memory_limit": "64mb"},
    )
    client.ml.put_datafeed(datafeed_id="datafeed-managed", job_id="managed", indices=[logs], query_delay="60s")
    client.ml.open_job(job_id="managed")
    client.ml.start_datafeed(datafeed_id="datafeed-managed", start="0")
    yield "managed"
    client.ml.delete_job(job_id="managed", force=True)


@pytest.fixture
def run(shared_engine, capsys):
    def command(name, *arguments):
        code = invoke(["tool", name, "--url", shared_engine.url, "-o", "json", *arguments])
        return code, json.loads(capsys.readouterr().out)

    return command


def verbs(document):
    return [(step["verb"], step["id"]) for step in document["plan"]["steps"]]


def states(client, job="managed"):
    feed = client.ml.get_datafeed_stats(datafeed_id=f"datafeed-{job}")["datafeeds"][0]["state"]
    return client.ml.get_job_stats(job_id=job)["jobs"][0]["state"], feed


def limit_and_delay(client):
    config = client.ml.get_jobs(job_id="managed")["jobs"][0]
    return config["analysis_limits"]["model_memory_limit"], config["datafeed_config"]["query_delay"]


def test_four_steps_make_a_job_that_runs(client, logs, run):
    detectors = json.dumps([{"function": "high_mean", "field_name": "ms", "by_field_name": "host"}])
    steps = [
        ("ad_create_job", "--job-id", "made", "--detectors", detectors, "--model-memory-limit", "16mb"),
        ("ad_create_datafeed", "--job-id", "made", "--indices", logs),
        ("ad_open_job", "--job-id", "made"),
        ("ad_manage_datafeed", "--job-id", "made", "--action", "_start"),
    ]
    try:
        for step in steps:
            code, planned = run(*step)
            assert (code, planned["done"], len(planned["plan"]["steps"])) == (2, False, 1)
            assert run(*step)[1] == planned  # showing a plan changes nothing
            code, done = run(*step, "--yes")
            assert (code, done["done"]) == (0, True)
        config = client.ml.get_jobs(job_id="made")["jobs"][0]
        assert config["analysis_config"]["bucket_span"] == "15m"
        assert config["analysis_config"]["influencers"] == ["host"]
        assert config["data_description"]["time_field"] == "@timestamp"
        assert config["datafeed_config"]["query_delay"] == "60s"
        assert states(client, "made") == ("opened", "started")
        assert run(*steps[2], "--yes")[1]["notes"] == ["job made is open already"]
        assert run(*steps[0])[1]["plan"]["obstacles"][0]["reason"] == "AlreadyExists"
        assert run(*steps[1])[1]["plan"]["obstacles"][0]["reason"] == "AlreadyExists"
        code, _ = run("ad_manage_datafeed", "--job-id", "made", "--action", "_stop", "--yes")
        assert (code, states(client, "made")) == (0, ("opened", "stopped"))
    finally:
        client.ml.delete_job(job_id="made", force=True)


def test_starting_a_closed_jobs_datafeed_opens_the_job_first(client, logs, run, job):
    run("ad_manage_datafeed", "--job-id", job, "--action", "_stop", "--yes")
    client.ml.close_job(job_id=job)
    span = ("--start", "2026-01-01T00:00:00Z", "--end", "2026-01-02T00:00:00Z")
    _, planned = run("ad_manage_datafeed", "--job-id", job, "--action", "_start", *span)
    assert "it is asked for, from 2026-01-01T00:00:00Z on, up to 2026-01-02T00:00:00Z" in str(planned)
    code, planned = run("ad_manage_datafeed", "--job-id", job, "--action", "_start", "--yes")
    assert verbs(planned) == [("open job", job), ("start datafeed", "datafeed-managed")]
    assert (code, states(client)) == (0, ("opened", "started"))


def test_memory_before_query_delay_in_one_lifecycle(client, run, job):
    asked = ("--job-id", job, "--query-delay", "180s", "--model-memory-limit", "128mb")
    code, planned = run("ad_update_datafeed_query_delay", *asked)
    assert code == 2
    assert verbs(planned) == [
        ("stop datafeed", "datafeed-managed"),
        ("close job", job),
        ("update job", job),
        ("update datafeed", "datafeed-managed"),
        ("open job", job),
        ("start datafeed", "datafeed-managed"),
    ]
    assert limit_and_delay(client) == ("64mb", "60s")
    assert run("ad_update_datafeed_query_delay", *asked, "--yes")[0] == 0
    assert limit_and_delay(client) == ("128mb", "180s")
    assert states(client) == ("opened", "started")
    code, again = run("ad_update_datafeed_query_delay", *asked, "--yes")
    assert (code, again["plan"]["steps"], len(again["notes"])) == (0, [], 2)
    code, alike = run("ad_update_datafeed_query_delay", "--job-id", job, "--query-delay", "3m")
    assert (code, alike["plan"]["steps"]) == (0, [])


def test_a_query_delay_alone_leaves_the_job_open(client, run, job):
    code, done = run("ad_update_datafeed_query_delay", "--job-id", job, "--query-delay", "90s", "--yes")
    assert code == 0
    assert [verb for verb, _ in verbs(done)] == ["stop datafeed", "update datafeed", "start datafeed"]
    code, done = run("ad_update_delayed_data_check_config", "--job-id", job, "--check-window", "4h", "--yes")
    assert code == 0
    feed = client.ml.get_datafeeds(datafeed_id="datafeed-managed")["datafeeds"][0]
    assert feed["delayed_data_check_config"] == {"enabled": True, "check_window": "4h"}
    assert states(client) == ("opened", "started")


def test_what_a_manifest_owns_is_changed_there(client, logs, shared_engine, run, tmp_path, capsys):
    manifest = tmp_path / "pair.yaml"
    manifest.write_text(f"""
apiVersion: anomalyops.io/v1alpha1
kind: AnomalyJob
metadata: {{name: owned}}
spec:
  state: Closed
  analysisConfig: {{bucketSpan: 1h, detectors: [{{function: count}}]}}
  dataDescription: {{timeField: "@timestamp"}}
---
apiVersion: anomalyops.io/v1alpha1
kind: Datafeed
metadata: {{name: feed-of-owned}}
spec: {{jobRef: {{name: owned}}, indices: [{logs}], queryDelay: 60s, state: Stopped}}
""")
    (tmp_path / ".anomalyops-owner").write_text("team-a\n")
    assert invoke(["apply", "-f", str(manifest), "--url", shared_engine.url]) == 0
    capsys.readouterr()
    try:
        before = client.ml.get_jobs(job_id="owned").body
        for name, *arguments in (
            ("ad_update_model_memory_limit", "--model-memory-limit", "77mb"),
            ("ad_update_datafeed_query_delay", "--query-delay", "99s"),
            ("ad_update_delayed_data_check_config", "--check-window", "4h"),
            ("ad_open_job",),
            ("ad_manage_datafeed", "--action", "_start"),
            ("ad_revert_model_snapshot", "--snapshot-id", "empty"),
        ):
            code, found = run(name, "--job-id", "owned", *arguments, "--yes")
            assert (code, found["done"], found["plan"]["steps"]) == (3, False, []), name
            assert "team-a" in found["patches"][0]["where"]
        assert client.ml.get_jobs(job_id="owned").body == before
        _, found = run("ad_update_model_memory_limit", "--job-id", "owned", "--model-memory-limit", "77mb")
        patch = found["patches"][0]["manifest"]
        documents = list(yaml.safe_load_all(manifest.read_text()))
        assert (patch["kind"], patch["metadata"]["name"]) == ("AnomalyJob", "owned")
        documents[0]["spec"] |= patch["spec"]
        _, found = run("ad_update_datafeed_query_delay", "--job-id", "owned", "--query-delay", "99s")
        documents[1]["spec"] |= found["patches"][0]["manifest"]["spec"]
        manifest.write_text(yaml.safe_dump_all(documents))
        assert invoke(["apply", "-f", str(manifest), "--url", shared_engine.url]) == 0  # the patches are what it takes
        config = client.ml.get_jobs(job_id="owned")["jobs"][0]
        assert config["analysis_limits"]["model_memory_limit"] == "77mb"
        assert config["datafeed_config"]["query_delay"] == "99s"
    finally:
        client.ml.delete_job(job_id="owned", force=True)


def test_a_failure_in_the_middle_brings_back_what_ran(client, shared_engine, job):
    wait_for_data(client)
    client.ml.stop_datafeed(datafeed_id="datafeed-managed")
    client.ml.close_job(job_id=job)  # makes a snapshot
    client.ml.open_job(job_id=job)
    client.ml.start_datafeed(datafeed_id="datafeed-managed")
    snapshot = client.ml.get_model_snapshots(job_id=job)["model_snapshots"][0]["snapshot_id"]
    tool = find("ad_revert_model_snapshot")
    wanted = read(tool, {"job_id": job, "snapshot_id": snapshot})
    other = read(tool, {"job_id": job, "snapshot_id": "gone"})
    told = []

    async def run():
        gateway = Gateway(Endpoint(urls=(shared_engine.url,)))
        try:
            looked = await look(gateway, tool, wanted)
            # The snapshot goes while the plan is read: the call in the middle is refused.
            steps = tool.plan(other, _with_snapshot(looked.seen)).plan.steps
            assert [step.verb for step in steps][:3] == ["stop datafeed", "close job", "revert job"]
            looked = type(looked)(seen=looked.seen, managed=tool.plan(other, _with_snapshot(looked.seen)))
            await perform(gateway, other, looked, lambda step: told.append(step.verb))
        finally:
            await gateway.close()

    with pytest.raises(LocalError, match=r"revert job managed failed: .*done before: stop datafeed .*brought back"):
        asyncio.run(run())
    assert told == ["stop datafeed", "close job", "revert job", "open job", "start datafeed"]
    assert states(client) == ("opened", "started")


def _with_snapshot(seen):
    return replace(seen, snapshots=(*seen.snapshots, "gone"))


def wait_for_data(client):
    deadline = time.monotonic() + PATIENCE_S
    while not client.ml.get_job_stats(job_id="managed")["jobs"][0]["data_counts"]["processed_record_count"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_job_goes_back_to_a_snapshot_and_runs_on(client, run, job):
    wait_for_data(client)
    client.ml.stop_datafeed(datafeed_id="datafeed-managed")
    client.ml.close_job(job_id=job)
    client.ml.open_job(job_id=job)
    client.ml.start_datafeed(datafeed_id="datafeed-managed")
    snapshot = client.ml.get_model_snapshots(job_id=job)["model_snapshots"][0]["snapshot_id"]
    code, done = run("ad_revert_model_snapshot", "--job-id", job, "--snapshot-id", snapshot, "--yes")
    assert (code, states(client)) == (0, ("opened", "started"))
    assert ("revert job", job) in verbs(done)
    code, unknown = run("ad_revert_model_snapshot", "--job-id", job, "--snapshot-id", "nothing", "--yes")
    assert (code, unknown["plan"]["obstacles"][0]["reason"]) == (3, "SnapshotNotFound")


def test_an_event_makes_its_calendar_and_names_its_jobs(client, run, job):
    times = ("--start-time", "2031-01-01T20:00:00Z", "--end-time", "2031-01-01T22:00:00Z")
    asked = ("--calendar-id", "works", "--description", "upgrade", *times)
    try:
        code, done = run("ad_create_calendar_event", *asked, "--yes")
        assert code == 0
        assert "names no jobs" in done["notes"][0]
        code, done = run("ad_create_calendar_event", *asked, "--job-ids", job, "--yes")
        assert [verb for verb, _ in verbs(done)] == ["add jobs to calendar", "add events to calendar"]
        assert client.ml.get_calendars(calendar_id="works")["calendars"][0]["job_ids"] == [job]
        assert client.ml.get_calendar_events(calendar_id="works")["count"] == 2
    finally:
        client.ml.delete_calendar(calendar_id="works")


@pytest.mark.parametrize(
    ("name", "arguments", "code", "words"),
    [
        ("ad_open_job", {"job-id": "nobody"}, 3, "there is no job nobody"),
        ("ad_create_datafeed", {"job-id": "nobody"}, 3, "ad_create_job comes first"),
        ("ad_update_model_memory_limit", {"job-id": "managed", "model-memory-limit": "lots"}, 1, "lots"),
        ("ad_update_model_memory_limit", {"job-id": "managed", "model-memory-limit": "1kb"}, 1, "at least 1mb"),
        ("ad_update_datafeed_query_delay", {"job-id": "managed", "query-delay": "soon"}, 1, "soon"),
        ("ad_manage_datafeed", {"job-id": "managed", "action": "_pause"}, 1, "'_start' or '_stop'"),
        ("ad_create_job", {"job-id": "x", "detectors": "[{}"}, 1, "expected JSON"),
        ("ad_create_job", {"job-id": "x", "detectors": '[{"function": "summ"}]'}, 3, "summ"),
        ("ad_create_datafeed", {"job-id": "managed", "indices": "a", "colour": "red"}, 1, "no parameter --colour"),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(client, run, job, name, arguments, code, words, capsys):
    options = [part for option, value in arguments.items() for part in (f"--{option}", value)]
    found, document = run(name, *options, "--yes")
    assert found == code
    assert words in json.dumps(document, ensure_ascii=False)
    assert (states(client), limit_and_delay(client)) == (("opened", "started"), ("64mb", "60s"))


def test_a_datafeed_that_would_read_nothing_is_refused_before_it_is_made(client, logs, run):
    client.ml.put_job(
        job_id="no-feed",
        analysis_config={"detectors": [{"function": "count"}]},
        data_description={"time_field": "@timestamp"},
    )
    try:
        code, found = run("ad_create_datafeed", "--job-id", "no-feed", "--indices", "no-such-index-anywhere", "--yes")
        assert code == 3
        assert re.search("no-such-index-anywhere", found["plan"]["obstacles"][0]["message"])
        query = json.dumps({"range": {"ms": {"above": 1}}})
        assert run("ad_create_datafeed", "--job-id", "no-feed", "--indices", logs, "--query", query)[0] == 3
    finally:
        client.ml.delete_job(job_id="no-feed", force=True)


def test_tools_that_ask_take_no_yes(shared_engine, capsys):
    assert invoke(["tool", "ad_get_jobs", "--url", shared_engine.url, "--yes"]) == 1
    assert "changes nothing" in capsys.readouterr().err
