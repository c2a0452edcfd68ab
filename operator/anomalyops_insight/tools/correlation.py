"""What kind of anomalies there were, and in which order entities appeared."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from anomalyops_insight.programs import Program, ask
from anomalyops_insight.query import (
    AtLeast,
    Average,
    By,
    Count,
    Equals,
    Largest,
    Question,
    Smallest,
    Sort,
    Total,
)
from anomalyops_insight.tools.faults import absent, fault_of
from anomalyops_insight.tools.registry import tool
from anomalyops_insight.tools.tool import RESULTS, Found, Over, Row, listed, shaped

SUSTAINED = 3.0
"""A multi_bucket_impact from which on an anomaly is a sustained shift and not a spike."""


class FingerprintParameters(Over):
    """Parameters of `ad_rca_detector_fingerprint`."""

    min_score: float = Field(default=25, ge=0, le=100, description="Least record_score.")
    limit: int = Field(default=200, ge=1, le=5000, description="Rows at most.")


class Fingerprint(Row):
    """What one detector of one job reports, and the kind of fault that it points to."""

    job_id: str
    function: str | None
    field_name: str | None
    by_field_name: str | None
    anomalies: int
    max_score: float
    sustained: bool
    mean_actual: float | None
    mean_typical: float | None
    first: datetime
    last: datetime
    fault_class: str


@tool(
    "ad_rca_detector_fingerprint",
    category="Root cause",
    when="To tell from the detectors what kind of fault it is: resource, network, application, absence, security.",
    parameters=FingerprintParameters,
    row=Fingerprint,
    example={"start": "now-24h"},
)
def detector_fingerprint(parameters: FingerprintParameters) -> Program[Found[Fingerprint]]:
    """Detectors by their worst record, each with the kind of fault."""
    question = Question(
        index=RESULTS,
        scope=parameters.results("record"),
        window=parameters.window(),
        thresholds=(AtLeast("record_score", parameters.min_score),),
        groups=tuple(By(name, name) for name in ("job_id", "function", "field_name", "by_field_name")),
        measures=(
            Count("anomalies"),
            Largest("max_score", "record_score"),
            Largest("max_multi_bucket_impact", "multi_bucket_impact"),
            Average("mean_actual", "actual"),
            Average("mean_typical", "typical"),
            Smallest("first", "timestamp", "time"),
            Largest("last", "timestamp", "time"),
        ),
        sort=(
            Sort("max_score", descending=True),
            Sort("first"),
            Sort("job_id"),
            Sort("function"),
            Sort("field_name"),
            Sort("by_field_name"),
        ),
        limit=parameters.limit,
    )
    answer = yield from ask(question)
    rows = []
    for values in answer.rows:
        plain = dict(values)
        impact = plain.pop("max_multi_bucket_impact")
        fault = fault_of(
            plain["function"],
            plain["field_name"],
            plain["by_field_name"],
            job_id=plain["job_id"],
            is_absent=absent(plain["function"], plain["mean_actual"], plain["mean_typical"]),
        )
        rows.append(Fingerprint(**plain, sustained=impact is not None and impact >= SUSTAINED, fault_class=fault))
    return (yield from shaped(question, answer, tuple(rows)))


class CorrelationParameters(Over):
    """Parameters of `ad_rca_correlation`."""

    min_score: float = Field(default=25, ge=0, le=100, description="Least influencer_score.")
    entity_field: str | None = Field(default=None, description="Only entities of this influencer field.")
    limit: int = Field(default=500, ge=1, le=10_000, description="Rows at most.")


class Appearance(Row):
    """One entity in one job: since when, until when, how bad."""

    first: datetime
    last: datetime
    job_id: str
    influencer_field_name: str
    influencer_field_value: str
    anomalies: int
    max_score: float
    total_score: float


@tool(
    "ad_rca_correlation",
    category="Root cause",
    when="To order what happened: the entity that appears first is where it began.",
    parameters=CorrelationParameters,
    row=Appearance,
    example={"start": "now-24h"},
)
def correlation(parameters: CorrelationParameters) -> Program[Found[Appearance]]:
    """Entities in jobs, in the order of their first anomaly."""
    return listed(correlation_question(parameters), Appearance)


def correlation_question(parameters: CorrelationParameters) -> Question:
    """Which entities are asked for."""
    scope = parameters.results("influencer")
    if parameters.entity_field is not None:
        scope += (Equals("influencer_field_name", parameters.entity_field),)
    return Question(
        index=RESULTS,
        scope=scope,
        window=parameters.window(),
        thresholds=(AtLeast("influencer_score", parameters.min_score),),
        groups=tuple(By(name, name) for name in ("job_id", "influencer_field_name", "influencer_field_value")),
        measures=(
            Smallest("first", "timestamp", "time"),
            Largest("last", "timestamp", "time"),
            Count("anomalies"),
            Largest("max_score", "influencer_score"),
            Total("total_score", "influencer_score"),
        ),
        sort=(
            Sort("first"),
            Sort("max_score", descending=True),
            Sort("job_id"),
            Sort("influencer_field_name"),
            Sort("influencer_field_value"),
        ),
        limit=parameters.limit,
    )
