"""When it was how bad, in which jobs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from pydantic import Field, field_validator

from anomalyops_insight.programs import Program
from anomalyops_insight.query import AtLeast, Average, By, ByTime, Count, Largest, Question, Sort
from anomalyops_insight.times import seconds_of
from anomalyops_insight.tools.registry import tool
from anomalyops_insight.tools.tool import RESULTS, Found, Over, Row, listed


class TimelineParameters(Over):
    """Parameters of `ad_query_anomaly_timeline`."""

    min_score: float = Field(default=25, ge=0, le=100, description="Least anomaly_score of a bucket.")
    interval: str = Field(default="1h", description="The length of one step: 90s, 15m, 1h, 1d.")
    limit: int = Field(default=1000, ge=1, le=10_000, description="Rows at most.")

    @field_validator("interval")
    @classmethod
    def _is_span(cls, value: str) -> str:
        seconds_of(value)
        return value


class Step(Row):
    """One job in one interval."""

    time: datetime
    job_id: str
    max_anomaly_score: float
    mean_anomaly_score: float
    buckets: int


@tool(
    "ad_query_anomaly_timeline",
    category="Timeline",
    when="First in an incident: when did which jobs see something unusual, and how bad was it.",
    parameters=TimelineParameters,
    row=Step,
    example={"start": "now-24h", "interval": "15m"},
)
def query_anomaly_timeline(parameters: TimelineParameters) -> Program[Found[Step]]:
    """Anomalous buckets by interval and job, in order of time."""
    return listed(timeline_question(parameters), Step)


def worst_steps(parameters: TimelineParameters) -> Program[Found[Step]]:
    """The same, but where there are too many rows, those that were worst."""
    question = timeline_question(parameters)
    worst = Sort("max_anomaly_score", descending=True)
    found = yield from listed(replace(question, sort=(worst, *(one for one in question.sort if one != worst))), Step)
    ordered = sorted(found.rows, key=lambda step: (step.time, -step.max_anomaly_score, step.job_id))
    return replace(found, rows=tuple(ordered))


def timeline_question(parameters: TimelineParameters) -> Question:
    """Which intervals are asked for."""
    return Question(
        index=RESULTS,
        scope=parameters.results("bucket"),
        window=parameters.window(),
        thresholds=(AtLeast("anomaly_score", parameters.min_score),),
        groups=(ByTime("time", "timestamp", seconds_of(parameters.interval)), By("job_id", "job_id")),
        measures=(
            Largest("max_anomaly_score", "anomaly_score"),
            Average("mean_anomaly_score", "anomaly_score"),
            Count("buckets"),
        ),
        sort=(Sort("time"), Sort("max_anomaly_score", descending=True), Sort("job_id")),
        limit=parameters.limit,
    )
