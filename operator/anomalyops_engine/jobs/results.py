"""Reading results: buckets, records, influencers, overall buckets, model snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from anomalyops_engine.jobs.documents import results_index
from anomalyops_engine.jobs.errors import bad_request, illegal_argument, not_found
from anomalyops_engine.jobs.registry import JobEntry, Registry
from anomalyops_engine.jobs.units import SECOND_MS, duration_ms
from anomalyops_engine.query import highest, select
from anomalyops_engine.query.search import search
from anomalyops_engine.store import Reader

JsonObject = dict[str, Any]

MAX_PAGE_END: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultQuery:
    """What a client asks for. Times are epoch ms, `start_ms` inclusive and `end_ms` exclusive.

    Attributes:
        start_ms: first time, or None.
        end_ms: end, or None.
        score: least score.
        exclude_interim: leave interim results out.
        sort: field to sort by; None for the kind's own.
        descending: sort order.
        first: number of results to skip.
        size: number of results to return.
    """

    start_ms: int | None = None
    end_ms: int | None = None
    score: float = 0.0
    exclude_interim: bool = False
    sort: str | None = None
    descending: bool = False
    first: int = 0
    size: int = 100

    def __post_init__(self) -> None:
        """Check the page.

        Raises:
            MlError: 400.
        """
        if self.first < 0:
            raise illegal_argument(f"Parameter [from] cannot be < 0, actual value is: {self.first}")
        if self.size < 0:
            raise illegal_argument(f"Parameter [size] cannot be < 0, actual value is: {self.size}")
        if self.first + self.size > MAX_PAGE_END:
            raise illegal_argument(f"The sum of parameters [from] and [size] cannot be higher than {MAX_PAGE_END}.")


@dataclass(frozen=True, slots=True)
class ResultKind:
    """One kind of result: its `result_type`, the key of the list, its score field and default sort field."""

    result_type: str
    key: str
    score_field: str
    sort: str


BUCKETS: Final = ResultKind("bucket", "buckets", "anomaly_score", "timestamp")
RECORDS: Final = ResultKind("record", "records", "record_score", "record_score")
INFLUENCERS: Final = ResultKind("influencer", "influencers", "influencer_score", "influencer_score")


class ResultReader:
    """Reads what jobs have written."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def page(self, job_id: str, kind: ResultKind, query: ResultQuery, *, expand: bool = False) -> JsonObject:
        """Return `{count, <kind>}`: how many match, and one page of them.

        Args:
            job_id: the job.
            kind: which results.
            query: filters, order and page.
            expand: add to each bucket its records.

        Raises:
            MlError: 404 for an unknown job.
        """
        job = self._registry.job(job_id).config
        filters: list[JsonObject] = [{"term": {"result_type": kind.result_type}}]
        if query.score > 0:
            filters.append({"range": {kind.score_field: {"gte": query.score}}})
        if query.exclude_interim:
            filters.append({"term": {"is_interim": False}})
        filters.extend(_time_filter(query.start_ms, query.end_ms))
        with self._registry.store.read() as reader:
            count, found = _search(reader, job, filters, query, query.sort or kind.sort)
            if expand and found:
                self._add_records(reader, job, found)
        return {"count": count, kind.key: found}

    def bucket(self, job_id: str, timestamp_ms: int, *, expand: bool, exclude_interim: bool) -> JsonObject:
        """Return `{count, buckets}` with the bucket that starts at `timestamp_ms`.

        Raises:
            MlError: 404 when there is none.
        """
        query = ResultQuery(start_ms=timestamp_ms, end_ms=timestamp_ms + 1, exclude_interim=exclude_interim)
        page = self.page(job_id, BUCKETS, query, expand=expand)
        if not page["buckets"]:
            raise not_found(f"No known bucket with timestamp [{timestamp_ms}] for job [{job_id}]")
        return page

    def _add_records(self, reader: Reader, job: JsonObject, buckets: Sequence[JsonObject]) -> None:
        times = [bucket["timestamp"] for bucket in buckets]
        filters: list[JsonObject] = [{"term": {"result_type": "record"}}, {"terms": {"timestamp": times}}]
        query = ResultQuery(size=MAX_PAGE_END, descending=True)
        _, records = _search(reader, job, filters, query, "record_score")
        by_time: dict[int, list[JsonObject]] = {}
        for record in records:
            by_time.setdefault(record["timestamp"], []).append(record)
        for bucket in buckets:
            bucket["records"] = by_time.get(bucket["timestamp"], [])

    def snapshots(self, job_id: str, snapshot_id: str | None, query: ResultQuery) -> JsonObject:
        """Return `{count, model_snapshots}`.

        Raises:
            MlError: 404 for an unknown job or snapshot.
        """
        job = self._registry.job(job_id).config
        filters: list[JsonObject] = [{"exists": {"field": "snapshot_id"}}]
        wanted = [part for part in (snapshot_id or "").split(",") if part not in {"", "_all", "*"}]
        if wanted:
            filters.append({"bool": {"should": [{"wildcard": {"snapshot_id": {"value": part}}} for part in wanted]}})
        filters.extend(_time_filter(query.start_ms, query.end_ms))
        with self._registry.store.read() as reader:
            count, found = _search(reader, job, filters, query, query.sort or "timestamp")
        if not found and len(wanted) == 1 and "*" not in wanted[0]:
            raise not_found(f"No model snapshot with id [{wanted[0]}] exists for job [{job_id}]")
        return {"count": count, "model_snapshots": found}

    def overall_buckets(
        self,
        expression: str,
        *,
        top_n: int,
        bucket_span: str | None,
        overall_score: float,
        start_ms: int | None,
        end_ms: int | None,
        exclude_interim: bool,
        allow_no_match: bool,
    ) -> JsonObject:
        """Return the overall buckets of several jobs.

        The overall score is the mean of the `top_n` highest per-job maximum bucket scores within an overall
        bucket of the longest bucket span; with a longer `bucket_span`, the maximum of those.

        Raises:
            MlError: 400, 404.
        """
        entries = self._registry.find_jobs(expression, allow_no_match=allow_no_match)
        if top_n < 1:
            raise bad_request(f"[top_n] parameter must be positive, found {top_n}")
        if not entries:
            return {"count": 0, "overall_buckets": []}
        base_ms = max(_span_ms(entry) for entry in entries)
        span_ms = duration_ms(bucket_span, "bucket_span") if bucket_span is not None else base_ms
        if span_ms < base_ms:
            raise bad_request(
                f"[bucket_span] [{bucket_span}] must be greater or equal to the maximum job bucket span "
                f"[{base_ms // SECOND_MS}s]"
            )
        with self._registry.store.read() as reader:
            scores = [
                (
                    entry.job_id,
                    _max_scores(
                        reader,
                        entry.config,
                        base_ms,
                        start_ms=start_ms,
                        end_ms=end_ms,
                        exclude_interim=exclude_interim,
                    ),
                )
                for entry in entries
            ]
        buckets = _overall(scores, base_ms=base_ms, span_ms=span_ms, top_n=top_n)
        found = [bucket for bucket in buckets if bucket["overall_score"] >= overall_score]
        return {"count": len(found), "overall_buckets": found}


