"""The searches for how anomalous the latest finished bucket of every job is, and which ones were found anomalous."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

INDICES = ".ml-anomalies-*"
PAGES = 20  # of anomalous buckets: more in a day are no episodes but a job that is wrong
_JOBS = 10_000  # as many as a server lists
_PAGE = 5_000
_SPANS = 3  # how many buckets back the latest one may lie
_LATENESS_MS = 600_000  # what a query delay and a frequency add to that


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestScores:
    """The scores of the latest finished bucket of a job.

    Attributes:
        bucket_ms: Start of the bucket, in milliseconds since the epoch.
        bucket: The bucket's `anomaly_score`, 0 to 100; None where only records are there.
        record: The highest `record_score` in it, 0 to 100; 0 without a record.
    """

    bucket_ms: int
    bucket: float | None
    record: float


def search_body(spans: Iterable[int], now_ms: int) -> dict[str, Any]:
    """The latest finished bucket of each job, of those that are recent for a job of their span.

    A bound of its own for each span keeps the search as small as the number of jobs, however long results are kept.

    Args:
        spans: The bucket spans of the jobs, in seconds.
        now_ms: The present, in milliseconds since the epoch.
    """
    recent = [
        {
            "bool": {
                "filter": [
                    {"term": {"bucket_span": span}},
                    {"range": {"timestamp": {"gte": now_ms - _SPANS * span * 1000 - _LATENESS_MS}}},
                ]
            }
        }
        for span in sorted(set(spans))
    ]
    latest = {
        "terms": {"field": "timestamp", "size": 1, "order": {"_key": "desc"}},
        "aggs": {"bucket": {"max": {"field": "anomaly_score"}}, "record": {"max": {"field": "record_score"}}},
    }
    return {
        "size": 0,
        "track_total_hits": False,
        "query": {
            "bool": {
                "filter": [
                    {"terms": {"result_type": ["bucket", "record"]}},
                    {"term": {"is_interim": False}},
                    {"bool": {"should": recent, "minimum_should_match": 1}},
                ]
            }
        },
        "aggs": {"jobs": {"terms": {"field": "job_id", "size": _JOBS}, "aggs": {"latest": latest}}},
    }


def parse(answer: Mapping[str, Any]) -> dict[str, LatestScores]:
    """What a search of `search_body` found, by job id; jobs without a recent result are not there."""
    found = {}
    for job in answer.get("aggregations", {}).get("jobs", {}).get("buckets", []):
        for latest in job["latest"]["buckets"]:
            bucket = latest["bucket"]["value"]
            found[str(job["key"])] = LatestScores(
                bucket_ms=int(latest["key"]),
                bucket=None if bucket is None else float(bucket),
                record=float(latest["record"]["value"] or 0.0),
            )
    return found


def anomalous_body(
    job_ids: Collection[str], min_score: float, since_ms: int, after: list[Any] | None = None
) -> dict[str, Any]:
    """A page of the finished buckets of jobs by the score that they were found with, the latest first.

    `initial_anomaly_score` and not `anomaly_score`: the latter changes when later anomalies are seen.

    Args:
        job_ids: The jobs.
        min_score: The least score, 0 to 100.
        since_ms: Milliseconds since the epoch, inclusive.
        after: Where the page before ended; None for the first.
    """
    body: dict[str, Any] = {
        "size": _PAGE,
        "track_total_hits": False,
        "_source": ["job_id", "timestamp", "initial_anomaly_score"],
        "query": {
            "bool": {
                "filter": [
                    {"term": {"result_type": "bucket"}},
                    {"term": {"is_interim": False}},
                    {"terms": {"job_id": sorted(job_ids)}},
                    {"range": {"initial_anomaly_score": {"gte": min_score}}},
                    {"range": {"timestamp": {"gte": since_ms, "format": "epoch_millis"}}},
                ]
            }
        },
        "sort": [
            {"timestamp": {"order": "desc", "unmapped_type": "date"}},
            {"job_id": {"order": "asc", "unmapped_type": "keyword"}},
        ],
    }
    return body if after is None else body | {"search_after": after}


def parse_anomalous(answer: Mapping[str, Any]) -> tuple[list[tuple[str, int, float]], list[Any] | None]:
    """The buckets of a page (job id, start in milliseconds, score), and where the next page begins; None for none."""
    hits = answer.get("hits", {}).get("hits", [])
    rows = [
        (str(hit["_source"]["job_id"]), int(hit["sort"][0]), float(hit["_source"]["initial_anomaly_score"]))
        for hit in hits
    ]
    return rows, list(hits[-1]["sort"]) if len(hits) == _PAGE else None
