"""`human=true`: times of machine learning answers as text beside the numbers."""

from __future__ import annotations

from typing import Any, Final

from anomalyops_engine.store.dates import format_millis

_TIMES: Final = frozenset(
    {
        *("timestamp", "create_time", "finished_time", "earliest_record_timestamp", "latest_record_timestamp"),
        *("last_data_time", "latest_empty_bucket_timestamp", "latest_sparse_bucket_timestamp", "log_time"),
        *("latest_record_time_stamp", "latest_result_time_stamp"),
    }
)


def with_times_as_text(value: Any) -> Any:
    """Return an answer in which every time in epoch milliseconds has its text beside it, as `<name>_string`."""
    if isinstance(value, list):
        return [with_times_as_text(item) for item in value]
    if not isinstance(value, dict):
        return value
    shown: dict[str, Any] = {}
    for key, inner in value.items():
        if key in _TIMES and isinstance(inner, int) and not isinstance(inner, bool):
            shown[f"{key}_string"] = format_millis(inner, "strict_date_time")
        shown[key] = with_times_as_text(inner)
    return shown
