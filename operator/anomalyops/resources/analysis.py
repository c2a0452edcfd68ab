"""The analysis of a job: buckets, detectors, influencers, categorization."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from anomalyops.resources.base import Boolean, SpecModel, TextOrObject
from anomalyops.resources.detectors import Detector
from anomalyops.resources.durations import Duration, cel_is_duration, cel_nanos, duration_nanos
from anomalyops.resources.identifiers import FieldName
from anomalyops.resources.rules import FUNCTION, Rule


class PerPartitionCategorization(SpecModel):
    """Categories for each partition of their own."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            message="stopOnWarn needs enabled: true",
            holds=lambda config: not config.stop_on_warn or bool(config.enabled),
            cel="!has(self.stopOnWarn) || !self.stopOnWarn || (has(self.enabled) && self.enabled)",
            field="stopOnWarn",
        ),
    )

    enabled: Boolean | None = Field(default=None, description="Whether each partition has its own categories.")
    stop_on_warn: Boolean | None = Field(
        default=None, description="Whether categorization stops for a partition whose status turns to warn."
    )


ML_CATEGORY = "mlcategory"
DEFAULT_BUCKET_SPAN = "5m"  # the server's, when the manifest has none

_SPLITS = ("byFieldName", "overFieldName", "partitionFieldName")
_USES_ML_CATEGORY = (
    "(" + " || ".join(f"(has(detector.{split}) && detector.{split} == '{ML_CATEGORY}')" for split in _SPLITS) + ")"
)
_PER_PARTITION = (
    "(has(self.perPartitionCategorization) && has(self.perPartitionCategorization.enabled) && "
    "self.perPartitionCategorization.enabled)"
)
_BUCKET_SPAN = f"(has(self.bucketSpan) ? self.bucketSpan : '{DEFAULT_BUCKET_SPAN}')"
_PRUNE_NANOS, _SPAN_NANOS = cel_nanos("self.modelPruneWindow"), cel_nanos(_BUCKET_SPAN)
# What is no duration, or no bucket span, is reported at its own field.
_COMPARABLE = f"{cel_is_duration('self.modelPruneWindow')} && {cel_is_duration(_BUCKET_SPAN)} && {_SPAN_NANOS} > 0"

# What compares each detector with each other costs more than the API server allows for one rule where they are many:
# admission then leaves it to the operator, which refuses it with the same words.
_COMPARED_AT_ADMISSION = 100
_FEW_DETECTORS = f"size(self.detectors) <= {_COMPARED_AT_ADMISSION}"


def _uses_ml_category(detector: Detector) -> bool:
    return ML_CATEGORY in detector.split_fields


def _distinct_detectors(config: AnalysisConfig) -> bool:
    # The server compares the whole detector, its description included.
    bodies = [json.dumps(detector.model_dump(exclude_none=True), sort_keys=True) for detector in config.detectors]
    return len(set(bodies)) == len(bodies)


def _no_nested_names(config: AnalysisConfig) -> bool:
    names = {name for detector in config.detectors for name in detector.split_fields}
    names.update(config.influencers or [])
    return names.isdisjoint(outer for name in names for outer in _objects_of(name))


def _objects_of(name: str) -> Iterator[str]:
    """The objects that a field lies in: `a` and `a.b` for `a.b.c`."""
    parts = name.split(".")
    return (".".join(parts[:depth]) for depth in range(1, len(parts)))


def _one_partition(config: AnalysisConfig) -> bool:
    partitions = {detector.partition_field_name for detector in config.detectors} - {None}
    return not config.per_partition or len(partitions) <= 1


def _prune_window_whole(config: AnalysisConfig) -> bool:
    if config.model_prune_window is None:
        return True
    span = duration_nanos(config.bucket_span or DEFAULT_BUCKET_SPAN)
    window = duration_nanos(config.model_prune_window)
    return window % span == 0 and window >= 2 * span


