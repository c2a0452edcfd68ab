"""The numbers that Prometheus reads, of resources and of the operator's own work."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from anomalyops.controllers.instruments import Instruments
from anomalyops.controllers.metrics import expiry_metrics, gauge
from anomalyops.controllers.resource_metrics import condition_metrics, datafeed_metrics, job_metrics
from anomalyops.elastic import LatestScores
from anomalyops.reconciler import Figures
from anomalyops.reconciler.figures import datafeed_figures, job_figures
from anomalyops.watching.objects import Objects
from anomalyops.watching.options import ObjectKey

EAST = ObjectKey("web", "east")
JOB_STATS = {
    "job_id": "requests",
    "state": "opened",
    "data_counts": {
        "processed_record_count": 5000,
        "invalid_date_count": 1,
        "out_of_order_timestamp_count": 2,
        "missing_field_count": 3,
        "bucket_count": 96,
        "empty_bucket_count": 4,
        "latest_record_timestamp": 1_700_000_000_500,
    },
    "model_size_stats": {"model_bytes": 2048, "model_bytes_memory_limit": 4096},
}
FEED_STATS = {"state": "started", "timing_stats": {"search_count": 7, "total_search_time_ms": 1500.0}}
SERVER = Figures(
    jobs={"requests": job_figures(JOB_STATS)},
    datafeeds={"feed": datafeed_figures(FEED_STATS)},
    scores={"requests": LatestScores(bucket_ms=1_700_000_000_000, bucket=81.5, record=96.0)},
)
JOB = {"namespace": "web", "name": "requests", "job_id": "requests"}
FEED = {"namespace": "web", "name": "feed", "datafeed_id": "feed"}


def body(kind: str, name: str, spec: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "web", "uid": f"u-{kind}-{name}", "resourceVersion": "1"}
    manifest = {"apiVersion": "anomalyops.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
    return manifest | {"status": status}


def condition(type_: str, status: str, reason: str) -> dict[str, Any]:
    return {"type": type_, "status": status, "reason": reason, "lastTransitionTime": "2026-01-01T00:00:00Z"}


def objects(*conditions: dict[str, Any], placed: bool = True) -> Objects:
    status = {"conditions": list(conditions)} | ({"placement": {"connection": "web/east"}} if placed else {})
    analysis = {"bucketSpan": "15m", "detectors": [{"function": "count"}]}
    known = Objects()
    spec = {"analysisConfig": analysis, "dataDescription": {"timeField": "@timestamp"}}
    known.put(body("AnomalyJob", "requests", spec, status))
    delayed = {"delayedData": {"missingDocuments": 12}}
    known.put(body("Datafeed", "feed", {"jobRef": {"name": "requests"}, "indices": ["logs"]}, status | delayed))
    return known


class _Of(Collector):
    def __init__(self, found: Any) -> None:
        self._found = list(found)

    def collect(self) -> Any:
        return self._found


def samples(found: Any) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """What a scrape reads, through Prometheus' own text format."""
    registry = CollectorRegistry()
    registry.register(_Of(found))
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def of(name: str, labels: dict[str, str]) -> tuple[str, frozenset[tuple[str, str]]]:
    return f"anomalyops_{name}", frozenset(labels.items())


def test_a_job_shows_its_memory_counts_and_scores() -> None:
    found = samples(job_metrics(objects(), {EAST: SERVER}))
    assert found == {
        of("job_opened", JOB): 1,
        of("job_model_bytes", JOB): 2048,
        of("job_model_limit_bytes", JOB): 4096,
        of("job_latest_record_timestamp_seconds", JOB): 1_700_000_000.5,
        of("job_records_total", JOB): 5000,
        of("job_buckets_total", JOB): 96,
        of("job_empty_buckets_total", JOB): 4,
        of("job_invalid_dates_total", JOB): 1,
        of("job_out_of_order_total", JOB): 2,
        of("job_missing_fields_total", JOB): 3,
        of("job_bucket_score", JOB): 81.5,
        of("job_record_score", JOB): 96,
        of("job_scored_bucket_timestamp_seconds", JOB): 1_700_000_000,
    }


