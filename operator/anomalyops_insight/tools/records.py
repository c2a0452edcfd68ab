"""Records and influencers: what was unusual, and who had part in it."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from anomalyops_insight.programs import Program
from anomalyops_insight.query import AtLeast, Condition, Either, Equals, Question, Sort
from anomalyops_insight.tools.registry import tool
from anomalyops_insight.tools.tool import RESULTS, Found, Numbers, Over, Row, listed


class RecordParameters(Over):
    """Parameters of `ad_query_anomaly_records`."""

    min_score: float = Field(default=25, ge=0, le=100, description="Least record_score.")
    entity_value: str | None = Field(default=None, description="Only records of this partition, by or over value.")
    limit: int = Field(default=100, ge=1, le=5000, description="Rows at most.")


class Record(Row):
    """One anomaly record, with what its score is made of."""

    timestamp: datetime
    job_id: str
    record_score: float
    initial_record_score: float | None = None
    probability: float | None = None
    multi_bucket_impact: float | None = None
    function: str | None = None
    field_name: str | None = None
    partition_field_name: str | None = None
    partition_field_value: str | None = None
    by_field_name: str | None = None
    by_field_value: str | None = None
    over_field_name: str | None = None
    over_field_value: str | None = None
    actual: Numbers = ()
    typical: Numbers = ()
    detector_index: int = 0
    bucket_span: int | None = None
    is_interim: bool = False
    anomaly_type: str | None = Field(default=None, alias="anomaly_score_explanation.anomaly_type")
    anomaly_length: int | None = Field(default=None, alias="anomaly_score_explanation.anomaly_length")
    single_bucket_impact: int | None = Field(default=None, alias="anomaly_score_explanation.single_bucket_impact")
    multi_bucket_impact_factor: int | None = Field(default=None, alias="anomaly_score_explanation.multi_bucket_impact")
    anomaly_characteristics_impact: int | None = Field(
        default=None, alias="anomaly_score_explanation.anomaly_characteristics_impact"
    )
    lower_confidence_bound: float | None = Field(default=None, alias="anomaly_score_explanation.lower_confidence_bound")
    typical_value: float | None = Field(default=None, alias="anomaly_score_explanation.typical_value")
    upper_confidence_bound: float | None = Field(default=None, alias="anomaly_score_explanation.upper_confidence_bound")
    high_variance_penalty: bool | None = Field(default=None, alias="anomaly_score_explanation.high_variance_penalty")
    incomplete_bucket_penalty: bool | None = Field(
        default=None, alias="anomaly_score_explanation.incomplete_bucket_penalty"
    )


def of_entity(value: str | None) -> tuple[Condition, ...]:
    """Records in which a value splits the data; all records where none is given."""
    if value is None:
        return ()
    return (Either(tuple(Equals(f"{kind}_field_value", value) for kind in ("partition", "by", "over"))),)


@tool(
    "ad_query_anomaly_records",
    category="Records and influencers",
    when="To see the single anomalies, worst first: actual against typical, both scores and the factors of the score.",
    parameters=RecordParameters,
    row=Record,
    example={"job_id_pattern": "web-*", "start": "now-24h", "min_score": 50},
)
def query_anomaly_records(parameters: RecordParameters) -> Program[Found[Record]]:
    """The records of jobs, worst first."""
    return listed(record_question(parameters), Record)


def record_question(parameters: RecordParameters) -> Question:
    """Which records are asked for."""
    return Question(
        index=RESULTS,
        scope=parameters.results("record") + of_entity(parameters.entity_value),
        window=parameters.window(),
        thresholds=(AtLeast("record_score", parameters.min_score),),
        columns=Record.columns(),
        sort=(
            Sort("record_score", descending=True),
            Sort("timestamp"),
            Sort("job_id"),
            Sort("detector_index"),
            Sort("partition_field_value"),
            Sort("by_field_value"),
            Sort("over_field_value"),
        ),
        limit=parameters.limit,
    )


class InfluencerParameters(Over):
    """Parameters of `ad_query_influencers`."""

    min_score: float = Field(default=25, ge=0, le=100, description="Least influencer_score.")
    influencer_field: str | None = Field(default=None, description="Only influencers of this field.")
    influencer_value: str | None = Field(default=None, description="Only this value.")
    limit: int = Field(default=100, ge=1, le=5000, description="Rows at most.")


class Influencer(Row):
    """One entity in one bucket of one job."""

    timestamp: datetime
    job_id: str
    influencer_field_name: str
    influencer_field_value: str
    influencer_score: float
    initial_influencer_score: float | None = None
    probability: float | None = None
    bucket_span: int | None = None
    is_interim: bool = False


@tool(
    "ad_query_influencers",
    category="Records and influencers",
    when="To see which entities contributed to anomalous buckets, most first.",
    parameters=InfluencerParameters,
    row=Influencer,
    example={"job_id_pattern": "web-*", "start": "now-24h", "influencer_field": "host.name"},
)
def query_influencers(parameters: InfluencerParameters) -> Program[Found[Influencer]]:
    """The influencers of jobs, most influential first."""
    return listed(influencer_question(parameters), Influencer)


def influencer_question(parameters: InfluencerParameters) -> Question:
    """Which influencers are asked for."""
    scope = parameters.results("influencer")
    if parameters.influencer_field is not None:
        scope += (Equals("influencer_field_name", parameters.influencer_field),)
    if parameters.influencer_value is not None:
        scope += (Equals("influencer_field_value", parameters.influencer_value),)
    return Question(
        index=RESULTS,
        scope=scope,
        window=parameters.window(),
        thresholds=(AtLeast("influencer_score", parameters.min_score),),
        columns=Influencer.columns(),
        sort=(
            Sort("influencer_score", descending=True),
            Sort("timestamp"),
            Sort("job_id"),
            Sort("influencer_field_name"),
            Sort("influencer_field_value"),
        ),
        limit=parameters.limit,
    )
