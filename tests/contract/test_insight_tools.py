"""Every tool over a planted incident, in ES|QL and in searches: the right answer is known."""

from __future__ import annotations

from pathlib import Path

import pytest
from elasticsearch import Elasticsearch
from insight_world import END, RESULTS, START, WINDOW, answer, answer_and_asked, at, plant, stamp

from anomalyops_insight.emptiness import Reason
from anomalyops_insight.errors import BadRequestError, RefusedError, UnreachableError
from anomalyops_insight.toolset import CATEGORIES, all_tools, find
from engine_process import EngineProcess

pytestmark = pytest.mark.usefixtures("url")


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    process = EngineProcess(tmp_path_factory.mktemp("insight"))
    process.start()
    with process.client() as client:
        plant(client)
    yield process.url
    process.kill()


@pytest.fixture(params=["auto", "search"])
def ask(request, url):
    def run(tool, **values):
        return answer(url, tool, request.param, **values)

    return run


def pairs(found, *names):
    return [tuple(getattr(row, name) for name in names) for row in found.rows]


def test_metadata(ask):
    found = ask("ad_get_available_metadata", **WINDOW)
    assert pairs(found, "job_id", "results", "max_record_score", "influencer_fields") == [
        ("db-cpu", 5, 88.0, ("host",)),
        ("web-latency", 7, 60.0, ("host", "service")),
        ("web-errors", 5, 30.0, ("host", "service")),
    ]
    first = found.rows[0]
    assert (first.first, first.last, first.functions, first.by_fields) == (at(0), at(5), ("mean",), ("host",))


def test_jobs(ask):
    found = ask("ad_get_jobs", job_id_pattern="web-*")
    assert pairs(found, "job_id", "state", "datafeed_id", "datafeed_state", "indices", "groups", "bucket_span") == [
        ("web-errors", "closed", "datafeed-web-errors", "stopped", ("web-logs-*",), ("web",), "5m"),
        ("web-latency", "closed", "datafeed-web-latency", "stopped", ("web-logs-*",), ("web",), "5m"),
    ]
    assert found.rows[1].detectors == ("high_mean(latency_ms) partition service",)
    assert pairs(ask("ad_get_jobs", group="web"), "job_id") == [("web-errors",), ("web-latency",)]
    assert pairs(ask("ad_get_jobs", job_id_pattern="lonely"), "job_id", "datafeed_id", "indices") == [
        ("lonely", None, ())
    ]
    nothing = ask("ad_get_jobs", job_id_pattern="lonly")
    assert nothing.empty.reason is Reason.NO_RESULTS
    assert nothing.empty.message.startswith("there is no job 'lonly'; there are lonely")


def test_jobs_of_an_index(ask):
    found = ask("ad_discover_jobs_by_datafeed_index", index="web-logs-1,nothing*")
    assert pairs(found, "job_id", "matching") == [
        ("log-categories", ("web-logs-1",)), ("web-errors", ("web-logs-*",)), ("web-latency", ("web-logs-*",)),
    ]  # fmt: skip
    assert pairs(ask("ad_discover_jobs_by_datafeed_index", index="db-*"), "job_id") == [("db-cpu",)]
    assert "datafeeds read db-metrics" in ask("ad_discover_jobs_by_datafeed_index", index="other").empty.message


def test_related_jobs(ask):
    found = ask("ad_discover_related_jobs", job_id="web-latency")
    assert pairs(found, "job_id", "shared_indices", "shared_fields", "shared_groups") == [
        ("web-errors", ("web-logs-*",), ("service", "host"), ("web",)),
        ("db-cpu", (), ("host",), ()),
        ("log-categories", ("web-logs-1",), (), ()),
    ]
    assert "none of the other 4 jobs" in ask("ad_discover_related_jobs", job_id="lonely").empty.message