def test_a_datafeed_shows_its_searches_and_what_it_missed() -> None:
    assert samples(datafeed_metrics(objects(), {EAST: SERVER})) == {
        of("datafeed_started", FEED): 1,
        of("datafeed_searches_total", FEED): 7,
        of("datafeed_search_seconds_total", FEED): 1.5,
        of("datafeed_missed_documents", FEED): 12,
    }


def test_what_was_not_looked_at_shows_nothing_instead_of_zeros() -> None:
    unplaced, elsewhere, empty = objects(placed=False), {ObjectKey("web", "west"): SERVER}, {EAST: Figures()}
    missed = {of("datafeed_missed_documents", FEED): 12.0}
    for known, servers, feeds in (
        (unplaced, {EAST: SERVER}, {}),
        (objects(), elsewhere, {}),
        (objects(), empty, missed),
    ):
        assert samples(job_metrics(known, servers)) == {}
        assert samples(datafeed_metrics(known, servers)) == feeds


def test_an_empty_answer_of_stats_is_read_as_nothing_known() -> None:
    figures = job_figures({})
    assert (figures.opened, figures.limit_bytes, figures.latest_record, figures.records) == (False, None, None, 0)
    assert not datafeed_figures({}).started


def test_conditions_that_hold_and_readiness_with_reasons() -> None:
    known = objects(
        condition("Ready", "False", "MemoryHardLimit"),
        condition("MemoryLimited", "True", "MemoryHardLimit"),
        condition("DataDelayed", "False", "Recovered"),
    )
    job = {"kind": "AnomalyJob", "namespace": "web", "name": "requests"}
    feed = {"kind": "Datafeed", "namespace": "web", "name": "feed"}
    assert samples(condition_metrics(known.everything())) == {
        of("resource_ready", one | {"reason": "MemoryHardLimit"}): 0.0 for one in (job, feed)
    } | {
        of("resource_condition", one | {"type": "MemoryLimited", "reason": "MemoryHardLimit"}): 1.0
        for one in (job, feed)
    }


def test_what_ends_is_told_by_its_moment_and_nothing_of_what_never_ends() -> None:
    known = Objects()
    ending = {"licenceExpiry": "2026-12-01T00:00:00Z", "embedded": {"certificateExpiry": "2027-01-01T00:00:00Z"}}
    for name, status in (("east", ending), ("west", {"licence": "basic (active)"}), ("new", {})):
        known.put(body("ElasticsearchConnection", name, {"url": "http://es.example:9200"}, status))
    labels = {"namespace": "web", "connection": "east"}
    assert samples(expiry_metrics(known)) == {
        of("connection_licence_expiry_timestamp_seconds", labels): 1_796_083_200.0,
        of("connection_certificate_expiry_timestamp_seconds", labels): 1_798_761_600.0,
    }


def test_labels_are_text_whatever_they_hold() -> None:
    labels = {"kind": 'a "q" \\ b\nc', "namespace": ""}
    assert samples([gauge("b", "Things.", [(labels, 2.5)])]) == {of("b", labels): 2.5}


def test_the_work_is_measured_by_outcome() -> None:
    instruments = Instruments()
    instruments.reconciled("pair", "done", 0.2)
    instruments.called("GET", "Unreachable", 7.0)
    families = text_string_to_metric_families(generate_latest(instruments.registry).decode())
    counts = {(s.name, *sorted(s.labels.items())): s.value for f in families for s in f.samples if "_count" in s.name}
    assert counts == {
        ("anomalyops_reconcile_seconds_count", ("controller", "pair"), ("outcome", "done")): 1.0,
        ("anomalyops_elasticsearch_request_seconds_count", ("method", "GET"), ("outcome", "Unreachable")): 1.0,
    }
