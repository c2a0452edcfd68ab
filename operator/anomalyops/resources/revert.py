"""The ModelSnapshotRevert resource: a job goes back to what it had learnt at a model snapshot, once."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from anomalyops.resources.base import Boolean, SpecModel, StatusModel, Timestamp
from anomalyops.resources.identifiers import ObjectReference, SnapshotId
from anomalyops.resources.policies import DeletionPolicy
from anomalyops.resources.resource import Resource
from anomalyops.resources.rules import Rule, exactly_one
from anomalyops.resources.status import Placement, ResourceStatus
from anomalyops.resources.times import PointInTime, parse_time
from anomalyops.resources.transitions import Transition


def _is_fixed(period: SkipPeriod) -> bool:
    return "now" not in {period.start, period.end}


class SkipPeriod(SpecModel):
    """A bad stretch of time, which is not to be learnt when it is analysed again."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            message="a period needs fixed times: write start and end as ISO 8601 or milliseconds since 1970, not now",
            holds=_is_fixed,
            cel="string(self.start) != 'now' && string(self.end) != 'now'",
            field="start",
        ),
        # Times have several forms, which CEL cannot compare.
        Rule(
            message="a period must end after it starts: correct start or end",
            holds=lambda period: not _is_fixed(period) or parse_time(period.start) < parse_time(period.end),
            field="end",
        ),
    )

    start: PointInTime = Field(description="When it begins.")
    end: PointInTime = Field(description="When it ends; this moment is not part of it.")
    description: Annotated[str, Field(min_length=1, max_length=1024)] | None = Field(
        default=None, description="What happened then; by default the name of this resource."
    )
    skip_result: Boolean = Field(default=True, description="Whether there are no anomalies in it.")
    skip_model_update: Boolean = Field(default=True, description="Whether the models learn nothing of it.")


class ModelSnapshotRevertSpec(SpecModel):
    """Which job goes back, and where to."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        exactly_one("snapshotId", "before"),
        Rule(
            message="before needs a fixed time: write ISO 8601 or milliseconds since 1970, not now",
            holds=lambda spec: spec.before != "now",
            cel="!has(self.before) || string(self.before) != 'now'",
            field="before",
        ),
        Rule(
            message=(
                "skipPeriod needs deleteInterveningResults: true: otherwise nothing is analysed again that could be "
                "skipped"
            ),
            holds=lambda spec: spec.skip_period is None or spec.delete_intervening_results,
            cel="!has(self.skipPeriod) || self.deleteInterveningResults",
            field="skipPeriod",
        ),
    )

    job_ref: ObjectReference = Field(description="The AnomalyJob that goes back, in the same namespace.")
    snapshot_id: SnapshotId | None = Field(
        default=None,
        description="The model snapshot to go back to, or `empty` for a model that has learnt nothing.",
    )
    before: PointInTime | None = Field(
        default=None, description="Go back to the newest snapshot that has learnt nothing from this time on."
    )
    delete_intervening_results: Boolean = Field(
        default=True,
        description=(
            "Whether the results since the snapshot are deleted and their time is analysed again. Otherwise the job "
            "goes on after the last data that it has seen, with the older model."
        ),
    )
    skip_period: SkipPeriod | None = Field(
        default=None, description="A bad period that is not to be learnt when it is analysed again: a calendar event."
    )
    deletion_policy: Literal[DeletionPolicy.RETAIN, DeletionPolicy.DELETE] = Field(
        default=DeletionPolicy.RETAIN,
        description=(
            "What becomes of the calendar of `skipPeriod` when this resource is deleted. What was reverted stays so."
        ),
    )


class RevertOperation(StatusModel):
    """A revert on its way, so that it is done once, whenever the operator is killed."""

    step: str = Field(description="Stop, Close, Skip, Revert, Open or Start.")
    since: Timestamp = Field(description="When the step began.")
    snapshot_id: str = Field(description="The snapshot.")
    snapshot_time: Timestamp | None = Field(default=None, description="The latest record that the snapshot has learnt.")
    reopen: bool = Field(default=False, description="Whether the job is opened afterwards.")
    restart: bool = Field(default=False, description="Whether the datafeed is started afterwards.")
    model_time: str | None = Field(default=None, description="The `log_time` of the model's size before the revert.")
    snapshot_before: str | None = Field(default=None, description="The job's snapshot before the revert.")
    failure: str | None = Field(default=None, description="Why it was given up; what ran before is brought back.")


class ModelSnapshotRevertStatus(ResourceStatus):
    """The state of a ModelSnapshotRevert."""

    job_id: str | None = Field(default=None, description="The id of the job on the server.")
    snapshot_id: str | None = Field(default=None, description="The snapshot that the job goes back to.")
    snapshot_time: Timestamp | None = Field(default=None, description="The latest record that the snapshot has learnt.")
    state: str | None = Field(default=None, description="Stopping, Reverting, Restoring, Reverted or Failed.")
    message: Annotated[str, Field(max_length=2048)] | None = Field(default=None, description="Why it failed.")
    calendar_id: str | None = Field(default=None, description="The calendar that has the skipped period.")
    completion_time: Timestamp | None = Field(default=None, description="When it was over.")
    operation: RevertOperation | None = Field(default=None, description="The revert while it is on its way.")
    placement: Placement | None = Field(default=None, description="The server of the job.")


class ModelSnapshotRevert(Resource):
    """One return of an AnomalyJob to what it had learnt at a model snapshot."""

    KIND: ClassVar[str] = "ModelSnapshotRevert"
    TRANSITIONS: ClassVar[tuple[Transition, ...]] = (
        Transition(
            field="spec.jobRef",
            message="spec.jobRef cannot change: create another ModelSnapshotRevert for another job",
            cel="self.spec.jobRef.name == oldSelf.spec.jobRef.name",
        ),
        Transition(
            field="spec",
            message="a revert that was begun cannot change: create another ModelSnapshotRevert",
            cel=(
                "!has(oldSelf.status) || !(has(oldSelf.status.operation) || has(oldSelf.status.completionTime)) || ("
                + " && ".join(
                    f"has(self.spec.{field}) == has(oldSelf.spec.{field}) && "
                    f"(!has(self.spec.{field}) || self.spec.{field} == oldSelf.spec.{field})"
                    for field in ("snapshotId", "before", "deleteInterveningResults", "skipPeriod")
                )
                + ")"
            ),
        ),
    )

    spec: ModelSnapshotRevertSpec = Field(description="Which job goes back, and where to.")
    status: ModelSnapshotRevertStatus | None = Field(default=None, description="What the operator observed.")

    @property
    def server_id(self) -> str:
        """What it is about on the server: the snapshot; before that is known, the resource's name."""
        return (self.status.snapshot_id if self.status is not None else None) or self.metadata.name

    def skipped_event(self) -> dict[str, Any] | None:
        """The calendar event for the skipped period, as the server takes it; None for none."""
        period = self.spec.skip_period
        if period is None:
            return None
        return {
            "description": period.description or self.metadata.name,
            "start_time": parse_time(period.start),
            "end_time": parse_time(period.end),
            "skip_result": period.skip_result,
            "skip_model_update": period.skip_model_update,
        }
