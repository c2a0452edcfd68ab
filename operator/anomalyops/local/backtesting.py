"""Manifests over the past of their source, on an engine that holds nothing else: what they would have found."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from anomalyops.elastic import Gateway, GatewayError
from anomalyops.elastic.documents import Documents
from anomalyops.elastic.history import History
from anomalyops.local.applying import Listener
from anomalyops.local.applying import apply as apply_pairs
from anomalyops.local.backtest_figures import Backtest, advised_span, alarms_of
from anomalyops.local.connections import Target, connection_at, open_gateway
from anomalyops.local.errors import LocalError
from anomalyops.local.estimating import estimate
from anomalyops.local.findings import Window, top_anomalies
from anomalyops.local.progress import Verdict
from anomalyops.local.shared import apply_shared
from anomalyops.reconciler import Pair
from anomalyops.reconciler.query_delay import FeedDelay
from anomalyops.resources import DEFAULT_BUCKET_SPAN, AnomalyJob, Datafeed, parse_duration
from anomalyops.resources.times import parse_time

Told = Callable[[str, float | None], None]
"""Hears what is done, and how much of it is: 0 to 1, None where that is not known."""

Loading = Callable[[Gateway, str, str], Awaitable[int]]
"""Loads documents into an index of a server, given the time field; how many could not be taken."""

_INDEX: Final = "backtest"
_BATCH: Final = 2000
_MOST: Final = 10_000
_TOP: Final = 10
_INTERVALS: Final = (300, 900, 3600, 86_400)
_MOST_INTERVALS: Final = 20_000
_DAYS: Final = 7
_COUNTS: Final = ("count", "c", "non_zero_count", "nzc")
# What is about the life of the job on its server, and not about what it finds.
_LEFT_OUT: Final = (
    "connectionRef", "state", "suspend", "takeOverFrom", "maintenanceWindow", "adoptionPolicy", "replacePolicy",
    "deletionPolicy", "movePolicy", "memory",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Which past.

    Attributes:
        start: From then on, ISO 8601 or milliseconds; None for the first document.
        end: Before then; None for all there is.
        loading: Loads documents from elsewhere; None to read the server's indices.
        elsewhere: Where that is, in words.
        min_score: Least score of an alarm at the time of its detection.
        seconds: How long an analysis may take.
        ingested_field: Says when a document was ingested; None for what the manifest says.
    """

    start: str | None = None
    end: str | None = None
    loading: Loading | None = None
    elsewhere: str = ""
    min_score: float = 50.0
    seconds: float = 3600.0
    ingested_field: str | None = None

    @property
    def start_ms(self) -> int:
        """In milliseconds since the epoch."""
        return 0 if self.start is None else parse_time(self.start)

    @property
    def end_ms(self) -> int:
        """In milliseconds since the epoch."""
        return 2**53 if self.end is None else parse_time(self.end)


@dataclass(frozen=True, slots=True)
class _Copied:
    """Documents that the engine has.

    Attributes:
        index: Where.
        documents: How many were read.
        refused: How many the engine could not take.
        first_ms: The time of the first.
        last_ms: The time of the last.
    """

    index: str
    documents: int
    refused: int
    first_ms: int
    last_ms: int


