"""What clients can ask of forecasts: make one, delete some. They run beside their job, in turns with datafeeds."""

from __future__ import annotations

import logging
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from anomalyops_engine.config.units import DAY_MS, SECOND_MS, Duration, MemorySize
from anomalyops_engine.jobs.audit import wall_clock_ms
from anomalyops_engine.jobs.documents import results_index
from anomalyops_engine.jobs.forecast_request import FORECAST, UNFINISHED, ForecastRequest
from anomalyops_engine.jobs.journal import load_analysis
from anomalyops_engine.jobs.registry import JobEntry
from anomalyops_engine.jobs.runtime import Runtime
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.query import delete_where
from anomalyops_engine.refusals import MlError, bad_request, conflict, illegal_argument, not_found, timed_out
from anomalyops_engine.scoring.forecast import (
    ForecastRefused,
    JobForecast,
    Part,
    forecast_bytes,
    forecast_frames,
    prepare_forecast,
)
from anomalyops_engine.store import Writer

_log = logging.getLogger(__name__)

DEFAULT_DURATION: Final = Duration.read("1d", "duration")
DEFAULT_EXPIRY: Final = Duration.read("14d", "expires_in")
_LONGEST: Final = Duration.read("3650d", "duration")
_AT_ONCE: Final = 3
_DEFAULT_MEMORY: Final = MemorySize(20).bytes
_LEAST_MEMORY: Final = MemorySize(1).bytes
# Models that take more are not forecast, wherever they are copied to.
_MOST_MEMORY: Final = MemorySize(500).bytes
_SHARE_OF_LIMIT: Final = 0.4
_LEAST_DISK: Final = MemorySize(4096).bytes
# A forecast of many series over years must not fill the disk that the jobs need.
_LAST_DISK: Final = MemorySize(1024).bytes
_STEP_SECONDS: Final = 0.3
_STEP_DOCUMENTS: Final = 50_000
_WARM_UP_POLL_SECONDS: Final = 0.05
_MOST_MESSAGES: Final = 20


def check_duration(duration: Duration) -> None:
    """Refuse a duration that no forecast can have.

    Raises:
        MlError: 400.
    """
    if duration.nanos <= 0:
        raise illegal_argument(f"[duration] must be positive: [{_shown(duration)}]")
    if duration.nanos > _LONGEST.nanos:
        raise illegal_argument(f"[duration] must be {_LONGEST.text} or less: [{duration.text}]")


def check_expiry(expires_in: Duration) -> None:
    """Refuse a negative `expires_in`.

    Raises:
        MlError: 400.
    """
    if expires_in.nanos < 0:
        raise illegal_argument(f"[expires_in] must be non-negative: [{_shown(expires_in)}]")


def check_memory(size: int) -> None:
    """Refuse a `max_model_memory`, in bytes, that no forecast can have.

    Raises:
        MlError: 400.
    """
    if size < _LEAST_MEMORY:
        raise illegal_argument("[max_model_memory] must be at least 1mb.")
    if size >= _MOST_MEMORY:
        raise bad_request("[max_model_memory] must be less than 500mb")


def _shown(duration: Duration) -> str:
    return "-1" if duration.nanos < 0 else duration.text