def test_timeline(ask):
    found = ask("ad_query_anomaly_timeline", interval="10m", **WINDOW)
    assert pairs(found, "time", "job_id", "max_anomaly_score", "mean_anomaly_score", "buckets") == [
        (at(0), "db-cpu", 91.0, 65.5, 2),
        (at(10), "web-latency", 75.0, 75.0, 1),
        (at(20), "web-latency", 26.0, 26.0, 1),
    ]  # fmt: skip


def test_entities_of_several_jobs(ask):
    found = ask("ad_rca_multi_job_entities", **WINDOW)
    assert pairs(
        found, "influencer_field_value", "jobs", "job_ids", "anomalies", "max_score", "total_score", "first"
    ) == [
        ("db1", 3, ("db-cpu", "web-errors", "web-latency"), 3, 90.0, 220.0, at(0)),
        ("checkout", 2, ("web-errors", "web-latency"), 2, 80.0, 130.0, at(10)),
    ]
    single = ask("ad_rca_multi_job_entities", min_job_count=1, **WINDOW)
    assert pairs(single, "influencer_field_value") == [("db1",), ("checkout",), ("h9",)]


def test_one_entity_in_jobs(ask):
    found = ask("ad_rca_cross_job_entity_match", entity_value="db1", **WINDOW)
    assert pairs(found, "job_id", "anomalies", "max_score", "first") == [
        ("db-cpu", 1, 90.0, at(0)), ("web-errors", 1, 60.0, at(10)), ("web-latency", 1, 70.0, at(15)),
    ]  # fmt: skip
    assert ask("ad_rca_cross_job_entity_match", entity_value="db1", entity_field="service").empty is not None


def test_profile_of_an_entity(ask):
    found = ask("ad_rca_entity_profile", entity_value="checkout", **WINDOW)
    assert pairs(found, "job_id", "function", "field_name", "anomalies", "max_score") == [
        ("web-errors", "count", None, 1, 30.0), ("web-latency", "high_mean", "latency_ms", 1, 60.0),
    ]  # fmt: skip
    assert pairs(ask("ad_rca_entity_profile", entity_value="db1"), "anomalies", "max_multi_bucket_impact") == [(2, 4.0)]


def test_records(ask):
    found = ask("ad_query_anomaly_records", **WINDOW)
    assert pairs(found, "job_id", "record_score", "timestamp") == [
        ("db-cpu", 88.0, at(0)), ("db-cpu", 70.0, at(5)), ("web-latency", 60.0, at(15)), ("web-errors", 30.0, at(10)),
    ]  # fmt: skip
    latency = found.rows[2]
    assert (latency.actual, latency.typical, latency.initial_record_score) == ((2100.0,), (130.0,), 90.0)
    assert (latency.anomaly_type, latency.anomaly_length, latency.single_bucket_impact) == ("spike", 2, 9)
    assert (latency.upper_confidence_bound, latency.high_variance_penalty) == (190.0, True)
    assert latency.incomplete_bucket_penalty is None
    assert found.complete
    assert not ask("ad_query_anomaly_records", limit=2, **WINDOW).complete
    assert pairs(ask("ad_query_anomaly_records", entity_value="checkout", min_score=0), "record_score") == [
        (60.0,), (30.0,), (12.0,),
    ]  # fmt: skip


def test_influencers(ask):
    found = ask("ad_query_influencers", influencer_field="host", **WINDOW)
    assert pairs(found, "influencer_field_value", "influencer_score") == [
        ("h9", 95.0), ("db1", 90.0), ("db1", 70.0), ("db1", 60.0),
    ]  # fmt: skip
    assert len(ask("ad_query_influencers", influencer_value="db1", min_score=0).rows) == 4


def test_fingerprint(ask):
    found = ask("ad_rca_detector_fingerprint", **WINDOW)
    assert pairs(found, "job_id", "fault_class", "sustained", "anomalies", "max_score") == [
        ("db-cpu", "resource", True, 2, 88.0),
        ("web-latency", "application", False, 1, 60.0),
        ("web-errors", "absence", False, 1, 30.0),
    ]


