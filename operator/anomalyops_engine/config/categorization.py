"""Rules of the categorisation settings of an `analysis_config` (`AnalysisConfig.Builder`)."""

from __future__ import annotations

import re
from typing import Any, Final

from anomalyops_engine.refusals import bad_request

JsonObject = dict[str, Any]
MLCATEGORY: Final = "mlcategory"
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November"),
    "December",
)
# How messages are cut into tokens unless a job says otherwise: the names of days and months are times, not words.
DEFAULT_ANALYZER: Final[JsonObject] = {
    "char_filter": ["first_line_with_letters"],
    "tokenizer": "ml_standard",
    "filter": [
        {
            "type": "stop",
            "stopwords": [
                *_DAYS,
                *(day[:3] for day in _DAYS),
                *_MONTHS,
                *(month[:3] for month in _MONTHS if month != "May"),
                *("GMT", "UTC"),
            ],
        }
    ],
}
_SPLITS: Final = ("by_field_name", "over_field_name", "partition_field_name")


def check_categorization(config: JsonObject) -> None:
    """Raise 400 when categorisation settings contradict each other or the detectors."""
    field = config.get("categorization_field_name")
    used = [d for d in config["detectors"] if any(d.get(key) == MLCATEGORY for key in _SPLITS)]
    if used and not field:
        raise bad_request("categorization_field_name must be set for mlcategory to be available")
    if field and not used:
        raise bad_request(
            "categorization_field_name is set but mlcategory is not used in any detector by/over/partition field"
        )
    if config.get("categorization_analyzer") is not None and not field:
        raise bad_request("categorization_analyzer requires setting categorization_field_name")
    if config.get("categorization_filters"):
        check_filters(config)
    if config.get("per_partition_categorization", {}).get("enabled"):
        _check_per_partition(config, used)
    elif config.get("per_partition_categorization", {}).get("stop_on_warn"):
        raise bad_request("stop_on_warn cannot be true in per_partition_categorization when enabled is false")


def check_filters(config: JsonObject) -> None:
    """Raise 400 when the categorisation filters cannot be used."""
    filters: list[str] = config["categorization_filters"]
    if not config.get("categorization_field_name"):
        raise bad_request("categorization_filters require setting categorization_field_name")
    if config.get("categorization_analyzer") is not None:
        raise bad_request(
            "categorization_filters cannot be used with categorization_analyzer - "
            "instead specify them as pattern_replace char_filters in the analyzer"
        )
    if len(set(filters)) != len(filters):
        raise bad_request("categorization_filters contain duplicates")
    if "" in filters:
        raise bad_request("categorization_filters are not allowed to contain empty strings")
    for pattern in filters:
        try:
            re.compile(pattern)
        except re.error:
            raise bad_request(f"categorization_filters contains invalid regular expression '{pattern}'") from None


def _check_per_partition(config: JsonObject, used: list[JsonObject]) -> None:
    if not config.get("categorization_field_name"):
        raise bad_request("categorization_field_name must be set when per-partition categorization is enabled")
    partition: str | None = None
    for detector in used:
        name = detector.get("partition_field_name")
        if name == MLCATEGORY:
            raise bad_request(
                "mlcategory cannot be used as a partition_field_name when per-partition categorization is enabled"
            )
        if not name:
            raise bad_request(
                "partition_field_name must be set for detectors that reference mlcategory "
                "when per-partition categorization is enabled"
            )
        if partition is not None and partition != name:
            raise bad_request(
                "partition_field_name cannot vary between detectors when per-partition categorization "
                f"is enabled: [{partition}] and [{name}] are used"
            )
        partition = name
