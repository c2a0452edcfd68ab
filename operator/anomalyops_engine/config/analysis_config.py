"""The `analysis_config` of a job: bucket span, detectors, influencers (`AnalysisConfig.Builder.build`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from anomalyops_engine.config.categorization import (
    PerPartitionCategorization,
    check_categorization,
    usual_analyzer,
)
from anomalyops_engine.config.detector import MLCATEGORY, Detector
from anomalyops_engine.config.reading import Parser, WrongType, boolean, duration, small_integer, text, texts
from anomalyops_engine.config.records import Change, Each, Nested, Record, Values, listed, record, row
from anomalyops_engine.config.units import DAY_MS, SECOND_MS, Duration
from anomalyops_engine.functions import find_function
from anomalyops_engine.json_types import Json
from anomalyops_engine.refusals import bad_request, illegal_argument

_DEFAULT_SPAN: Final = Duration.of_ms(300 * SECOND_MS)


def _analyzer(_: str, value: Json) -> Json:
    if not isinstance(value, (str, dict)):
        raise WrongType
    return value


def _default_prune_window(known: Values) -> Duration:
    # The greater of 30 days and 20 buckets, as a multiple of the bucket span.
    span_ms = max(known["bucket_span"].ms, 1)
    return Duration.of_ms(max(-(-30 * DAY_MS // span_ms) * span_ms, 20 * span_ms))


def _merge_per_partition(
    present: PerPartitionCategorization, changed: PerPartitionCategorization
) -> PerPartitionCategorization:
    if changed.enabled != present.enabled:
        raise bad_request("analysis_config.per_partition_categorization.enabled cannot be updated")
    return changed


_DETECTOR_UPDATE: Final = Parser(
    "detector_update",
    {"detector_index": small_integer, **{name: made.judged_update for name, made in Detector.updatable().items()}},
    required=("detector_index",),
)


def _merge_detectors(present: Sequence[Detector], changes: Sequence[Mapping[str, Any]]) -> tuple[Detector, ...]:
    detectors = list(present)
    for change in changes:
        index: int = change["detector_index"]
        if index < 0:
            raise illegal_argument(f"detector_index cannot be less than 0. Value = {index}")
        if index >= len(detectors):
            raise bad_request(f"Supplied detector_index [{index}] is >= the number of detectors [{len(detectors)}]")
        detectors[index] = detectors[index].merged(change)
    return tuple(detectors)


@record("analysis_config", required=("detectors",))
class AnalysisConfig(Record):
    """What a job analyses."""

    bucket_span: Duration = row(duration, default=_DEFAULT_SPAN)
    detectors: tuple[Detector, ...] = row(
        Each(Detector),
        default=(),
        change=Change.LIVE,
        read_update=lambda _, value: tuple(_DETECTOR_UPDATE.parse(item) for item in listed(value)),
        merge=_merge_detectors,
    )
    influencers: tuple[str, ...] = row(texts, default=())
    categorization_field_name: str | None = row(text, default=None)
    categorization_filters: tuple[str, ...] | None = row(texts, default=None, change=Change.AT_ONCE)
    categorization_analyzer: Json = row(_analyzer, default=None)
    per_partition_categorization: PerPartitionCategorization = row(
        Nested(PerPartitionCategorization),
        default=PerPartitionCategorization(),
        change=Change.LIVE,
        merge=_merge_per_partition,
        shown=lambda _, whole: whole.categorization_field_name is not None,
    )
    latency: Duration | None = row(duration, default=None)
    summary_count_field_name: str | None = row(text, default=None)
    multivariate_by_fields: bool | None = row(boolean, default=None)
    model_prune_window: Duration = row(duration, at_creation=_default_prune_window, change=Change.LIVE)

    @property
    def term_fields(self) -> list[str]:
        """The fields whose values name something in results: by, over, partition and influencers, sorted."""
        names = {name for detector in self.detectors for name in detector.split_fields}
        return sorted(names.union(self.influencers) - {""})

    @property
    def read_fields(self) -> set[str]:
        """The fields of which detectors and influencers read the values; that of the messages may be among them."""
        return {name for detector in self.detectors for name in detector.fields}.union(self.influencers)

    @property
    def fields(self) -> list[str]:
        """The document fields that the analysis reads, sorted, without the time field."""
        names = self.read_fields
        names |= {name for name in (self.summary_count_field_name, self.categorization_field_name) if name}
        return sorted(names - {MLCATEGORY, ""})

    @property
    def number_fields(self) -> list[str]:
        """The document fields whose values must be numbers to be of use, sorted."""
        names = {name for detector in self.detectors if detector.reads_numbers and (name := detector.field_name)}
        return sorted(names.union({self.summary_count_field_name} if self.summary_count_field_name else ()))

    @classmethod
    def prepared(cls, given: Values) -> Values:
        """Number the detectors as they come, and make categorization filters parts of the analyzer."""
        detectors = given.get("detectors", ())
        numbered = tuple(dataclasses.replace(item, detector_index=number) for number, item in enumerate(detectors))
        field, filters = given.get("categorization_field_name"), given.get("categorization_filters") or ()
        used = any(MLCATEGORY in detector.split_fields for detector in numbered)
        if not field or not used or given.get("categorization_analyzer") is not None:
            return {**given, "detectors": numbered}
        rest = {name: value for name, value in given.items() if name != "categorization_filters"}
        analyzer = usual_analyzer(field, filters)
        return {**rest, "detectors": numbered, "categorization_analyzer": analyzer}

    def check(self) -> None:
        """Raise 400 when the configuration contradicts itself."""
        _positive("bucket_span", self.bucket_span)
        if self.latency is not None:
            whole_seconds("latency", self.latency)
        self._check_prune_window()
        if not self.detectors:
            raise bad_request("No detectors configured")
        for detector in self.detectors if self.summary_count_field_name else ():
            found = find_function(detector.function)
            if found is not None and not found.function.summarised:
                raise bad_request(
                    f"The '{detector.function}' function cannot be used in jobs that will take pre-summarized input"
                )
        check_categorization(
            field=self.categorization_field_name,
            analyzer=self.categorization_analyzer,
            filters=self.categorization_filters or (),
            per_partition=self.per_partition_categorization,
            detectors=self.detectors,
        )
        self._check_nested_fields()

    def _check_prune_window(self) -> None:
        window, span = self.model_prune_window, self.bucket_span
        if window.seconds % span.seconds:
            raise bad_request(f"model_prune_window [{window}] must be a multiple of bucket_span [{span}]")
        if window.seconds < 2 * span.seconds:
            raise bad_request(
                f"model_prune_window [{window}] must be at least 2 times greater than bucket_span [{span}]"
            )

    def check_duplicates(self) -> None:
        """Raise 400 for a detector that is there twice."""
        seen: list[Detector] = []
        for detector in self.detectors:
            unnumbered = dataclasses.replace(detector, detector_index=0)
            if unnumbered in seen:
                raise illegal_argument(f"Duplicate detectors are not allowed: [{detector.detector_description}]")
            seen.append(unnumbered)

    def _check_nested_fields(self) -> None:
        """Refuse `a` beside `a.b`: one field cannot be a value and an object."""
        for left, right in pairwise(self.term_fields):
            if right.startswith(f"{left}."):
                raise bad_request(f"Fields [{left}] and [{right}] cannot both be used in the same analysis_config")


def whole_seconds(field: str, value: Duration) -> None:
    """Raise 400 unless a duration is a number of whole seconds, and not negative."""
    if value.nanos < 0:
        raise illegal_argument(f"{field} cannot be less than 0. Value = {value}")
    if value.nanos % (SECOND_MS * 1_000_000):
        raise illegal_argument(f"{field} has to be a multiple of 1s; actual was '{value}'")


def _positive(field: str, value: Duration) -> None:
    if value.nanos <= 0:
        raise illegal_argument(f"{field} cannot be less or equal than 0. Value = {value}")
    whole_seconds(field, value)