class ForecastOperations:
    """Forecasts, as the REST endpoints under `_forecast` see them. Thread-safe."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._registry = runtime.registry
        self._folder = runtime.registry.store.folder / "forecasts"

    def start(self) -> None:
        """Mark what an end of the engine has cut off, and wait for what expires."""
        shutil.rmtree(self._folder, ignore_errors=True)
        for entry in list(self._registry.jobs.values()):
            for request in list(entry.forecasts.values()):
                if request.status in UNFINISHED:
                    self._save(entry, _failed(request, "the engine ended before the forecast did"))
                self._expire_later(entry, request)

    # --- making one ---

    def create(
        self, job_id: str, *, duration: Duration, expires_in: Duration, max_model_memory: int | None
    ) -> JsonObject:
        """Begin a forecast of all series of an open job, from its first bucket that is not analysed yet.

        Args:
            job_id: the job.
            duration: how far ahead.
            expires_in: how long it is kept; 0 for ever.
            max_model_memory: bytes of copied models from which they are kept in files; None for 20mb.

        Raises:
            MlError: 409 when the job is not open (or there is none); 400 with the reason when it cannot be forecast.
        """
        entry = self._registry.jobs.get(job_id)
        if entry is None:
            raise _not_open(job_id)
        with entry.lock.hold(), ExitStack() as kept:
            if entry.run.state != "opened":
                raise _not_open(job_id)
            span_ms = entry.config.bucket_span_ms
            if duration.ms < span_ms:
                span = entry.config.analysis_config.bucket_span.text
                raise bad_request(f"[duration] must be greater or equal to the bucket span: [{duration.text}/{span}]")
            try:
                forecast = self._prepare(entry, duration.ms // span_ms, self._limit(entry, max_model_memory), kept)
            except ForecastRefused as refused:
                raise bad_request(f"Cannot run forecast: {refused}") from refused
            now_ms, start_ms = wall_clock_ms(), forecast.first_bucket * span_ms
            request = ForecastRequest(
                job_id=job_id,
                forecast_id=secrets.token_urlsafe(15),
                status="scheduled",
                created_ms=now_ms,
                start_ms=start_ms,
                end_ms=start_ms + forecast.buckets * span_ms,
                expiry_ms=now_ms + expires_in.ms if expires_in.ms else None,
                messages=tuple(forecast.messages),
                memory_bytes=forecast.memory_bytes,
            )
            self._save(entry, request)
            running = _RunningForecast(self._runtime, entry, request, forecast, kept.pop_all())
        self._runtime.scheduler.submit(running.step)
        self._expire_later(entry, request)
        return {"acknowledged": True, "forecast_id": request.forecast_id}

    def _prepare(self, entry: JobEntry, buckets: int, limit: int, kept: ExitStack) -> JobForecast:
        if entry.run.model_size.get("memory_status", "ok") != "ok":
            raise ForecastRefused("Forecast cannot be executed as model memory status is not OK")
        if entry.run.position_ms is None or entry.run.counts.latest_bucket_timestamp is None:
            raise ForecastRefused("Forecast cannot be executed as job requires data to have been processed and modeled")
        if sum(request.status in UNFINISHED for request in entry.forecasts.values()) >= _AT_ONCE:
            raise ForecastRefused(
                "Forecast cannot be executed due to queue limit. Please wait for requests to finish and try again"
            )
        analysis = load_analysis(self._registry, entry)
        size, folder = forecast_bytes(analysis), None
        if size >= _MOST_MEMORY:
            raise ForecastRefused("Forecast cannot be executed as forecast memory usage is predicted to exceed 500MB")
        if size > limit:
            self._folder.mkdir(exist_ok=True)
            folder = Path(kept.enter_context(TemporaryDirectory(dir=self._folder, ignore_cleanup_errors=True)))
            if shutil.disk_usage(folder).free < _LEAST_DISK:
                raise ForecastRefused(
                    "Forecast cannot be executed as models exceed internal memory limit and available disk space is "
                    f"insufficient Minimum disk space required: [{_LEAST_DISK}]"
                )
        return prepare_forecast(analysis, start_ms=entry.run.position_ms, buckets=buckets, folder=folder)

    def _limit(self, entry: JobEntry, asked: int | None) -> int:
        """Return the bytes that copied models may take in memory: less than 40 % of what the job's models may."""
        if asked is None:
            return _DEFAULT_MEMORY
        most = int(entry.config.memory_limit.bytes * _SHARE_OF_LIMIT)
        if asked < most:
            return asked
        audit = self._runtime.audit()
        audit.note(
            entry.job_id,
            f"requested forecast memory limit [{asked}] bytes is greater than or equal to [{most}] bytes (40% of the "
            f"job memory limit). Reducing to [{most - 1}].",
            "warning",
        )
        with self._registry.store.write() as writer:
            audit.write(writer)
        return most - 1

    def _save(self, entry: JobEntry, request: ForecastRequest) -> None:
        with self._registry.store.write() as writer:
            request.write(writer, results_index(entry.config.results_index_name))
        entry.forecasts[request.forecast_id] = request

    # --- ends ---

    def delete(self, job_id: str, expression: str, *, allow_no_forecasts: bool, timeout_ms: int) -> None:
        """Delete forecasts: ids with wildcards, a list of them, or `_all`.

        Raises:
            MlError: 404 when nothing is found and not all were meant, or that is not allowed; 409 for those that are
                not done, of an open job; 408 after `timeout_ms`.
        """
        everything = expression in {"_all", "*", ""}
        entry = self._registry.jobs.get(job_id)
        patterns = ["*"] if everything else expression.split(",")
        if entry is not None:
            with entry.lock.hold(timeout_ms / SECOND_MS) as held:
                if not held:
                    raise timed_out(f"Deleting forecasts of job [{job_id}] timed out after [{timeout_ms}ms]")
                found = [
                    request
                    for request in entry.forecasts.values()
                    if any(fnmatchcase(request.forecast_id, pattern) for pattern in patterns)
                ]
                busy = [request.forecast_id for request in found if request.status in UNFINISHED]
                if busy and entry.run.state == "opened":
                    raise conflict(
                        f"Forecast(s) [{', '.join(busy)}] for job [{job_id}] needs to be either FAILED or FINISHED to "
                        "be deleted"
                    )
                if found:
                    self._remove(entry, [request for request in found if request.status not in UNFINISHED])
                    return
        if not (everything and allow_no_forecasts):
            raise not_found(f"No forecast(s) [{expression or '_all'}] exists for job [{job_id}]")

    def _remove(self, entry: JobEntry, requests: Sequence[ForecastRequest]) -> None:
        if not requests:
            return
        with self._registry.store.write() as writer:
            _delete(writer, entry, requests)
        for request in requests:
            entry.forecasts.pop(request.forecast_id, None)

    def _expire_later(self, entry: JobEntry, request: ForecastRequest) -> None:
        """Remove a forecast when its time is over."""
        if request.expiry_ms is None:
            return
        expiry_ms = request.expiry_ms

        def step() -> float | None:
            current = entry.forecasts.get(request.forecast_id)
            if current is None or self._registry.jobs.get(entry.job_id) is not entry:
                return None
            left_ms = expiry_ms - wall_clock_ms()
            if left_ms > 0 or current.status in UNFINISHED:
                return max(min(left_ms, DAY_MS) / SECOND_MS, 0.1)
            with entry.lock.hold():
                if request.forecast_id in entry.forecasts:
                    self._remove(entry, [current])
            return None

        self._runtime.scheduler.submit(step, max(min(expiry_ms - wall_clock_ms(), DAY_MS) / SECOND_MS, 0.01))