class Laboratory:
    """An engine for runs over the past. The source is read once for runs that read the same.

    Args:
        url: The engine, empty at the beginning.
        past: Which past.
        listener: Hears of the steps of an analysis.
        told: Hears how far it is.
    """

    def __init__(self, url: str, past: Past, listener: Listener, told: Told) -> None:
        self._connection = connection_at(url)
        self._past = past
        self._listener = listener
        self._told = told
        self._copied: dict[str, _Copied] = {}

    async def run(self, target: Target) -> list[Backtest]:
        """What each job of a target would have found; its server is only read.

        Raises:
            LocalError: A job cannot be tried: it has no datafeed, there are no documents, or the engine refuses it.
            GatewayError: A server does not answer, or refuses.
        """
        found = []
        for pair in target.pairs:
            if pair.job is None or pair.datafeed is None:
                raise LocalError(
                    f"{pair.resources[0].name}: a backtest needs an AnomalyJob and its Datafeed in the files"
                )
            found.append(await self._one(target, pair, pair.job, pair.datafeed))
        return found

    async def _one(self, target: Target, pair: Pair, job: AnomalyJob, feed: Datafeed) -> Backtest:
        time_field = job.spec.data_description.time_field or "time"
        async with open_gateway(self._connection, None) as engine:
            copied = await self._documents(engine, target, job, feed, time_field)
            here = _moved(pair, copied, self._connection.name)
            own = replace(target, connection=self._connection, credentials=None, pairs=(here,), requests=())
            if target.shared:
                await apply_shared(own, lambda _resource, _step: None, seconds=60)
            await self._analysed(own, job.server_id)
            made = await self._figures(engine, own, job, copied, time_field)
            await engine.stop_datafeed(feed.server_id, force=True)
            await engine.close_job(job.server_id)
            await engine.delete_job(job.server_id)  # another version of it may come
            return made

    async def _analysed(self, target: Target, job_id: str) -> None:
        self._told(f"analysing {job_id}", None)
        (applied,) = await apply_pairs(target, self._listener, seconds=self._past.seconds)
        progress = applied.progress
        if progress.verdict is not Verdict.READY:
            raise LocalError(f"{job_id}: the analysis has not come to its end: {progress.message}")

    async def _documents(
        self, engine: Gateway, target: Target, job: AnomalyJob, feed: Datafeed, time_field: str
    ) -> _Copied:
        """The source's documents on the engine."""
        body = feed.spec.server_body()
        key = json.dumps([body["indices"], body.get("query"), body.get("runtime_mappings"), time_field], sort_keys=True)
        if key not in self._copied:
            index = f"{_INDEX}-{len(self._copied) + 1}"
            read = self._from_elsewhere if self._past.loading is not None else self._from_server
            self._copied[key] = await read(engine, target, body, index, time_field)
        copied = self._copied[key]
        if not copied.documents:
            where = self._past.elsewhere or ", ".join(feed.spec.indices)
            raise LocalError(f"{job.server_id}: {where} has no documents that its datafeed reads in this time")
        return copied

    async def _from_server(
        self, engine: Gateway, target: Target, body: Mapping[str, Any], index: str, time_field: str
    ) -> _Copied:
        here = Documents(engine.rest)
        async with open_gateway(target.connection, target.credentials) as source:
            await source.info()
            history = History(source.rest, body, time_field, start_ms=self._past.start_ms, end_ms=self._past.end_ms)
            total, first, last = await history.extent()
            if not total:
                return _Copied(index, 0, 0, 0, 0)
            try:
                await here.create(index, await history.mappings())
            except GatewayError as error:
                raise LocalError(
                    f"the mapping of {body['indices']} is not understood by the engine: {error}"
                ) from error
            done = refused = 0
            async for page in history.pages():
                for at in range(0, len(page), _BATCH):
                    documents = [json.dumps(one).encode() for one in page[at : at + _BATCH]]
                    refused += len(await here.bulk(index, documents))
                done += len(page)
                self._told("reading documents", min(1.0, done / total))
        await here.refresh(index)
        return _Copied(index, done, refused, first, last)

    async def _from_elsewhere(
        self, engine: Gateway, _target: Target, body: Mapping[str, Any], index: str, time_field: str
    ) -> _Copied:
        assert self._past.loading is not None  # noqa: S101 - the caller looks
        refused = await self._past.loading(engine, index, time_field)
        history = History(
            engine.rest, {**body, "indices": [index]}, time_field,
            start_ms=self._past.start_ms, end_ms=self._past.end_ms,
        )  # fmt: skip
        total, first, last = await history.extent()
        return _Copied(index, total, refused, first, last)

    async def _figures(
        self, engine: Gateway, target: Target, job: AnomalyJob, copied: _Copied, time_field: str
    ) -> Backtest:
        name = job.server_id
        span = parse_duration(job.spec.analysis_config.bucket_span or DEFAULT_BUCKET_SPAN) // 1000
        stats = await engine.job_stats_of(name) or {}
        size = stats.get("model_size_stats") or {}
        (pair,) = target.pairs
        ingested = self._past.ingested_field or FeedDelay.of(pair.datafeed).ingested_field
        fields = await engine.trial.field_types({"indices": [copied.index]}, [ingested])
        types = fields.types.get(ingested, frozenset())
        dated = bool(types) and types <= {"date", "date_nanos"}  # of a file it may be a number, which says nothing
        (needed,) = await estimate(target, days=_DAYS, ingested_field=ingested, lateness=dated)
        window = Window(min_score=0.0, limit=_TOP)
        anomalies = await top_anomalies(engine, [name], window)
        counts, base = await _counts(engine, pair, copied, time_field)
        detectors = job.spec.analysis_config.detectors
        plain = {str(one.function).removeprefix("high_").removeprefix("low_") for one in detectors}
        splits = {one.by_field_name for one in detectors} | {one.partition_field_name for one in detectors}
        series = max((needed.cardinalities.get(one, 1) for one in splits if one), default=1)
        return Backtest(
            job_id=name,
            start=_time(copied.first_ms),
            end=_time(copied.last_ms),
            documents=copied.documents,
            refused=copied.refused,
            buckets=int((stats.get("data_counts") or {}).get("bucket_count", 0)),
            alarms=alarms_of(await _alarming(engine, name, self._past.min_score), span),
            anomalies=tuple(anomalies),
            peak_bytes=int(size.get("peak_model_bytes") or size.get("model_bytes") or 0),
            memory_status=str(size.get("memory_status", "ok")),
            estimate=needed,
            span_seconds=span,
            advised_span=advised_span(counts, base, series=series, counting=bool(plain & set(_COUNTS))),
        )


