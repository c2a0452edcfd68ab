"""Reading results: buckets, records, influencers, overall buckets, model snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from anomalyops_engine.config import Job
from anomalyops_engine.config.units import SECOND_MS, duration_ms
from anomalyops_engine.jobs.documents import results_index
from anomalyops_engine.jobs.registry import JobEntry, Registry
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.query import Peak, peaks, select
from anomalyops_engine.query.datemath import resolve_date
from anomalyops_engine.query.search import search
from anomalyops_engine.refusals import bad_request, illegal_argument, not_found
from anomalyops_engine.store import Reader

MAX_PAGE_END: Final = 10_000
_TIMES: Final = ("timestamp", "latest_record_time_stamp", "latest_result_time_stamp")
_INTERIM_KINDS: Final = frozenset({"bucket", "record", "influencer"})
# A result without the field is final.
_NOT_INTERIM: Final[JsonObject] = {"bool": {"must_not": {"term": {"is_interim": True}}}}


def check_page(first: int, size: int) -> None:
    """Check a page of results.

    Raises:
        MlError: 400 when it is out of bounds.
    """
    if first < 0:
        raise illegal_argument(f"Parameter [from] cannot be < 0, actual value is: {first}")
    if size < 0:
        raise illegal_argument(f"Parameter [size] cannot be < 0, actual value is: {size}")
    if first + size > MAX_PAGE_END:
        raise illegal_argument(f"The sum of parameters [from] and [size] cannot be higher than {MAX_PAGE_END}.")


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
        check_page(self.first, self.size)


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
            filters.append(_NOT_INTERIM)
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

    def _add_records(self, reader: Reader, job: Job, buckets: Sequence[JsonObject]) -> None:
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
            raise illegal_argument(f"[topN] parameter must be positive, found [{top_n}]")
        if not entries:
            return {"count": 0, "overall_buckets": []}
        longest = max(entries, key=_span_ms)
        base_ms = _span_ms(longest)
        span_ms = duration_ms(bucket_span, "bucket_span") if bucket_span is not None else base_ms
        if span_ms < base_ms:
            raise bad_request(
                "Param [bucket_span] must be greater or equal to the max bucket_span "
                f"[{longest.config.analysis_config.bucket_span.text}]"
            )
        filters: list[JsonObject] = [
            {"terms": {"job_id": [entry.job_id for entry in entries]}},
            {"term": {"result_type": "bucket"}},
            *([_NOT_INTERIM] if exclude_interim else []),
        ]
        # Only whole buckets of the longest span count.
        start_ms = None if start_ms is None else -(-start_ms // base_ms) * base_ms
        end_ms = None if end_ms is None else end_ms // base_ms * base_ms
        with self._registry.store.read() as reader:
            documents = select(
                reader.resolve(
                    sorted({results_index(entry.config.results_index_name) for entry in entries}),
                    ignore_unavailable=True,
                ),
                {"bool": {"filter": filters}},
                ["job_id", "anomaly_score", "is_interim"],
                time_field="timestamp",
                start_ms=start_ms,
                end_ms=end_ms,
            )
            found = peaks(
                reader,
                documents,
                key="job_id",
                value="anomaly_score",
                flag="is_interim",
                time_field="timestamp",
                span_ms=base_ms,
            )
        buckets = [
            bucket
            for bucket in overall_buckets(found, span_ms=span_ms, top_n=top_n)
            if bucket["overall_score"] >= overall_score
        ]
        return {"count": len(buckets), "overall_buckets": buckets}


def _span_ms(entry: JobEntry) -> int:
    return entry.config.bucket_span_ms


def _time_filter(start_ms: int | None, end_ms: int | None) -> list[JsonObject]:
    bounds = {
        **({"gte": start_ms} if start_ms is not None else {}),
        **({"lt": end_ms} if end_ms is not None else {}),
    }
    return [{"range": {"timestamp": {**bounds, "format": "epoch_millis"}}}] if bounds else []


def _search(
    reader: Reader, job: Job, filters: Sequence[JsonObject], query: ResultQuery, sort: str
) -> tuple[int, list[JsonObject]]:
    order = "desc" if query.descending else "asc"
    body: JsonObject = {
        "query": {"bool": {"filter": [{"term": {"job_id": job.job_id}}, *filters]}},
        "from": query.first,
        "size": query.size,
        "sort": [{sort: {"order": order, "missing": "_last"}}],
        "track_total_hits": True,
    }
    if sort != "timestamp":
        body["sort"].append({"timestamp": {"order": order}})
    indices = reader.resolve(results_index(job.results_index_name), ignore_unavailable=True)
    hits = search(reader, indices, body)["hits"]
    return int(hits["total"]["value"]), [rendered(hit) for hit in hits["hits"]]


def rendered(hit: JsonObject) -> JsonObject:
    """Return a result as the API shows it, also one that somebody else wrote: times are epoch milliseconds."""
    document: JsonObject = hit["_source"]
    times = {key: resolve_date(document[key]) for key in _TIMES if isinstance(document.get(key), str)}
    interim = {"is_interim": False} if document.get("result_type") in _INTERIM_KINDS else {}
    return {**interim, **document, **times}


def overall_buckets(found: Sequence[Peak], *, span_ms: int, top_n: int) -> list[JsonObject]:
    """Return the overall buckets of the highest bucket scores of jobs (`OverallBucketsProvider` in Elasticsearch).

    Args:
        found: per job and bucket of the longest span; a job without a bucket there has none.
        span_ms: span of an overall bucket, not shorter than that.
        top_n: how many of the jobs with a bucket count, highest first.
    """
    by_start: dict[int, list[Peak]] = {}
    for peak in found:
        by_start.setdefault(peak.start_ms, []).append(peak)
    wide: dict[int, list[tuple[float, list[Peak]]]] = {}
    for start, peaks_there in sorted(by_start.items()):
        highest = sorted((peak.value for peak in peaks_there), reverse=True)[:top_n]
        score = sum(highest) / len(highest)
        wide.setdefault(start // span_ms * span_ms, []).append((score, peaks_there))
    return [_overall_bucket(start, span_ms, parts) for start, parts in wide.items()]


def _overall_bucket(start_ms: int, span_ms: int, parts: Sequence[tuple[float, list[Peak]]]) -> JsonObject:
    jobs: dict[str, float] = {}
    for _, peaks_there in parts:
        for peak in peaks_there:
            jobs[peak.key] = max(jobs.get(peak.key, 0.0), peak.value)
    return {
        "timestamp": start_ms,
        "bucket_span": span_ms // SECOND_MS,
        "overall_score": max(score for score, _ in parts),
        "jobs": [{"job_id": job_id, "max_anomaly_score": score} for job_id, score in sorted(jobs.items())],
        "is_interim": any(peak.flagged for _, peaks_there in parts for peak in peaks_there),
        "result_type": "overall_bucket",
    }
