"""A job's analysis config, read once and checked against what can be analysed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from anomalyops_engine.features.functions import Function, Side, lookup, supported_names

_UNITS_MS = {
    "nanos": 1e-6,
    "micros": 1e-3,
    "ms": 1,
    "s": 1_000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
}


class UnsupportedAnalysis(ValueError):  # noqa: N818 - a statement about the config, as the API words it
    """A job asks for an analysis that this engine cannot do; the message names the option and what can be."""


def duration_ms(value: str | int, option: str) -> int:
    """Milliseconds of a duration such as `15m` (a bare number is milliseconds).

    Raises:
        UnsupportedAnalysis: When the text is no duration; names `option`.
    """
    if isinstance(value, int):
        return value
    match = re.fullmatch(r"(\d+)(nanos|micros|ms|s|m|h|d)?", value.strip())
    if match is None:
        raise UnsupportedAnalysis(f"{option} is [{value}]; accepted: a number with one of ms, s, m, h, d")
    return int(int(match[1]) * _UNITS_MS[match[2] or "ms"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """One detector of a job, checked.

    Attributes:
        index: Position in the job's list, `detector_index` of its results.
        function: What is computed a bucket.
        side: Which deviations count.
        name: The function as the job wrote it, with its side.
        field_name: The field whose values are aggregated, if the function has one.
        by: The `by_field_name`, if any.
        over: The `over_field_name`, if any: a population analysis.
        partition: The `partition_field_name`, if any.
        use_null: Whether documents without a split field form a series of their own.
        weight_field: The job's `summary_count_field_name`, if any.
        rules: The `custom_rules`, as in the job.
    """

    index: int
    function: Function
    side: Side
    name: str
    field_name: str | None = None
    by: str | None = None
    over: str | None = None
    partition: str | None = None
    use_null: bool = False
    weight_field: str | None = None
    rules: Sequence[Mapping[str, Any]] = field(default_factory=tuple)

    @property
    def split_fields(self) -> tuple[str, ...]:
        """The fields that make series: partition, then by."""
        return tuple(name for name in (self.partition, self.by) if name is not None)

    @property
    def is_population(self) -> bool:
        """Whether members of a population are compared with each other."""
        return self.over is not None


_REFUSED_OPTIONS = (
    "categorization_field_name",
    "categorization_filters",
    "multivariate_by_fields",
)


def read_detectors(analysis_config: Mapping[str, Any]) -> list[Detector]:
    """The detectors of an `analysis_config`.

    Raises:
        UnsupportedAnalysis: When a function or option cannot be analysed; names it and what can be.
    """
    for option in _REFUSED_OPTIONS:
        if analysis_config.get(option):
            raise UnsupportedAnalysis(f"analysis_config.{option} is not supported by this engine yet")
    per_partition = analysis_config.get("per_partition_categorization") or {}
    if per_partition.get("enabled"):
        raise UnsupportedAnalysis("analysis_config.per_partition_categorization is not supported by this engine yet")
    summary = analysis_config.get("summary_count_field_name")
    return [_read_detector(index, config, summary) for index, config in enumerate(analysis_config["detectors"])]


def _read_detector(index: int, config: Mapping[str, Any], summary: str | None) -> Detector:
    where = f"analysis_config.detectors[{index}]"
    name = str(config.get("function", "")).lower()
    found = lookup(name)
    if found is None:
        raise UnsupportedAnalysis(
            f"{where}.function [{name}] is not supported by this engine yet; supported: " + ", ".join(supported_names())
        )
    function, side = found
    field_name = config.get("field_name")
    if function.needs_field and not field_name:
        raise UnsupportedAnalysis(f"{where}.field_name is missing; function [{name}] needs one")
    if field_name and not function.needs_field:
        raise UnsupportedAnalysis(f"{where}.field_name is [{field_name}]; function [{name}] takes none")
    _refuse_options(where, config, function, name)
    return Detector(
        index=index,
        function=function,
        side=side,
        name=name,
        field_name=field_name,
        by=config.get("by_field_name"),
        over=config.get("over_field_name"),
        partition=config.get("partition_field_name"),
        use_null=bool(config.get("use_null", False)),
        weight_field=summary,
        rules=tuple(config.get("custom_rules") or ()),
    )


def _refuse_options(where: str, config: Mapping[str, Any], function: Function, name: str) -> None:
    if config.get("over_field_name") and not function.population:
        raise UnsupportedAnalysis(f"{where}.over_field_name cannot be used with function [{name}]")
    if str(config.get("exclude_frequent", "none")).lower() != "none":
        raise UnsupportedAnalysis(f"{where}.exclude_frequent is [{config['exclude_frequent']}]; supported: [none]")
    for split in ("by_field_name", "over_field_name", "partition_field_name"):
        if config.get(split) == "mlcategory":
            raise UnsupportedAnalysis(
                f"{where}.{split} is [mlcategory]: categorization is not supported by this engine yet"
            )
    for number, rule in enumerate(config.get("custom_rules") or ()):
        if rule.get("scope"):
            raise UnsupportedAnalysis(
                f"{where}.custom_rules[{number}].scope is not supported by this engine yet; "
                "supported: conditions on actual, typical, diff_from_typical and time"
            )


def required_fields(analysis_config: Mapping[str, Any]) -> list[str]:
    """The document fields an analysis reads, besides the time field, sorted and without repeats.

    Raises:
        UnsupportedAnalysis: As `read_detectors`.
    """
    names = set(analysis_config.get("influencers") or ())
    for detector in read_detectors(analysis_config):
        names |= {*detector.split_fields, detector.field_name, detector.over, detector.weight_field} - {None}
    return sorted(names)