def test_order_of_appearance(ask):
    found = ask("ad_rca_correlation", **WINDOW)
    assert pairs(found, "first", "influencer_field_value", "job_id") == [
        (at(0), "db1", "db-cpu"),
        (at(10), "checkout", "web-errors"),
        (at(10), "db1", "web-errors"),
        (at(15), "db1", "web-latency"),
        (at(15), "checkout", "web-latency"),
        (at(20), "h9", "web-latency"),
    ]


def test_blast_radius(ask):
    found = ask("ad_rca_blast_radius", **WINDOW)
    assert pairs(found, "influencer_field_name", "entities", "jobs", "anomalies", "examples") == [
        ("host", 2, 3, 4, ("db1", "h9")), ("service", 1, 2, 2, ("checkout",)),
    ]  # fmt: skip


def test_drift_of_scores(ask):
    found = ask("ad_rca_score_reassessment", min_drift=5)
    assert pairs(found, "job_id", "initial_record_score", "record_score", "score_drift") == [
        ("web-latency", 90.0, 60.0, 30.0), ("db-cpu", 95.0, 88.0, 7.0),
    ]  # fmt: skip


def test_settings(ask):
    found = ask("ad_get_job_datafeed_config", job_id="web-latency")
    settings = {(row.of, row.setting): row.value for row in found.rows}
    assert settings["job", "analysis_config.detectors.0.function"] == "high_mean"
    assert settings["job", "analysis_config.bucket_span"] == "5m"
    assert '"dataset"' in settings["datafeed", "query"]
    assert settings["datafeed", "query_delay"] == "90s"
    assert ask("ad_get_job_datafeed_config", job_id="lonely").notes == ("the job has no datafeed",)
    with pytest.raises(BadRequestError, match="there is no job 'web-latncy'; there are web-latency"):
        ask("ad_get_job_datafeed_config", job_id="web-latncy")


def test_source_documents(ask):
    values = {
        "job_id": "web-latency",
        "entity_field": "service",
        "entity_value": "checkout",
        "start": START,
        "end": END,
    }
    found = ask("ad_rca_source_evidence", limit=3, **values)
    assert [row.document["message"] for row in found.rows] == [f"request {n} served" for n in (1, 3, 5)]
    assert found.notes == ("30 documents fit in all",)  # not the one of another data set, which the datafeed leaves out
    assert found.rows[0].timestamp == at(10.5)
    assert len(ask("ad_rca_source_evidence", index="web-logs-1", limit=100).rows) == 61
    with pytest.raises(BadRequestError, match="job lonely has no datafeed"):
        ask("ad_rca_source_evidence", job_id="lonely")
    late = ask("ad_rca_source_evidence", job_id="web-latency", start="2027-01-01")
    assert late.empty.reason is Reason.NOTHING_IN_WINDOW
    assert "2026-01-10 10:39:30" in late.empty.message


def test_categories(ask):
    found = ask("ad_get_categories", job_id="log-categories")
    assert pairs(found, "category_id", "num_matches", "terms", "examples") == [
        (2, 900, "request served", ("request served",)), (1, 40, "request failed", ("request 7 failed",)),
    ]  # fmt: skip
    assert pairs(ask("ad_get_categories", job_id="log-categories", category_id=1), "category_id") == [(1,)]


def test_messages_of_a_category(ask):
    wanted = {"job_id": "log-categories", "category_id": 1}
    baseline = ask("ad_search_log_category_examples", start=START, end="2026-01-10T10:15:00Z", **wanted)
    assert baseline.empty.reason is Reason.NOTHING_IN_WINDOW
    found = ask("ad_search_log_category_examples", start="2026-01-10T10:15:00Z", end=END, limit=4, **wanted)
    assert [row.message for row in found.rows] == [f"request {n} failed" for n in (10, 11, 12, 13)]
    assert found.notes == ("10 messages of the window hold the terms of the category",)
    with pytest.raises(BadRequestError, match="does not categorise"):
        ask("ad_search_log_category_examples", job_id="db-cpu", category_id=1)


