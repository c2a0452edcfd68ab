"""Rules of the categorisation settings of an `analysis_config` (`AnalysisConfig.Builder`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from anomalyops_engine.config.detector import MLCATEGORY, Detector
from anomalyops_engine.config.reading import boolean
from anomalyops_engine.config.records import Record, record, row
from anomalyops_engine.json_types import Json, JsonObject
from anomalyops_engine.refusals import bad_request

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


@record("per_partition_categorization", required=("enabled",))
class PerPartitionCategorization(Record):
    """Whether messages are categorised for each partition on its own."""

    enabled: bool = row(boolean, default=False)
    stop_on_warn: bool = row(boolean, default=False, shown=lambda _, whole: whole.enabled)

    def check(self) -> None:
        """Raise 400 for a stop of what is not done."""
        if self.stop_on_warn and not self.enabled:
            raise bad_request("stop_on_warn cannot be true in per_partition_categorization when enabled is false")


def check_categorization(
    *,
    field: str | None,
    analyzer: Json,
    filters: Sequence[str],
    per_partition: PerPartitionCategorization,
    detectors: Sequence[Detector],
) -> None:
    """Raise 400 when categorisation settings contradict each other or the detectors."""
    used = [detector for detector in detectors if MLCATEGORY in detector.split_fields]
    if used and not field:
        raise bad_request("categorization_field_name must be set for mlcategory to be available")
    if field and not used:
        raise bad_request(
            "categorization_field_name is set but mlcategory is not used in any detector by/over/partition field"
        )
    if analyzer is not None and not field:
        raise bad_request("categorization_analyzer requires setting categorization_field_name")
    if filters:
        _check_filters(filters, field, analyzer)
    if per_partition.enabled:
        _check_per_partition(field, used)


def usual_analyzer(field: str, filters: Sequence[str]) -> JsonObject:
    """Return the analyzer of a new job that gives none: the usual one, with the filters as parts of it.

    Raises:
        MlError: 400 for filters that cannot be.
    """
    _check_filters(filters, field, None)
    replaced = [{"type": "pattern_replace", "pattern": pattern} for pattern in filters]
    return {**DEFAULT_ANALYZER, "char_filter": [*DEFAULT_ANALYZER["char_filter"], *replaced]}


def _check_filters(filters: Sequence[str], field: str | None, analyzer: Json) -> None:
    if not field:
        raise bad_request("categorization_filters require setting categorization_field_name")
    if analyzer is not None:
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


def _check_per_partition(field: str | None, used: Sequence[Detector]) -> None:
    if not field:
        raise bad_request("categorization_field_name must be set when per-partition categorization is enabled")
    partition: str | None = None
    for detector in used:
        name = detector.partition_field_name
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
