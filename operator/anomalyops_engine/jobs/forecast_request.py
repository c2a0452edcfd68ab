"""A forecast that was asked for: what it is, how far it is, what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Final

from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.store import Writer

FORECAST: Final = "forecast"
UNFINISHED: Final = frozenset({"scheduled", "started"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastRequest:
    """A forecast of a job; stored with every step of it. Times are epoch milliseconds.

    Attributes:
        job_id: the job.
        forecast_id: its id.
        status: scheduled, started, finished or failed.
        created_ms: when it was asked for.
        start_ms: start of its first bucket.
        end_ms: end of its last bucket.
        expiry_ms: when it is to be removed; None for never.
        progress: share that is done, 0 to 1.
        messages: what there is to say about it.
        records: documents written.
        memory_bytes: what the copied models take.
        processing_ms: time spent.
    """

    job_id: str
    forecast_id: str
    status: str
    created_ms: int
    start_ms: int
    end_ms: int
    expiry_ms: int | None
    progress: float = 0.0
    messages: tuple[str, ...] = ()
    records: int = 0
    memory_bytes: int = 0
    processing_ms: int = 0

    @property
    def key(self) -> str:
        """Where it is stored."""
        return f"{self.job_id}/{self.forecast_id}"

    @property
    def document_id(self) -> str:
        """The id of its document in the results index."""
        return f"{self.job_id}_model_forecast_request_stats_{self.forecast_id}"

    def document(self) -> JsonObject:
        """Return its document in the results index, as Elasticsearch writes it."""
        expiry = {} if self.expiry_ms is None else {"forecast_expiry_timestamp": self.expiry_ms}
        return {
            "job_id": self.job_id,
            "result_type": "model_forecast_request_stats",
            "forecast_id": self.forecast_id,
            "processed_record_count": self.records,
            "forecast_messages": list(self.messages),
            "timestamp": self.start_ms,
            "forecast_start_timestamp": self.start_ms,
            "forecast_end_timestamp": self.end_ms,
            "forecast_create_timestamp": self.created_ms,
            **expiry,
            "forecast_progress": self.progress,
            "processing_time_ms": self.processing_ms,
            "forecast_memory_bytes": self.memory_bytes,
            "forecast_status": self.status,
        }

    def write(self, writer: Writer, index: str) -> None:
        """Write it, and its document into the results index."""
        writer.put_config(FORECAST, self.key, asdict(self))
        writer.append(index, [self.document()], ids=[self.document_id])


def erase_forecasts(writer: Writer, job_id: str) -> None:
    """Forget all forecasts of a job; its documents are deleted with its results."""
    for key, stored in writer.configs(FORECAST).items():
        if stored["job_id"] == job_id:
            writer.delete_config(FORECAST, key)


def forecasts_stats(requests: Iterable[ForecastRequest]) -> JsonObject:
    """Return the `forecasts_stats` of a job (`ForecastStats` of Elasticsearch)."""
    known = list(requests)
    if not known:
        return {"total": 0, "forecasted_jobs": 0}

    def spread(value: Callable[[ForecastRequest], int]) -> JsonObject:
        values = [float(value(request)) for request in known]
        return {"total": sum(values), "min": min(values), "avg": sum(values) / len(values), "max": max(values)}

    statuses: dict[str, int] = {}
    for request in known:
        statuses[request.status] = statuses.get(request.status, 0) + 1
    return {
        "total": len(known),
        "forecasted_jobs": 1,
        "memory_bytes": spread(lambda request: request.memory_bytes),
        "records": spread(lambda request: request.records),
        "processing_time_ms": spread(lambda request: request.processing_ms),
        "status": statuses,
    }
