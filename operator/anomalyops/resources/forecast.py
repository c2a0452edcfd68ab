"""The AnomalyForecast resource: a forecast of a job that is asked for once, or at the times of a schedule."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field

from anomalyops.resources.base import Boolean, SpecModel, StatusModel, Timestamp
from anomalyops.resources.durations import Duration, cel_is_duration, cel_nanos, duration_nanos
from anomalyops.resources.identifiers import ObjectReference
from anomalyops.resources.memory_sizes import MEBIBYTE, MemoryLimit, parse_memory
from anomalyops.resources.policies import DeletionPolicy
from anomalyops.resources.resource import Resource
from anomalyops.resources.rules import Rule
from anomalyops.resources.schedule import Cron, Schedule, TimeZone
from anomalyops.resources.status import Placement, ResourceStatus
from anomalyops.resources.transitions import Transition

ONCE: Final = "once"
"""The occasion of a forecast without a schedule."""

_LONGEST: Final = "3650d"
_MOST_MEMORY: Final = 500 * MEBIBYTE


def _is_short_enough(spec: AnomalyForecastSpec) -> bool:
    return duration_nanos(spec.duration) <= duration_nanos(_LONGEST)


def _same(field: str) -> str:
    new, old = f"self.spec.{field}", f"oldSelf.spec.{field}"
    return f"(has({new}) == has({old}) && (!has({new}) || {new} == {old}))"


def _of_a_schedule(name: str, alias: str) -> Rule:
    def holds(spec: AnomalyForecastSpec) -> bool:
        return spec.schedule is not None or getattr(spec, name) is None

    return Rule(
        message=f"{alias} says something about a schedule alone: write schedule, or remove {alias}",
        holds=holds,
        cel=f"has(self.schedule) || !has(self.{alias})",
        field=alias,
    )


class AnomalyForecastSpec(SpecModel):
    """What is to be forecast, how far, and when."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            message=f"duration is too long: write {_LONGEST} or less",
            holds=_is_short_enough,
            cel=f"!{cel_is_duration('self.duration')} || {cel_nanos('self.duration')} <= {duration_nanos(_LONGEST)}",
            field="duration",
        ),
        # Sizes have several units, which would need a table of their own in CEL.
        Rule(
            message="maxModelMemory must be less than 500mb",
            holds=lambda spec: spec.max_model_memory is None or parse_memory(spec.max_model_memory) < _MOST_MEMORY,
            field="maxModelMemory",
        ),
        _of_a_schedule("time_zone", "timeZone"),
        _of_a_schedule("starting_deadline", "startingDeadline"),
    )

    job_ref: ObjectReference = Field(description="The AnomalyJob to forecast, in the same namespace.")
    duration: Annotated[str, Duration(minimum="1s")] = Field(
        default="1d", description="How far ahead, from the end of what is analysed: at least a bucket, at most 3650d."
    )
    expires_in: Annotated[str, Duration()] | None = Field(
        default=None, description="How long the server keeps it, 0 for ever; the server's default is 14d."
    )
    max_model_memory: MemoryLimit | None = Field(
        default=None,
        description="What the copied models may take of the server's memory, less than 500mb; its default is 20mb.",
    )
    schedule: Cron | None = Field(
        default=None,
        description="When a forecast is made, as cron writes it: `0 6 * * MON-FRI`. Without it, one is made, once.",
    )
    time_zone: TimeZone | None = Field(
        default=None, description="The time zone of the schedule, such as Europe/Berlin; by default UTC."
    )
    starting_deadline: Annotated[str, Duration(minimum="1s")] | None = Field(
        default=None,
        description=(
            "How late a scheduled forecast may begin; later it is left out. By default the latest one that was missed "
            "is made up for."
        ),
    )
    history_limit: Annotated[int, Field(strict=True, ge=1, le=50)] = Field(
        default=3, description="How many forecasts the status tells of."
    )
    open_closed_job: Boolean = Field(
        default=False,
        description=(
            "Whether a closed job is opened for the forecast, and closed again after it. Meanwhile nothing else of the "
            "job is changed."
        ),
    )
    suspend: Boolean = Field(
        default=False, description="While true, no forecast is begun. What was missed counts as late afterwards."
    )
    deletion_policy: Literal[DeletionPolicy.RETAIN, DeletionPolicy.DELETE] = Field(
        default=DeletionPolicy.RETAIN,
        description=(
            "What becomes of the forecasts when this resource is deleted. Retain: the server keeps them until they "
            "expire. Delete: they are deleted, and so is each that leaves the history."
        ),
    )

    @property
    def cron(self) -> Schedule | None:
        """The schedule; None for a forecast that is made once."""
        return None if self.schedule is None else Schedule(self.schedule, self.time_zone or "UTC")

    def server_body(self) -> dict[str, Any]:
        """The options of the forecast as the server takes them."""
        memory = None if self.max_model_memory is None else f"{parse_memory(self.max_model_memory) // MEBIBYTE}mb"
        options = {"duration": self.duration, "expires_in": self.expires_in, "max_model_memory": memory}
        return {name: value for name, value in options.items() if value is not None}