_ANALYSIS_RULES = (
    Rule(
        message="two detectors are equal: remove one, or give them different descriptions",
        holds=_distinct_detectors,
        cel=f"!({_FEW_DETECTORS}) || self.detectors.all(one, self.detectors.exists_one(other, one == other))",
        field="detectors",
    ),
    Rule(
        message=(
            "function 'metric' cannot be used with summaryCountFieldName: use min, max, mean or another "
            "function instead of metric"
        ),
        holds=lambda config: (
            config.summary_count_field_name is None
            or all(detector.function != "metric" for detector in config.detectors)
        ),
        cel=f"!has(self.summaryCountFieldName) || self.detectors.all(detector, detector.{FUNCTION} != 'metric')",
        field="detectors",
    ),
    Rule(
        message="a detector uses mlcategory: set categorizationFieldName to the field with the messages",
        holds=lambda config: (
            config.categorization_field_name is not None or not any(map(_uses_ml_category, config.detectors))
        ),
        cel=f"has(self.categorizationFieldName) || self.detectors.all(detector, !{_USES_ML_CATEGORY})",
        field="categorizationFieldName",
    ),
    Rule(
        message=(
            "categorizationFieldName is set but no detector uses mlcategory: write mlcategory as "
            "byFieldName, overFieldName or partitionFieldName of a detector"
        ),
        holds=lambda config: config.categorization_field_name is None or any(map(_uses_ml_category, config.detectors)),
        cel=f"!has(self.categorizationFieldName) || self.detectors.exists(detector, {_USES_ML_CATEGORY})",
        field="categorizationFieldName",
    ),
    Rule(
        message="categorizationFilters needs categorizationFieldName: set it, or remove the filters",
        holds=lambda config: config.categorization_field_name is not None or not config.categorization_filters,
        cel=(
            "has(self.categorizationFieldName) || !has(self.categorizationFilters) || "
            "size(self.categorizationFilters) == 0"
        ),
        field="categorizationFilters",
    ),
    Rule(
        message="categorizationFilters holds a filter twice: remove one",
        holds=lambda config: len(set(config.categorization_filters or [])) == len(config.categorization_filters or []),
        cel=(
            "!has(self.categorizationFilters) || self.categorizationFilters.all(one, "
            "self.categorizationFilters.exists_one(other, one == other))"
        ),
        field="categorizationFilters",
    ),
    # CEL sees no field without a type, and the analyzer is a name or an object: admission leaves it to the
    # operator, which refuses it with these words.
    Rule(
        message="categorizationAnalyzer needs categorizationFieldName: set it, or remove the analyzer",
        holds=lambda config: config.categorization_field_name is not None or config.categorization_analyzer is None,
        field="categorizationAnalyzer",
    ),
    Rule(
        message=(
            "categorizationFilters cannot be used with categorizationAnalyzer: write them as pattern_replace "
            "char_filters of the analyzer"
        ),
        holds=lambda config: config.categorization_analyzer is None or not config.categorization_filters,
        field="categorizationFilters",
    ),
    Rule(
        message="per-partition categorization needs categorizationFieldName: set it to the field with the messages",
        holds=lambda config: not config.per_partition or config.categorization_field_name is not None,
        cel=f"!{_PER_PARTITION} || has(self.categorizationFieldName)",
        field="perPartitionCategorization",
    ),
    Rule(
        message=(
            "mlcategory cannot be a partitionFieldName when per-partition categorization is enabled: use it "
            "as byFieldName"
        ),
        holds=lambda config: (
            not config.per_partition
            or all(detector.partition_field_name != ML_CATEGORY for detector in config.detectors)
        ),
        cel=(
            f"!{_PER_PARTITION} || self.detectors.all(detector, !has(detector.partitionFieldName) || "
            f"detector.partitionFieldName != '{ML_CATEGORY}')"
        ),
        field="detectors",
    ),
    Rule(
        message=(
            "detectors that use mlcategory need partitionFieldName when per-partition categorization is enabled: set it"
        ),
        holds=lambda config: (
            not config.per_partition
            or all(
                detector.partition_field_name is not None
                for detector in config.detectors
                if _uses_ml_category(detector)
            )
        ),
        cel=(
            f"!{_PER_PARTITION} || self.detectors.all(detector, !{_USES_ML_CATEGORY} || "
            "has(detector.partitionFieldName))"
        ),
        field="detectors",
    ),
    Rule(
        message=(
            "partitionFieldName cannot vary between detectors when per-partition categorization is enabled: "
            "use the same field in all of them"
        ),
        holds=_one_partition,
        cel=(
            f"!{_PER_PARTITION} || [self.detectors.filter(detector, has(detector.partitionFieldName))].all(split, "
            "split.all(detector, detector.partitionFieldName == split[0].partitionFieldName))"
        ),
        field="detectors",
    ),
    Rule(
        message=(
            "modelPruneWindow '{modelPruneWindow}' must be a whole multiple of bucketSpan and at least twice as long"
        ),
        holds=_prune_window_whole,
        cel=(
            f"!has(self.modelPruneWindow) || !({_COMPARABLE}) || "
            f"({_PRUNE_NANOS} % {_SPAN_NANOS} == 0 && {_PRUNE_NANOS} / {_SPAN_NANOS} >= 2)"
        ),
        field="modelPruneWindow",
    ),
    # Each name with each other: too costly for admission, which leaves it to the operator.
    Rule(
        message=(
            "two fields of detectors and influencers are nested in one another, such as a and a.b: the "
            "results index cannot hold both, use one of them"
        ),
        holds=_no_nested_names,
        field="detectors",
    ),
)


