"""Entities across jobs: who is seen by several, and what happened to one."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from anomalyops_insight.programs import Program
from anomalyops_insight.query import (
    AtLeast,
    By,
    Count,
    Distinct,
    Equals,
    Exists,
    Largest,
    Question,
    Smallest,
    Sort,
    Total,
    Values,
)
from anomalyops_insight.tools.records import of_entity
from anomalyops_insight.tools.registry import tool
from anomalyops_insight.tools.tool import RESULTS, Found, Over, Row, Texts, listed

_FIELD, _VALUE = "influencer_field_name", "influencer_field_value"


class MultiJobParameters(Over):
    """Parameters of `ad_rca_multi_job_entities`."""

    min_score: float = Field(default=25, ge=0, le=100, description="Least influencer_score.")
    min_job_count: int = Field(default=2, ge=1, le=10_000, description="Least number of jobs that name the entity.")
    limit: int = Field(default=50, ge=1, le=5000, description="Rows at most.")


class MultiJobEntity(Row):
    """An entity and the jobs that name it."""

    influencer_field_name: str
    influencer_field_value: str
    jobs: int
    job_ids: Texts
    anomalies: int
    max_score: float
    total_score: float
    first: datetime
    last: datetime


@tool(
    "ad_rca_multi_job_entities",
    category="Entities across jobs",
    when="To find prime suspects: entities that several jobs name; an entity of one job is usually a victim.",
    parameters=MultiJobParameters,
    row=MultiJobEntity,
    example={"start": "now-24h", "min_job_count": 2},
)
def multi_job_entities(parameters: MultiJobParameters) -> Program[Found[MultiJobEntity]]:
    """Entities by how many jobs name them."""
    question = Question(
        index=RESULTS,
        scope=parameters.results("influencer"),
        window=parameters.window(),
        thresholds=(AtLeast("influencer_score", parameters.min_score),),
        groups=(By(_FIELD, _FIELD), By(_VALUE, _VALUE)),
        measures=(
            Distinct("jobs", "job_id"),
            Values("job_ids", "job_id"),
            Count("anomalies"),
            Largest("max_score", "influencer_score"),
            Total("total_score", "influencer_score"),
            Smallest("first", "timestamp", "time"),
            Largest("last", "timestamp", "time"),
        ),
        having=(AtLeast("jobs", parameters.min_job_count),),
        sort=(
            Sort("jobs", descending=True),
            Sort("max_score", descending=True),
            Sort("first"),
            Sort(_FIELD),
            Sort(_VALUE),
        ),
        limit=parameters.limit,
    )
    return listed(question, MultiJobEntity)


class MatchParameters(Over):
    """Parameters of `ad_rca_cross_job_entity_match`."""

    entity_value: str = Field(description="The entity, such as a host or a service.")
    entity_field: str | None = Field(default=None, description="Only influencers of this field.")
    min_score: float = Field(default=25, ge=0, le=100, description="Least influencer_score.")
    limit: int = Field(default=100, ge=1, le=5000, description="Rows at most.")


class EntityMatch(Row):
    """One job that names the entity."""

    job_id: str
    influencer_field_name: str
    anomalies: int
    max_score: float
    first: datetime
    last: datetime


@tool(
    "ad_rca_cross_job_entity_match",
    category="Entities across jobs",
    when="To see in which jobs one entity appears, and where first.",
    parameters=MatchParameters,
    row=EntityMatch,
    example={"entity_value": "web-1", "start": "now-24h"},
)
def cross_job_entity_match(parameters: MatchParameters) -> Program[Found[EntityMatch]]:
    """Jobs that name an entity, in the order in which they did first."""
    scope = (*parameters.results("influencer"), Equals(_VALUE, parameters.entity_value))
    if parameters.entity_field is not None:
        scope += (Equals(_FIELD, parameters.entity_field),)
    question = Question(
        index=RESULTS,
        scope=scope,
        window=parameters.window(),
        thresholds=(AtLeast("influencer_score", parameters.min_score),),
        groups=(By("job_id", "job_id"), By(_FIELD, _FIELD)),
        measures=(
            Count("anomalies"),
            Largest("max_score", "influencer_score"),
            Smallest("first", "timestamp", "time"),
            Largest("last", "timestamp", "time"),
        ),
        sort=(Sort("first"), Sort("max_score", descending=True), Sort("job_id"), Sort(_FIELD)),
        limit=parameters.limit,
    )
    return listed(question, EntityMatch)


class ProfileParameters(Over):
    """Parameters of `ad_rca_entity_profile`."""

    entity_value: str = Field(description="A partition, by or over value.")
    min_score: float = Field(default=25, ge=0, le=100, description="Least record_score.")
    limit: int = Field(default=100, ge=1, le=5000, description="Rows at most.")


class EntityBehaviour(Row):
    """What one detector of one job saw of the entity."""

    job_id: str
    detector_index: int
    function: str | None
    field_name: str | None
    anomalies: int
    max_score: float
    max_multi_bucket_impact: float | None
    first: datetime
    last: datetime


@tool(
    "ad_rca_entity_profile",
    category="Entities across jobs",
    when="To see everything that was unusual about one entity: which metrics, how bad, since when, how sustained.",
    parameters=ProfileParameters,
    row=EntityBehaviour,
    example={"entity_value": "web-1", "start": "now-24h"},
)
def entity_profile(parameters: ProfileParameters) -> Program[Found[EntityBehaviour]]:
    """What detectors saw of an entity, in the order in which they did first."""
    question = Question(
        index=RESULTS,
        scope=parameters.results("record") + of_entity(parameters.entity_value),
        window=parameters.window(),
        thresholds=(AtLeast("record_score", parameters.min_score),),
        groups=(
            By("job_id", "job_id"),
            By("detector_index", "detector_index", "number"),
            By("function", "function"),
            By("field_name", "field_name"),
        ),
        measures=(
            Count("anomalies"),
            Largest("max_score", "record_score"),
            Largest("max_multi_bucket_impact", "multi_bucket_impact"),
            Smallest("first", "timestamp", "time"),
            Largest("last", "timestamp", "time"),
        ),
        sort=(Sort("first"), Sort("max_score", descending=True), Sort("job_id"), Sort("detector_index")),
        limit=parameters.limit,
    )
    return listed(question, EntityBehaviour)


class BlastParameters(Over):
    """Parameters of `ad_rca_blast_radius`."""

    min_score: float = Field(default=25, ge=0, le=100, description="Least influencer_score.")
    limit: int = Field(default=50, ge=1, le=5000, description="Rows at most.")


class BlastRadius(Row):
    """How far an incident reached in one dimension."""

    influencer_field_name: str
    entities: int
    jobs: int
    anomalies: int
    max_score: float
    first: datetime
    last: datetime
    examples: Texts


@tool(
    "ad_rca_blast_radius",
    category="Root cause",
    when="To see how far an incident reached: how many hosts, services, users and jobs.",
    parameters=BlastParameters,
    row=BlastRadius,
    example={"start": "now-24h"},
)
def blast_radius(parameters: BlastParameters) -> Program[Found[BlastRadius]]:
    """For each influencer field how many of its values were affected."""
    question = Question(
        index=RESULTS,
        scope=(*parameters.results("influencer"), Exists(_FIELD)),
        window=parameters.window(),
        thresholds=(AtLeast("influencer_score", parameters.min_score),),
        groups=(By(_FIELD, _FIELD),),
        measures=(
            Distinct("entities", _VALUE),
            Distinct("jobs", "job_id"),
            Count("anomalies"),
            Largest("max_score", "influencer_score"),
            Smallest("first", "timestamp", "time"),
            Largest("last", "timestamp", "time"),
            Values("examples", _VALUE, most=5),
        ),
        sort=(Sort("entities", descending=True), Sort("jobs", descending=True), Sort(_FIELD)),
        limit=parameters.limit,
    )
    return listed(question, BlastRadius)
