"""The detectors of a job, checked against what can be analysed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from anomalyops_engine.config import AnalysisConfig, CustomRule, Detector
from anomalyops_engine.features.measures import MEASURES, Measure
from anomalyops_engine.functions import Family, Function, Side, find_function, supported_names


class UnsupportedAnalysis(ValueError):  # noqa: N818 - a statement about the config, as the API words it
    """A job asks for an analysis that this engine cannot do; the message names the option and what can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedDetector:
    """One detector of a job, with its function looked up.

    Attributes:
        index: Position in the job's list, `detector_index` of its results.
        function: What is computed a bucket.
        measure: How.
        family: What learns it.
        side: Which deviations count.
        name: The function as the job wrote it, with its side.
        field_name: The field whose values are aggregated, if the function has one.
        by: The `by_field_name`, if any.
        over: The `over_field_name`, if any: a population analysis.
        partition: The `partition_field_name`, if any.
        use_null: Whether documents without a split field form a series of their own.
        weight_field: The job's `summary_count_field_name`, if any.
        rules: The `custom_rules`.
        frequent_by: Whether by-values that are frequent are left out.
        frequent_over: Whether members of the population that are frequent are left out.
        parts: The detectors that it is made of, if it is; each learns the column of its function's name.
        is_part: Whether it is one of those.
    """

    index: int
    function: Function
    measure: Measure
    family: Family
    side: Side
    name: str
    field_name: str | None = None
    by: str | None = None
    over: str | None = None
    partition: str | None = None
    use_null: bool = False
    weight_field: str | None = None
    rules: tuple[CustomRule, ...] = ()
    frequent_by: bool = False
    frequent_over: bool = False
    parts: tuple[ResolvedDetector, ...] = ()
    is_part: bool = False

    @property
    def split_fields(self) -> tuple[str, ...]:
        """The fields that make series: partition, then by."""
        return tuple(name for name in (self.partition, self.by) if name is not None)

    @property
    def is_population(self) -> bool:
        """Whether members of a population are compared with each other."""
        return self.over is not None


def resolve_detectors(config: AnalysisConfig) -> list[ResolvedDetector]:
    """The detectors of an analysis configuration.

    Raises:
        UnsupportedAnalysis: When a function or option cannot be analysed; names it and what can be.
    """
    if config.multivariate_by_fields:
        raise UnsupportedAnalysis("analysis_config.multivariate_by_fields is not supported by this engine yet")
    return [_resolve(detector, config.summary_count_field_name) for detector in config.detectors]


def _resolve(detector: Detector, summary: str | None) -> ResolvedDetector:
    where = f"analysis_config.detectors[{detector.detector_index}]"
    name = detector.function or ""
    found = find_function(name)
    if found is None or found.function.feature is None or found.function.family is None:
        raise UnsupportedAnalysis(
            f"{where}.function [{name}] is not supported by this engine yet; supported: " + ", ".join(supported_names())
        )
    function = found.function
    family = function.over_family if detector.over_field_name else function.family
    if family is None:
        raise UnsupportedAnalysis(f"{where}.over_field_name cannot be used with function [{name}]")
    _refuse_options(where, detector)
    resolved = ResolvedDetector(
        index=detector.detector_index,
        function=function,
        measure=MEASURES[found.function.feature],
        family=family,
        side=found.side,
        name=name,
        field_name=detector.field_name,
        by=detector.by_field_name,
        over=detector.over_field_name,
        partition=detector.partition_field_name,
        use_null=detector.use_null,
        weight_field=summary,
        rules=detector.custom_rules,
        frequent_by=detector.by_field_name is not None and detector.exclude_frequent in {"all", "by"},
        frequent_over=detector.over_field_name is not None and detector.exclude_frequent in {"all", "over"},
    )
    return replace(resolved, parts=tuple(_part(resolved, part) for part in function.parts))


def _part(whole: ResolvedDetector, name: str) -> ResolvedDetector:
    """One of the detectors that a detector is made of: it shows the whole's name, and what itself computes."""
    found = find_function(name)
    if found is None or found.function.feature is None:
        raise LookupError(f"[{whole.name}] is made of [{name}], which the catalogue does not have")
    return replace(whole, function=found.function, measure=MEASURES[found.function.feature], is_part=True)


def _refuse_options(where: str, detector: Detector) -> None:
    for number, rule in enumerate(detector.custom_rules):
        if rule.time_shift_s is None:
            continue
        timed = bool(rule.conditions) and all(condition.applies_to == "time" for condition in rule.conditions)
        if not timed or rule.times_s()[0] == -math.inf:
            raise UnsupportedAnalysis(
                f"{where}.custom_rules[{number}] changes clocks (force_time_shift): its conditions must be on the time "
                "alone and say from when on"
            )