def _span_ms(entry: JobEntry) -> int:
    return duration_ms(entry.config["analysis_config"]["bucket_span"])


def _time_filter(start_ms: int | None, end_ms: int | None) -> list[JsonObject]:
    bounds = {
        **({"gte": start_ms} if start_ms is not None else {}),
        **({"lt": end_ms} if end_ms is not None else {}),
    }
    return [{"range": {"timestamp": {**bounds, "format": "epoch_millis"}}}] if bounds else []


def _search(
    reader: Reader, job: JsonObject, filters: Sequence[JsonObject], query: ResultQuery, sort: str
) -> tuple[int, list[JsonObject]]:
    order = "desc" if query.descending else "asc"
    body: JsonObject = {
        "query": {"bool": {"filter": [{"term": {"job_id": job["job_id"]}}, *filters]}},
        "from": query.first,
        "size": query.size,
        "sort": [{sort: {"order": order, "missing": "_last"}}],
        "track_total_hits": True,
    }
    if sort != "timestamp":
        body["sort"].append({"timestamp": {"order": order}})
    indices = reader.resolve(results_index(job["results_index_name"]), ignore_unavailable=True)
    hits = search(reader, indices, body)["hits"]
    return int(hits["total"]["value"]), [hit["_source"] for hit in hits["hits"]]


def _max_scores(
    reader: Reader,
    job: JsonObject,
    span_ms: int,
    *,
    start_ms: int | None,
    end_ms: int | None,
    exclude_interim: bool,
) -> dict[int, float]:
    filters: list[JsonObject] = [{"term": {"job_id": job["job_id"]}}, {"term": {"result_type": "bucket"}}]
    if exclude_interim:
        filters.append({"term": {"is_interim": False}})
    indices = reader.resolve(results_index(job["results_index_name"]), ignore_unavailable=True)
    query = {"bool": {"filter": filters}}
    fields = ["anomaly_score"]
    documents = select(indices, query, fields, time_field="timestamp", start_ms=start_ms, end_ms=end_ms)
    return highest(reader, documents, "anomaly_score", "timestamp", span_ms)


def _overall(
    scores: Sequence[tuple[str, dict[int, float]]], *, base_ms: int, span_ms: int, top_n: int
) -> list[JsonObject]:
    starts = sorted({start for _, by_start in scores for start in by_start})
    buckets: dict[int, JsonObject] = {}
    for start in starts:
        highest = sorted((by_start.get(start, 0.0) for _, by_start in scores), reverse=True)[:top_n]
        overall = sum(highest) / len(highest)
        bucket = buckets.setdefault(
            start // span_ms * span_ms,
            {
                "timestamp": start // span_ms * span_ms,
                "bucket_span": span_ms // SECOND_MS,
                "overall_score": 0.0,
                "jobs": {job_id: 0.0 for job_id, _ in scores},
                "is_interim": False,
                "result_type": "overall_bucket",
            },
        )
        bucket["overall_score"] = max(bucket["overall_score"], overall)
        for job_id, by_start in scores:
            bucket["jobs"][job_id] = max(bucket["jobs"][job_id], by_start.get(start, 0.0))
    for bucket in buckets.values():
        bucket["jobs"] = [
            {"job_id": job_id, "max_anomaly_score": score} for job_id, score in sorted(bucket["jobs"].items())
        ]
    return list(buckets.values())
