"""What results there are at all."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from anomalyops_insight.programs import Program
from anomalyops_insight.query import By, Count, Largest, OneOf, Question, Smallest, Sort, Values
from anomalyops_insight.tools.registry import tool
from anomalyops_insight.tools.tool import RESULTS, Found, Over, Row, Texts, listed


class MetadataParameters(Over):
    """Parameters of `ad_get_available_metadata`."""

    limit: int = Field(default=500, ge=1, le=10_000, description="Rows at most.")


class Metadata(Row):
    """What one job has results about."""

    job_id: str
    results: int
    first: datetime | None
    last: datetime | None
    max_record_score: float | None
    max_anomaly_score: float | None
    functions: Texts
    fields: Texts
    influencer_fields: Texts
    partition_fields: Texts
    by_fields: Texts
    over_fields: Texts


@tool(
    "ad_get_available_metadata",
    category="Permissions and metadata",
    when="First of all: which jobs have results, from when to when, and by which fields they name entities.",
    parameters=MetadataParameters,
    row=Metadata,
    example={"start": "now-7d"},
)
def get_available_metadata(parameters: MetadataParameters) -> Program[Found[Metadata]]:
    """Jobs with results, the worst first."""
    question = Question(
        index=RESULTS,
        scope=(OneOf("result_type", ("bucket", "record", "influencer")), *parameters.of_jobs()),
        window=parameters.window(),
        groups=(By("job_id", "job_id"),),
        measures=(
            Count("results"),
            Smallest("first", "timestamp", "time"),
            Largest("last", "timestamp", "time"),
            Largest("max_record_score", "record_score"),
            Largest("max_anomaly_score", "anomaly_score"),
            Values("functions", "function"),
            Values("fields", "field_name"),
            Values("influencer_fields", "influencer_field_name"),
            Values("partition_fields", "partition_field_name"),
            Values("by_fields", "by_field_name"),
            Values("over_fields", "over_field_name"),
        ),
        sort=(Sort("max_record_score", descending=True), Sort("job_id")),
        limit=parameters.limit,
    )
    return listed(question, Metadata)
