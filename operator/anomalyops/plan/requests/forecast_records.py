"""What the server says about forecasts, as statuses tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from anomalyops.resources import AnomalyForecastStatus, ForecastRecord

FINISHED: Final = "finished"
FAILED: Final = "failed"
EXPIRED: Final = "expired"  # the server has removed it, as it was to
GONE: Final = "gone"  # somebody has deleted it, or its job
MISSED: Final = "missed"  # its time was over before it could begin
ENDED: Final = frozenset({FINISHED, FAILED})
_LONGEST_MESSAGE: Final = 2048
_MOST_MESSAGES: Final = 20

Documents = Mapping[str, Mapping[str, Any]]
"""The `model_forecast_request_stats` of a job's forecasts, by forecast id."""


def record_of(document: Mapping[str, Any], occasion: str) -> ForecastRecord:
    """A forecast that the server has."""
    said = [str(one)[:_LONGEST_MESSAGE] for one in document.get("forecast_messages") or ()]
    return ForecastRecord(
        occasion=occasion,
        forecast_id=str(document["forecast_id"]),
        state=str(document.get("forecast_status", "scheduled")),
        progress=round(100 * float(document.get("forecast_progress") or 0)),
        created=_time(document.get("forecast_create_timestamp")),
        start=_time(document.get("forecast_start_timestamp")),
        end=_time(document.get("forecast_end_timestamp")),
        expires=_time(document.get("forecast_expiry_timestamp")),
        records=int(document.get("processed_record_count") or 0),
        messages=said[:_MOST_MESSAGES] or None,
    )


def without_forecast(occasion: str, state: str, why: str) -> ForecastRecord:
    """An occasion that came to nothing."""
    return ForecastRecord(occasion=occasion, state=state, messages=[why[:_LONGEST_MESSAGE]])


def created_ms(document: Mapping[str, Any]) -> int:
    """When the server began a forecast, in milliseconds since 1970; 0 where it does not say."""
    at = _time(document.get("forecast_create_timestamp"), whole=False)
    return 0 if at is None else round(at.timestamp() * 1000)


def span_ms(document: Mapping[str, Any]) -> int:
    """How far a forecast goes, in milliseconds."""
    start = _time(document.get("forecast_start_timestamp"), whole=False)
    end = _time(document.get("forecast_end_timestamp"), whole=False)
    return 0 if start is None or end is None else round((end - start).total_seconds() * 1000)


def with_record(status: AnomalyForecastStatus, record: ForecastRecord) -> AnomalyForecastStatus:
    """A status that tells of a forecast; an earlier word for the same occasion is replaced."""
    others = [one for one in status.history or () if one.occasion != record.occasion]
    return with_history(status, [record, *others])


def with_history(status: AnomalyForecastStatus, history: Sequence[ForecastRecord]) -> AnomalyForecastStatus:
    """A status with this history, the newest forecast of which stands at its top too."""
    newest = history[0] if history else None
    return status.model_copy(
        update={
            "history": list(history) or None,
            "forecast_id": None if newest is None else newest.forecast_id,
            "state": None if newest is None else newest.state,
            "progress": None if newest is None else newest.progress,
            "expires": None if newest is None else newest.expires,
        }
    )


def _time(value: Any, *, whole: bool = True) -> datetime | None:
    """A timestamp of a document: milliseconds since 1970, or ISO 8601 where the server answers with text."""
    if value is None:
        return None
    if isinstance(value, str) and not value.lstrip("-").isdigit():
        found = datetime.fromisoformat(value)
        found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    else:
        found = datetime.fromtimestamp(int(value) / 1000, UTC)
    return found.replace(microsecond=0) if whole else found