def test_model_plot(ask):
    found = ask("ad_get_model_plot", job_id_pattern="web-latency", partition_field_value="checkout")
    assert pairs(found, "timestamp", "model_lower", "model_upper", "actual", "outside") == [
        (at(15), 90.0, 190.0, 2100.0, True), (at(20), 90.0, 190.0, 131.0, False),
    ]  # fmt: skip
    assert "model_plot_config" in ask("ad_get_model_plot", job_id_pattern="db-cpu").empty.message


def test_forecasts(ask):
    found = ask("ad_get_forecast_results", job_id_pattern="web-latency")
    assert pairs(found, "forecast_id", "forecast_lower", "forecast_prediction", "forecast_upper") == [
        ("f1", 80.0, 120.0, 160.0)
    ]


def test_why_there_are_no_forecasts_of_a_population(ask, url):
    with Elasticsearch(url, request_timeout=60) as client:
        detector = {"function": "high_count", "over_field_name": "host"}
        client.ml.put_job(
            job_id="peers",
            analysis_config={"bucket_span": "5m", "detectors": [detector]},
            data_description={"time_field": "@timestamp"},
        )
        try:
            found = ask("ad_get_forecast_results", job_id_pattern="peers")
        finally:
            client.ml.delete_job(job_id="peers")
    assert found.empty.reason is Reason.NO_RESULTS
    assert found.notes == ("the job compares with peers (over_field_name): of such a job no server makes forecasts",)
    assert ask("ad_get_forecast_results", job_id_pattern="db-cpu").notes == ()


def test_snapshots(ask):
    found = ask("ad_get_model_snapshots")
    assert pairs(found, "job_id", "snapshot_id", "timestamp", "latest_record_time_stamp") == [
        ("web-latency", "s1", at(30), at(29))
    ]


def test_messages(ask):
    found = ask("ad_get_job_messages", level="warning")
    assert pairs(found, "job_id", "level") == [("web-latency", "warning"), ("db-cpu", "error")]
    assert pairs(ask("ad_get_job_messages", level="error"), "job_id") == [("db-cpu",)]
    assert len(ask("ad_get_job_messages", job_id_pattern="lonely").rows) == 1  # that it was created


def test_delayed_data(ask):
    found = ask("ad_ts_delayed_data_annotations")
    assert pairs(found, "job_id", "missed_documents", "timestamp", "end_timestamp") == [
        ("web-latency", 7, at(25), at(30))
    ]


def test_buckets_that_lack_documents(ask):
    found = ask("ad_ts_bucket_event_gaps", job_id="web-latency")
    assert pairs(found, "timestamp", "event_count", "source_count", "missing", "missing_percent") == [
        (at(25), 7, 10, 3, 30.0)
    ]
    assert found.notes == ("3 buckets compared",)
    none = ask("ad_ts_bucket_event_gaps", job_id="web-latency", min_missing=4)
    assert none.empty.message == "none of the 3 buckets counted fewer documents than the source holds now"


def test_latency_of_ingestion(ask):
    row = ask("ad_ts_ingest_latency_estimate", job_id="web-latency").rows[0]
    assert (row.documents, row.p50_seconds, row.p95_seconds, row.p99_seconds, row.max_seconds) == (
        60, 30.0, 30.0, 1200.0, 1200.0,
    )  # fmt: skip
    assert (row.query_delay, row.recommended_query_delay) == ("90s", "90s")
    nothing = ask("ad_ts_ingest_latency_estimate", index="web-logs-1", ingest_field="other.ingested")
    assert nothing.empty.reason == "no_field"
    assert "no index of web-logs-1 has the field other.ingested (it has event.ingested" in nothing.empty.message
    assert "an ingest pipeline can set other.ingested" in nothing.notes[0]