class ForecastRecord(StatusModel):
    """A forecast that was asked for, or an occasion that came to nothing."""

    occasion: str = Field(description="What it was made for: a time of the schedule, or `once`.")
    forecast_id: str | None = Field(default=None, description="Its id on the server; absent when none was made.")
    state: str = Field(
        description="scheduled, started, finished or failed; expired or gone when the server has it no more; missed."
    )
    progress: int | None = Field(default=None, description="How much of it is done, in whole percent.")
    created: Timestamp | None = Field(default=None, description="When the server began it.")
    start: Timestamp | None = Field(default=None, description="The first time that it foretells.")
    end: Timestamp | None = Field(default=None, description="The last time that it foretells.")
    expires: Timestamp | None = Field(default=None, description="When the server removes it; absent for never.")
    records: int | None = Field(default=None, description="Documents that it consists of.")
    messages: list[Annotated[str, Field(max_length=2048)]] | None = Field(
        default=None, max_length=20, description="What the server says about it, or why there is none."
    )


class ForecastOperation(StatusModel):
    """A forecast on its way, so that it is asked for once, whenever the operator is killed."""

    occasion: str = Field(description="What it is made for.")
    step: str = Field(description="Open, Ask, Await or Close.")
    since: Timestamp = Field(description="When the step began.")
    opened: bool = Field(default=False, description="Whether the job is opened for it and closed after it.")
    known_until: int | None = Field(
        default=None, description="When the newest forecast began that the job had before, in milliseconds since 1970."
    )
    duration: str = Field(description="How far ahead it is asked for.")
    forecast_id: str | None = Field(default=None, description="Its id, once the server gave it one.")


class AnomalyForecastStatus(ResourceStatus):
    """The state of an AnomalyForecast."""

    job_id: str | None = Field(default=None, description="The id of the job on the server.")
    forecast_id: str | None = Field(default=None, description="The id of the newest forecast on the server.")
    state: str | None = Field(default=None, description="The state of the newest forecast.")
    progress: int | None = Field(default=None, description="How much of it is done, in whole percent.")
    expires: Timestamp | None = Field(default=None, description="When the server removes it.")
    next_time: Timestamp | None = Field(default=None, description="When the schedule asks for the next one.")
    last_occasion: Timestamp | None = Field(default=None, description="The last time of the schedule that was seen to.")
    operation: ForecastOperation | None = Field(default=None, description="The forecast that is on its way.")
    history: list[ForecastRecord] | None = Field(
        default=None, max_length=64, description="The latest forecasts, the newest first."
    )
    placement: Placement | None = Field(default=None, description="The server that the forecasts are on.")


class AnomalyForecast(Resource):
    """A forecast of an AnomalyJob: made once, or at the times of a cron schedule."""

    KIND: ClassVar[str] = "AnomalyForecast"
    TRANSITIONS: ClassVar[tuple[Transition, ...]] = (
        Transition(
            field="spec.jobRef",
            message="spec.jobRef cannot change: create another AnomalyForecast for another job",
            cel="self.spec.jobRef.name == oldSelf.spec.jobRef.name",
        ),
        Transition(
            field="spec.schedule",
            message="spec.schedule can neither come nor go: create another AnomalyForecast",
            cel="has(self.spec.schedule) == has(oldSelf.spec.schedule)",
        ),
        Transition(
            field="spec",
            message=(
                "duration, expiresIn and maxModelMemory cannot change of a forecast that was asked for and is made "
                "once: create another AnomalyForecast"
            ),
            cel=(
                "has(self.spec.schedule) || !has(oldSelf.status) || "
                "!(has(oldSelf.status.operation) || has(oldSelf.status.history)) || "
                f"({_same('duration')} && {_same('expiresIn')} && {_same('maxModelMemory')})"
            ),
        ),
    )

    spec: AnomalyForecastSpec = Field(description="What is to be forecast, how far, and when.")
    status: AnomalyForecastStatus | None = Field(default=None, description="What the operator observed.")

    @property
    def server_id(self) -> str:
        """What it is on the server: the newest forecast's id; without one, the resource's name."""
        return (self.status.forecast_id if self.status is not None else None) or self.metadata.name
