"""The analysis of a job: buckets, detectors, influencers, categorization."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from anomalyops.resources.base import SpecModel
from anomalyops.resources.detectors import Detector
from anomalyops.resources.durations import Duration
from anomalyops.resources.identifiers import FieldName
from anomalyops.resources.rules import Rule


class PerPartitionCategorization(SpecModel):
    """Categories for each partition of their own."""

    enabled: bool | None = Field(default=None, description="Whether each partition has its own categories.")
    stop_on_warn: bool | None = Field(
        default=None, description="Whether categorization stops for a partition whose status turns to warn."
    )


class AnalysisConfig(SpecModel):
    """What is analysed. Nearly all of it is fixed once the job exists."""

    RULES: ClassVar[tuple[Rule, ...]] = ()

    bucket_span: Annotated[str, Duration(minimum="1s", multiple="1s")] | None = Field(
        default=None, description="The interval that data is summed up in; the server's default is 5m."
    )
    detectors: list[Detector] = Field(min_length=1, max_length=100, description="What to look for.")
    influencers: list[FieldName] | None = Field(
        default=None, max_length=100, description="Fields whose values may have caused an anomaly."
    )
    categorization_field_name: FieldName | None = Field(
        default=None, description="The text field whose messages are put into categories (mlcategory)."
    )
    categorization_filters: list[Annotated[str, Field(min_length=1, max_length=1024)]] | None = Field(
        default=None,
        max_length=100,
        description="Regular expressions for text to leave out before categorization.",
    )
    categorization_analyzer: str | dict[str, Any] | None = Field(
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
    multivariate_by_fields: bool | None = Field(
        default=None, description="Whether correlations between by fields are looked for (internal use)."
    )
    model_prune_window: Annotated[str, Duration(minimum="1s", multiple="1s")] | None = Field(
        default=None, description="How long a series may be silent before its model is dropped."
    )