def test_memory(ask):
    found = ask("ad_ts_model_memory_health")
    assert pairs(found, "job_id", "memory_status", "used_percent", "bucket_allocation_failures_count", "driver") == [
        ("db-cpu", "hard_limit", 100.0, 4, "150000 by field values, more than 100000"),
        ("web-latency", "ok", 50.0, 0, None),
    ]


def test_cardinality(ask):
    found = ask("ad_wf_ts_field_cardinality", job_id="web-latency")
    assert pairs(found, "field", "used_as", "values", "documents") == [
        ("host", "influencer", 5, 60), ("service", "split", 2, 60),
    ]  # fmt: skip


def test_memory_that_is_needed(ask):
    found = ask("ad_estimate_memory_requirement", job_id="web-latency")
    row = found.rows[0]
    assert row.cardinalities == ("host 5", "service 2")
    assert (row.model_memory_limit, row.enough) == ("1024mb", True)
    assert row.bytes == int(row.estimate.removesuffix("mb")) * 1024**2 > 0


def test_scheduled_events(ask, url):
    with Elasticsearch(url, request_timeout=60) as client:
        client.options(ignore_status=400).ml.put_calendar(calendar_id="days", job_ids=["db-cpu"])
        if client.ml.get_calendar_events(calendar_id="days")["count"] == 0:
            event = {"description": "fair", "start_time": stamp(0), "end_time": stamp(60)}
            client.ml.post_calendar_events(calendar_id="days", events=[event])
    found = ask("ad_get_calendar_events", job_id="db-cpu", start=START)
    assert pairs(found, "description", "start_time", "end_time", "calendar_id") == [("fair", at(0), at(60), "days")]
    assert ask("ad_get_calendar_events", start=END).empty.reason is Reason.NO_RESULTS
    assert ask("ad_get_calendar_events", job_id="web-latency").empty.reason is Reason.NO_RESULTS


def test_remote_clusters(ask):
    assert ask("ad_ts_ccs_diagnostics").empty.message == "none of the 5 jobs reads a remote cluster"
    assert "there is no job 'nobody'" in ask("ad_ts_ccs_diagnostics", job_id_pattern="nobody").empty.message


def test_permissions_of_a_server_without_security(ask):
    found = ask("ad_validate_ml_tool_permissions", source_index="web-logs-*")
    assert all(row.granted for row in found.rows)
    assert {row.on for row in found.rows} >= {"cluster", ".ml-anomalies-*", ".ml-config", "web-logs-*"}


@pytest.mark.parametrize(
    ("values", "reason", "words"),
    [
        (
            {"min_score": 99},
            Reason.NOTHING_ABOVE_THRESHOLD,
            "5 anomaly records are there, the highest of a score of 88",
        ),
        ({"start": "2030-01-01"}, Reason.NOTHING_IN_WINDOW, "2026-01-10 10:00:00 UTC to 2026-01-10 10:20:00 UTC"),
        ({"job_id_pattern": "web-ltency"}, Reason.NO_RESULTS, "jobs that have some: db-cpu, web-errors, web-latency"),
    ],
)
def test_an_empty_answer_explains_itself(ask, values, reason, words):
    found = ask("ad_query_anomaly_records", **values)
    assert found.empty.reason is reason
    assert words in found.empty.message