class AnalysisConfig(SpecModel):
    """What is analysed. Nearly all of it is fixed once the job exists."""

    RULES: ClassVar[tuple[Rule, ...]] = _ANALYSIS_RULES

    bucket_span: Annotated[str, Duration(minimum="1s", multiple="1s")] | None = Field(
        default=None, description="The interval that data is summed up in; the server's default is 5m."
    )
    detectors: list[Detector] = Field(min_length=1, max_length=1000, description="What to look for.")
    influencers: list[FieldName] | None = Field(
        default=None, max_length=1000, description="Fields whose values may have caused an anomaly."
    )
    categorization_field_name: FieldName | None = Field(
        default=None, description="The text field whose messages are put into categories (mlcategory)."
    )
    categorization_filters: list[Annotated[str, Field(min_length=1, max_length=1024)]] | None = Field(
        default=None,
        max_length=100,
        description="Regular expressions for text to leave out before categorization.",
    )
    categorization_analyzer: TextOrObject | None = Field(
        default=None,
        description="The analyzer for categorization: the name of a built-in one, or its definition.",
    )
    per_partition_categorization: PerPartitionCategorization | None = Field(
        default=None, description="Categories for each partition of their own."
    )
    latency: Annotated[str, Duration(multiple="1s")] | None = Field(
        default=None,
        description="How late data may be that is posted to the job; not for jobs with a datafeed.",
    )
    summary_count_field_name: FieldName | None = Field(
        default=None,
        description="The field with the number of raw documents, when the data is summarised already.",
    )
    multivariate_by_fields: Boolean | None = Field(
        default=None, description="Whether correlations between by fields are looked for (internal use)."
    )
    model_prune_window: Annotated[str, Duration(minimum="1s", multiple="1s")] | None = Field(
        default=None, description="How long a series may be silent before its model is dropped."
    )

    @property
    def per_partition(self) -> bool:
        """Whether each partition has categories of its own."""
        return self.per_partition_categorization is not None and bool(self.per_partition_categorization.enabled)

    @property
    def fields(self) -> frozenset[str]:
        """Every field of the data that the analysis uses, `mlcategory` included."""
        names = {self.categorization_field_name, self.summary_count_field_name, *(self.influencers or [])}
        for detector in self.detectors:
            names.update((detector.field_name, *detector.split_fields))
        return frozenset(name for name in names if name is not None)