def _moved(pair: Pair, copied: _Copied, connection: str) -> Pair:
    """The pair as the engine shall run it: over the copied documents, from the first to the last."""
    assert pair.job is not None  # noqa: S101 - the caller looks
    assert pair.datafeed is not None  # noqa: S101
    job, feed = pair.job.manifest(), pair.datafeed.manifest()
    spec = {name: value for name, value in job["spec"].items() if name not in _LEFT_OUT}
    start, end = _iso(copied.first_ms), _iso(copied.last_ms + 1)
    moved = {name: value for name, value in feed["spec"].items() if name not in {*_LEFT_OUT, "indicesOptions"}}
    moved |= {"indices": [copied.index], "start": start, "end": end, "state": "Started"}
    return Pair(job=AnomalyJob.from_object(_plain(job, spec)), datafeed=Datafeed.from_object(_plain(feed, moved)))


def _plain(manifest: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {name: manifest["metadata"][name] for name in ("name", "namespace") if name in manifest["metadata"]}
    return {"apiVersion": manifest["apiVersion"], "kind": manifest["kind"], "metadata": metadata, "spec": dict(spec)}


async def _alarming(engine: Gateway, job_id: str, min_score: float) -> list[tuple[int, float]]:
    """Buckets by the score that they had when they were found: what an alert would have seen."""
    filters = [
        {"term": {"job_id": job_id}},
        {"term": {"result_type": "bucket"}},
        {"range": {"initial_anomaly_score": {"gte": min_score}}},
    ]
    body = {"size": _MOST, "sort": [{"timestamp": "asc"}], "query": {"bool": {"filter": filters}}}
    answer = await Documents(engine.rest).search(".ml-anomalies-*", body)
    hits = [hit["_source"] for hit in answer["hits"]["hits"]]
    return [(_milliseconds(one["timestamp"]), float(one["initial_anomaly_score"])) for one in hits]


def _milliseconds(value: int | str) -> int:
    return value if isinstance(value, int) else parse_time(value)


async def _counts(engine: Gateway, pair: Pair, copied: _Copied, time_field: str) -> tuple[dict[int, int], int]:
    """Documents by interval, and the interval in seconds."""
    assert pair.datafeed is not None  # noqa: S101 - made by _moved
    long = (copied.last_ms - copied.first_ms) / 1000
    base = next((one for one in _INTERVALS if long / one <= _MOST_INTERVALS), _INTERVALS[-1])
    histogram = {"field": time_field, "fixed_interval": f"{base}s", "min_doc_count": 1}
    body: dict[str, Any] = {"size": 0, "aggs": {"time": {"date_histogram": histogram}}}
    feed = pair.datafeed.spec.server_body()
    body |= {name: feed[name] for name in ("query", "runtime_mappings") if feed.get(name)}
    answer = await Documents(engine.rest).search(copied.index, body)
    buckets = answer["aggregations"]["time"]["buckets"]
    return {int(one["key"]) // 1000: int(one["doc_count"]) for one in buckets}, base


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _iso(milliseconds: int) -> str:
    return _time(milliseconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")