@pytest.mark.parametrize(
    ("tool", "what"),
    [
        ("ad_get_available_metadata", "no results"),
        ("ad_query_anomaly_timeline", "no bucket results"),
        ("ad_query_anomaly_records", "no anomaly records"),
        ("ad_query_influencers", "no influencer results"),
        ("ad_get_forecast_results", "no forecast results"),
        ("ad_get_model_snapshots", "no model snapshots"),
        ("ad_get_job_messages", "no messages"),
        ("ad_ts_delayed_data_annotations", "no annotations of documents that came too late"),
    ],
)
def test_of_a_job_that_is_not_there_an_empty_answer_says_so_and_which_there_are(ask, tool, what):
    found = ask(tool, job_id_pattern="web-ltency")
    assert found.empty.reason is Reason.NO_RESULTS
    assert what in found.empty.message
    assert "there is no job 'web-ltency'" in found.empty.message
    assert "web-latency" in found.empty.message
    assert "there is no job" not in ask(tool, job_id_pattern="lonely", start="2030-01-01").empty.message


def test_categories_are_those_of_one_job(ask):
    assert "there is no job 'nope'" in ask("ad_get_categories", job_id="nope").empty.message
    for given_id in ("", "web-*", "../x"):
        with pytest.raises(BadRequestError, match="job_id"):
            ask("ad_get_categories", job_id=given_id)


def test_nothing_has_run_yet(tmp_path):
    process = EngineProcess(tmp_path)
    process.start()
    try:
        for tool in ("ad_query_anomaly_records", "ad_get_available_metadata", "ad_rca_multi_job_entities"):
            found = answer(process.url, tool)
            assert found.empty.reason is Reason.NO_INDEX
            assert "no anomaly detection job has written results here yet" in found.empty.message
        assert "has no anomaly detection jobs" in answer(process.url, "ad_get_jobs").empty.message
    finally:
        process.kill()
    with pytest.raises(UnreachableError, match="cannot be reached"):
        answer(process.url, "ad_query_anomaly_records")


def test_a_preview_and_how_late_documents_come(ask):
    found = ask("ad_preview_datafeed_with_latency", job_id="web-latency", limit=3)
    assert pairs(found, "time") == [(at(10),), (at(10.5),), (at(11),)]
    assert set(found.rows[0].document) >= {"@timestamp", "latency_ms", "service"}
    assert not found.complete
    assert found.notes == ("query_delay 90s; documents come 30 s late (95th percentile of 60)",)
    assert "has none that match" in ask("ad_preview_datafeed_with_latency", job_id="db-cpu").empty.message


def _spec(detector, **more):
    return {"analysis_config": {"bucket_span": "5m", "detectors": [detector]} | more,
            "data_description": {"time_field": "@timestamp"}}  # fmt: skip


@pytest.mark.parametrize(
    ("detector", "feed", "failed"),
    [
        ({"function": "mean", "field_name": "latency_ms", "by_field_name": "service"}, {"indices": ["web-logs-1"]}, []),
        ({"function": "count"}, {"indices": ["db-metrics"]}, ["the datafeed returns data"]),
        (
            {"function": "mean", "field_name": "service"}, {"indices": ["web-logs-1"]},
            ["field service as mean"],
        ),
        (
            {"function": "rare", "by_field_name": "nowhere"}, {"indices": ["web-logs-1"]},
            ["field nowhere as by"],
        ),
        ({"function": "rare", "by_field_name": "message"}, {"indices": ["web-logs-1"]}, ["field message as by"]),
        (
            {"function": "count", "by_field_name": None}, {"indices": ["web-logs-1"]},
            ["no null values"],
        ),
        (
            {"function": "rare"}, {"indices": ["web-logs-1"]},
            ["the server accepts the job", "the server accepts detector 0"],
        ),
        ({"function": "count"}, {"indices": ["nothing-here"]}, ["fields of nothing-here"]),
    ],
)  # fmt: skip
def test_a_specification_is_validated(ask, detector, feed, failed):
    found = ask("ad_validate_job_spec", job=_spec(detector), datafeed=feed)
    said = [row.check for row in found.rows if not row.ok]
    assert said[: len(failed)] == failed
    assert all(row.detail for row in found.rows if not row.ok)
    assert found.notes[0].startswith("not valid" if said else "valid")
    assert bool(said) == bool(failed)


