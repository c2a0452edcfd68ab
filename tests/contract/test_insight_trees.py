"""The decision trees over planted states that an engine does not come to by itself: each with its one right answer.

Jobs, feeds and results are those of the planted incident; what `_stats`, `_remote/info` and the like say is planted
over what the engine answers.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from insight_world import plant

from anomalyops_insight.server import Endpoint, Server, Session
from anomalyops_insight.toolset import find
from engine_process import EngineProcess

MB = 1024 * 1024
DAY = 86_400_000
NOW = 1_768_046_400_000  # 2026-01-10T12:00:00Z


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    process = EngineProcess(tmp_path_factory.mktemp("trees"))
    process.start()
    with process.client() as client:
        plant(client)
        client.ml.put_job(
            job_id="far",
            analysis_config={"bucket_span": "5m", "detectors": [{"function": "count"}]},
            data_description={"time_field": "@timestamp"},
        )
    yield process.url
    process.kill()


class Planted:
    """A server, some of whose answers are planted."""

    def __init__(self, server: Server, planted: dict[str, Any]) -> None:
        self.server, self.planted = server, planted

    async def read(self, method: str, path: str, **options: Any) -> Any:
        found = next((value for part, value in self.planted.items() if path.startswith(part)), None)
        if found is None:
            return await self.server.read(method, path, **options)
        return found(await self.server.read(method, path, **options)) if callable(found) else found


def answer(url: str, planted: dict[str, Any], tool: str, **values: Any) -> Any:
    async def run():
        async with Server(Endpoint(urls=(url,))) as server:
            return await Session(Planted(server, planted)).run(find(tool).run(values))

    return asyncio.run(run())


def job_stats(job: str, state: str, counts: dict[str, Any], size: dict[str, Any]) -> dict[str, Any]:
    seen = {"processed_record_count": 900, "earliest_record_timestamp": NOW - 40 * DAY, "latest_record_timestamp": NOW}
    model = {"memory_status": "ok", "model_bytes": 10 * MB, "peak_model_bytes": 10 * MB}
    model |= {"model_bytes_memory_limit": 64 * MB} | size
    return {
        "count": 1,
        "jobs": [{"job_id": job, "state": state, "data_counts": seen | counts, "model_size_stats": model}],
    }


def feed_stats(job: str, state="started") -> dict[str, Any]:
    return {"count": 1, "datafeeds": [{"datafeed_id": f"datafeed-{job}", "state": state}]}


def running(
    job: str, feed: str = "started", *, state: str = "opened", counts: Any = None, size: Any = None
) -> dict[str, Any]:
    return {
        f"/_ml/anomaly_detectors/{job}/_stats": job_stats(job, state, counts or {}, size or {}),
        "/_ml/datafeeds/_all/_stats": feed_stats(job, feed),
    }


AT_LIMIT = "the model is at its memory limit: new entities are not modelled, results are incomplete"
FULL = {"memory_status": "hard_limit", "model_bytes": 64 * MB, "peak_model_bytes": 64 * MB}
FULL |= {"model_bytes_exceeded": 36 * MB}
STOP, CLOSE = "POST _ml/datafeeds/datafeed-{}/_stop", "POST _ml/anomaly_detectors/{}/_close"
OPEN, START = "POST _ml/anomaly_detectors/{}/_open", "POST _ml/datafeeds/datafeed-{}/_start"
LIMIT = 'POST _ml/anomaly_detectors/{}/_update {{"analysis_limits": {{"model_memory_limit": "130mb"}}}}'
MEMORY, DELAY, SCORE = (f"ad_wf_troubleshoot_{name}" for name in ("memory_limit", "query_delay", "anomaly_score"))


@pytest.mark.parametrize(
    ("tool", "job", "planted", "finding", "plan"),
    [
        (
            MEMORY, "db-cpu", running("db-cpu", size=FULL),
            ("memory", "critical", AT_LIMIT),
            [STOP, CLOSE, LIMIT, OPEN, START],
        ),
        (
            MEMORY, "db-cpu", running("db-cpu", feed="stopped", state="closed", size=FULL),
            ("memory", "critical", AT_LIMIT),
            [LIMIT],
        ),
        (
            MEMORY, "db-cpu", running("db-cpu", size={"model_bytes": 60 * MB}),
            ("memory", "info", "the model uses 94% of its memory limit"), [],
        ),
        (
            MEMORY, "db-cpu", running("db-cpu"),
            ("state", "ok", "the job is opened, its datafeed started"), [],
        ),
        (  # memory hides how late documents are: no query delay is advised
            DELAY, "web-latency", running("web-latency", size=FULL),
            ("memory", "critical", AT_LIMIT),
            [STOP, CLOSE, LIMIT, OPEN, START],
        ),
        (
            DELAY, "web-latency", running("web-latency"),
            ("missing documents", "warning", "documents came too late for the datafeed"),
            [STOP, 'POST _ml/datafeeds/datafeed-{}/_update {{"query_delay": "180s"}}', START],
        ),
        (
            DELAY, "db-cpu", running("db-cpu", counts={"out_of_order_timestamp_count": 8}),
            ("missing documents", "warning", "8 documents were dropped: out of order"), [],
        ),
        (
            SCORE, "db-cpu", running("db-cpu", counts={"earliest_record_timestamp": NOW - 5 * DAY}),
            ("score", "info", "the job has seen 5.0 days: a weekly season needs three weeks"), [],
        ),
        (
            SCORE, "db-cpu", running("db-cpu", feed="stopped", state="failed"),
            ("state", "critical", "the job has failed"),
            ["POST _ml/anomaly_detectors/{}/_close {{\"force\": true}}", OPEN, START],
        ),
        (
            SCORE, "web-errors", running("web-errors", feed="stopped"),
            ("state", "warning", "the job is open and its datafeed is stopped"), [START],
        ),
    ],
)  # fmt: skip
def test_a_tree_ends_where_it_has_to(url, tool, job, planted, finding, plan):
    found = answer(url, planted, tool, job_id=job, now="2026-01-10T12:00:00Z")
    said = [(row.tree, row.severity, row.text.partition(";")[0]) for row in found.rows if row.kind == "finding"]
    assert finding in said
    assert said[0][1] == finding[1]  # nothing is worse
    assert [row.call for row in found.rows if row.kind == "step"] == [step.format(job) for step in plan]


def reading(cluster: str) -> Any:
    """The configurations, with a datafeed of `far` that reads a remote cluster."""

    def changed(body: dict[str, Any]) -> dict[str, Any]:
        feed = {"datafeed_id": "datafeed-far", "job_id": "far", "indices": [f"{cluster}:logs-*"]}
        columns = [column["name"] for column in body.get("columns", [])]
        if "_source" not in columns:
            return body
        row = dict.fromkeys(columns) | {"_index": ".ml-config", "_id": "feed", "_source": feed}
        return body | {"values": [*body["values"], [row[name] for name in columns]]}

    return changed


@pytest.mark.parametrize(
    ("known", "state"),
    [
        ({"lyon": {"connected": True, "skip_unavailable": False, "mode": "sniff"}}, True),
        ({"lyon": {"connected": False, "skip_unavailable": False, "mode": "sniff"}}, False),
        ({}, False),
    ],
)
def test_remote_clusters_of_datafeeds(url, known, state):
    planted = {"/_query": reading("lyon"), "/_remote/info": known}
    (row,) = answer(url, planted, "ad_ts_ccs_diagnostics").rows
    assert (row.job_id, row.cluster, row.connected) == ("far", "lyon", state)


def test_what_a_user_lacks_is_named(url):
    def denied(_: dict[str, Any]) -> dict[str, Any]:
        names = (".ml-anomalies-*", ".ml-config", ".ml-notifications-*", ".ml-annotations-*")
        granted = {name: {"read": name != ".ml-config", "view_index_metadata": True} for name in names}
        return {"username": "eve", "cluster": {"monitor_ml": False, "manage_ml": False}, "index": granted}

    planted = {"/_security/user/_has_privileges": denied({})}
    found = answer(url, planted, "ad_validate_ml_tool_permissions")
    assert found.notes == ("eve lacks monitor_ml on cluster, read on .ml-config",)
    assert {(row.on, row.privilege) for row in found.rows if row.granted is False} == {
        ("cluster", "monitor_ml"), ("cluster", "manage_ml"), (".ml-config", "read"),
    }  # fmt: skip
