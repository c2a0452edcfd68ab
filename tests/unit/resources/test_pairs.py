"""A job and a datafeed in one text must fit each other."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from anomalyops.resources import ManifestError, parse_manifests

sys.path.insert(0, str(Path(__file__).parent))
from invalid_manifests import manifest

SUMMARY = {"analysisConfig.summaryCountFieldName": "doc_count"}


def _aggregations(interval: dict[str, Any]) -> dict[str, Any]:
    histogram = {"field": "@timestamp", **interval}
    return {
        "aggregations": {
            "buckets": {
                "date_histogram": histogram,
                "aggs": {"@timestamp": {"max": {"field": "@timestamp"}}, "bytes": {"avg": {"field": "bytes"}}},
            }
        }
    }


def _text(job: dict[str, Any], feed: dict[str, Any]) -> str:
    return json.dumps(manifest("AnomalyJob", job)) + "\n---\n" + json.dumps(manifest("Datafeed", feed))


@pytest.mark.parametrize(
    ("job", "feed", "field", "message"),
    [
        ({"analysisConfig.latency": "1m"}, {}, "spec.jobRef", "has latency '1m': a job with a datafeed cannot"),
        ({}, {"runtimeMappings": {"@timestamp": {}}}, "spec.runtimeMappings", "cannot be a runtime field"),
        ({}, _aggregations({"fixed_interval": "5m"}), "spec.aggregations", "summaryCountFieldName"),
        (SUMMARY, _aggregations({"fixed_interval": "30m"}), "spec.aggregations", "divisor of the job's bucketSpan"),
        (SUMMARY, _aggregations({"fixed_interval": "10m"}), "spec.aggregations", "divisor of the job's bucketSpan"),
        (SUMMARY, _aggregations({"calendar_interval": "day"}), "spec.aggregations", "divisor"),
        (
            SUMMARY,
            _aggregations({"fixed_interval": "5m"}) | {"frequency": "7m"},
            "spec.frequency",
            "frequency '7m' must be a multiple of the interval of the aggregation buckets",
        ),
        (
            {},
            {"delayedDataCheckConfig": {"enabled": True, "checkWindow": "10m"}},
            "spec.delayedDataCheckConfig.checkWindow",
            "must not be shorter than the job's bucketSpan '15m'",
        ),
        (
            {},
            {"delayedDataCheckConfig": {"enabled": True, "checkWindow": "105d"}},
            "spec.delayedDataCheckConfig.checkWindow",
            "less than 10000 times",
        ),
    ],
)
def test_a_datafeed_that_does_not_fit_its_job_is_refused(
    job: dict[str, Any], feed: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_manifests(_text(job, feed))
    (problem,) = caught.value.problems
    assert (problem.kind, problem.field) == ("Datafeed", field)
    assert message in problem.message


@pytest.mark.parametrize(
    ("job", "feed"),
    [
        ({"analysisConfig.latency": "0s"}, {}),
        (SUMMARY, _aggregations({"fixed_interval": "5m"}) | {"frequency": "10m"}),
        (SUMMARY, _aggregations({"calendar_interval": "minute"})),
        (SUMMARY, _aggregations({"calendar_interval": "month"})),  # no fixed length: the server decides
        ({}, {"delayedDataCheckConfig": {"enabled": False, "checkWindow": "1m"}}),
        ({"analysisConfig.latency": "1m"}, {"jobRef": {"name": "another"}}),
    ],
)
def test_a_datafeed_that_fits_passes(job: dict[str, Any], feed: dict[str, Any]) -> None:
    assert len(parse_manifests(_text(job, feed))) == 2


def test_a_composite_aggregation_is_read_through_its_time_source() -> None:
    sources = [
        {"time": {"date_histogram": {"field": "@timestamp", "fixed_interval": "10m"}}},
        {"host": {"terms": {"field": "host"}}},
    ]
    feed = {
        "aggregations": {
            "all": {"composite": {"sources": sources}, "aggs": {"t": {"max": {"field": "@timestamp"}}}},
        }
    }
    with pytest.raises(ManifestError, match="the interval of all must be a divisor"):
        parse_manifests(_text(SUMMARY, feed))