def test_decision_trees(ask):
    memory = ask("ad_wf_troubleshoot_memory_limit", job_id="db-cpu", now="2026-01-10T12:00:00Z")
    assert memory.rows[0].kind == "finding"
    assert {row.tree for row in memory.rows if row.kind == "finding"} == {"state", "memory"}
    late = ask("ad_wf_troubleshoot_query_delay", job_id="web-latency", now="2026-01-10T12:00:00Z")
    assert {row.tree for row in late.rows if row.kind == "finding"} == {"state", "memory", "missing documents"}
    assert late.rows[0].text.startswith("documents came too late for the datafeed")
    assert [row.call.split()[1] for row in late.rows if row.kind == "step"] == [
        "_ml/datafeeds/datafeed-web-latency/_update"
    ]
    score = ask("ad_wf_troubleshoot_anomaly_score", job_id="web-latency", now="2026-01-10T12:00:00Z")
    assert {row.tree for row in score.rows if row.kind == "finding"} == {
        "state",
        "memory",
        "missing documents",
        "score",
    }
    with pytest.raises(BadRequestError, match="one job is meant"):
        ask("ad_wf_troubleshoot_anomaly_score", job_id="web-*")


def test_every_tool_is_asked_of_here():
    text = Path(__file__).read_text()
    assert [tool.name for tool in all_tools() if f'"{tool.name}"' not in text] == []
    assert {tool.category for tool in all_tools()} == set(CATEGORIES)


def test_what_was_asked_is_kept(url):
    _, asked = answer_and_asked(url, "ad_query_anomaly_records", job_id_pattern="db-*", min_score=50)
    assert [(one.way, one.rows) for one in asked] == [("esql", 2)]
    assert asked[0].shown.startswith(
        'FROM .ml-anomalies-*\n| WHERE result_type == "record" AND STARTS_WITH(job_id, "db-")'
    )
    assert RESULTS not in asked[0].shown


@pytest.mark.parametrize(
    ("tool", "values", "words"),
    [
        ("ad_query_anomaly_records", {"min_score": "101"}, "min_score: Input should be less than or equal to 100"),
        ("ad_query_anomaly_records", {"colour": "red"}, "colour: there is no such parameter; there are job_id_pattern"),
        ("ad_query_anomaly_records", {"start": "yesterday"}, "start: expected an ISO 8601 time"),
        ("ad_query_anomaly_records", {"start": END, "end": START}, "is not before end"),
        ("ad_query_anomaly_records", {"job_id_pattern": "a*b*c*d"}, "at most two * are understood"),
        ("ad_query_anomaly_records", {"job_id_pattern": "a b"}, "expected ids, or patterns"),
        ("ad_query_anomaly_timeline", {"interval": "often"}, "interval: expected a span such as"),
        ("ad_rca_entity_profile", {}, "entity_value: is needed"),
        ("ad_rca_source_evidence", {}, "give either job_id or index"),
        ("ad_rca_source_evidence", {"index": "a | b"}, "index 'a | b': expected names or patterns"),
        ("ad_get_job_datafeed_config", {"job_id": "web-*"}, "one job is meant, found a pattern"),
    ],
)
def test_what_is_not_acceptable_is_said(url, tool, values, words):
    with pytest.raises(BadRequestError) as refused:
        answer(url, tool, **values)
    assert words in str(refused.value)
    assert "Traceback" not in str(refused.value)


def test_a_tool_that_is_not_there():
    with pytest.raises(BadRequestError, match="did you mean ad_query_influencers"):
        find("ad_query_influencer")


def test_an_error_of_the_server_is_told(url):
    with pytest.raises(RefusedError):
        answer(
            url,
            "ad_rca_source_evidence",
            "esql",
            index="web-logs-1",
            entity_field="latency_ms",
            entity_value="many",
        )