class _RunningForecast:
    """Drives one forecast; `step` is what the scheduler calls."""

    def __init__(
        self, runtime: Runtime, entry: JobEntry, request: ForecastRequest, forecast: JobForecast, kept: ExitStack
    ) -> None:
        self._runtime = runtime
        self._entry = entry
        self._request = request
        self._forecast = forecast
        self._parts: Iterator[Part] = forecast.parts()
        self._kept = kept

    def step(self) -> float | None:
        """Do one step.

        Returns:
            Seconds until the next; None when the forecast is over.
        """
        if not self._runtime.warm_up.done:
            return _WARM_UP_POLL_SECONDS
        begin = time.monotonic()
        try:
            if shutil.disk_usage(self._runtime.registry.store.folder).free < _LAST_DISK:
                raise OSError(f"less than {_LAST_DISK >> 30}gb of disk space are left")
            parts, over = self._some(begin)
            elapsed_ms = round((time.monotonic() - begin) * SECOND_MS)
            request = replace(
                self._request,
                status="finished" if over else "started",
                progress=1.0 if over else self._forecast.done,
                messages=_first(self._forecast.messages),
                records=self._request.records + sum(len(part.path) for part in parts),
                processing_ms=self._request.processing_ms + elapsed_ms,
            )
            going_on = self._commit(request, parts) and not over
        except Exception as error:
            _log.exception("forecast [%s] of job [%s] failed", self._request.forecast_id, self._request.job_id)
            self._commit(_failed(self._request, str(error) or type(error).__name__), [])
            going_on = False
        if not going_on:
            self._kept.close()
        return 0.0 if going_on else None

    def _some(self, begin: float) -> tuple[list[Part], bool]:
        """Return as much of the forecast as one step makes, and whether that was the last of it."""
        parts: list[Part] = []
        documents = 0
        for part in self._parts:
            parts.append(part)
            documents += len(part.path)
            if documents >= _STEP_DOCUMENTS or time.monotonic() - begin > _STEP_SECONDS:
                return parts, False
        return parts, True

    def _commit(self, request: ForecastRequest, parts: Sequence[Part]) -> bool:
        """Write a step; answers whether the forecast is still wanted."""
        entry, job = self._entry, self._entry.config
        with entry.lock.hold():
            if request.forecast_id not in entry.forecasts:
                return False
            index = results_index(job.results_index_name)
            frames = forecast_frames(
                parts, job_id=job.job_id, forecast_id=request.forecast_id, span_ms=job.bucket_span_ms
            )
            with self._runtime.registry.store.write() as writer:
                for frame in frames:
                    writer.append_frame(index, frame)
                request.write(writer, index)
            entry.forecasts[request.forecast_id] = self._request = request
        return True


def _delete(writer: Writer, entry: JobEntry, requests: Sequence[ForecastRequest]) -> None:
    for request in requests:
        writer.delete_config(FORECAST, request.key)
    ids = [request.forecast_id for request in requests]
    filters = [
        {"term": {"job_id": entry.job_id}},
        {"terms": {"result_type": ["model_forecast", "model_forecast_request_stats"]}},
        {"terms": {"forecast_id": ids}},
    ]
    delete_where(writer, results_index(entry.config.results_index_name), {"bool": {"filter": filters}})


def _failed(request: ForecastRequest, reason: str) -> ForecastRequest:
    return replace(request, status="failed", messages=(*request.messages, f"Forecast failed: {reason}"))


def _first(messages: Sequence[str]) -> tuple[str, ...]:
    """Return some messages, and how many there are besides."""
    more = len(messages) - _MOST_MESSAGES
    return tuple(messages) if more <= 0 else (*messages[:_MOST_MESSAGES], f"and {more} more like these")


def _not_open(job_id: str) -> MlError:
    return conflict(f"Cannot perform requested action because job [{job_id}] is not open")
