"""How scores moved after they were given: renormalisation."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from anomalyops_insight.programs import Program
from anomalyops_insight.query import AtLeast, Gap, Question, Sort
from anomalyops_insight.tools.registry import tool
from anomalyops_insight.tools.tool import RESULTS, Found, Over, Row, listed


class ReassessmentParameters(Over):
    """Parameters of `ad_rca_score_reassessment`."""

    min_score: float = Field(default=25, ge=0, le=100, description="Least initial_record_score.")
    min_drift: float = Field(default=0, ge=-100, le=100, description="Least score_drift.")
    limit: int = Field(default=100, ge=1, le=5000, description="Rows at most.")


class Reassessment(Row):
    """A record whose score has moved; `score_drift` is how much it was lowered."""

    timestamp: datetime
    job_id: str
    detector_index: int
    function: str | None
    partition_field_value: str | None
    by_field_value: str | None
    over_field_value: str | None
    initial_record_score: float
    record_score: float
    score_drift: float


@tool(
    "ad_rca_score_reassessment",
    category="Root cause",
    when="To see which scores renormalisation has lowered since they were given: initial_record_score - record_score.",
    parameters=ReassessmentParameters,
    row=Reassessment,
    example={"job_id_pattern": "web-rate", "min_drift": 10},
)
def score_reassessment(parameters: ReassessmentParameters) -> Program[Found[Reassessment]]:
    """Records by how much their score was lowered."""
    columns = tuple(column for column in Reassessment.columns() if column.name != "score_drift")
    question = Question(
        index=RESULTS,
        scope=parameters.results("record"),
        window=parameters.window(),
        thresholds=(AtLeast("initial_record_score", parameters.min_score),),
        columns=(*columns, Gap("score_drift", "initial_record_score", "record_score")),
        having=(AtLeast("score_drift", parameters.min_drift),),
        sort=(
            Sort("score_drift", descending=True),
            Sort("initial_record_score", descending=True),
            Sort("timestamp"),
            Sort("job_id"),
            Sort("detector_index"),
            Sort("partition_field_value"),
            Sort("by_field_value"),
            Sort("over_field_value"),
        ),
        limit=parameters.limit,
    )
    return listed(question, Reassessment)
