"""The model snapshots that an AnomalyJob retains: what they had learnt is there to go back to, however long ago."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Final

from pydantic import Field, JsonValue

from anomalyops.resources.base import SpecModel, StatusModel, Timestamp
from anomalyops.resources.identifiers import EMPTY_SNAPSHOT, SnapshotId
from anomalyops.resources.rules import Rule, exactly_one
from anomalyops.resources.times import PointInTime, parse_time

MOST_RETAINED: Final = 32
NAMED_TWICE: Final = "names a snapshot or a time twice: write each once"
DIFFERENT_RULE: Final[dict[str, JsonValue]] = {
    "rule": (
        "self.all(one, !has(one.snapshotId) || "
        "self.exists_one(other, has(other.snapshotId) && other.snapshotId == one.snapshotId))"
    ),
    "message": f"retainedSnapshots {NAMED_TWICE}",
}
"""Times have several forms, which CEL cannot compare; the operator does."""


class RetainedSnapshot(SpecModel):
    """One model snapshot that the server is not to delete while the job is there."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        exactly_one("snapshotId", "before"),
        Rule(
            message="empty is no snapshot that could be retained: write the id of one, or before",
            holds=lambda one: one.snapshot_id != EMPTY_SNAPSHOT,
            cel=f"!has(self.snapshotId) || self.snapshotId != '{EMPTY_SNAPSHOT}'",
            field="snapshotId",
        ),
        Rule(
            message="before needs a fixed time: write ISO 8601 or milliseconds since 1970, not now",
            holds=lambda one: one.before != "now",
            cel="!has(self.before) || string(self.before) != 'now'",
            field="before",
        ),
    )

    snapshot_id: SnapshotId | None = Field(default=None, description="The id of the model snapshot.")
    before: PointInTime | None = Field(
        default=None,
        description=(
            "The newest snapshot that has learnt nothing from this time on; while the job has not come that far, the "
            "newest that there is."
        ),
    )
    description: Annotated[str, Field(min_length=1, max_length=1024)] | None = Field(
        default=None, description="What the snapshot is called on the server; absent: as it is."
    )

    @property
    def before_ms(self) -> int | None:
        """`before` in milliseconds since 1970."""
        return None if self.before is None else parse_time(self.before)


class RetainedSnapshotStatus(StatusModel):
    """A model snapshot that is retained."""

    snapshot_id: str = Field(description="Its id.")
    snapshot_time: Timestamp | None = Field(default=None, description="The latest record that it has learnt.")


def are_different(retained: Sequence[RetainedSnapshot]) -> bool:
    """Whether no snapshot is named twice, and no time is."""
    ids = [one.snapshot_id for one in retained if one.snapshot_id is not None]
    times = [one.before_ms for one in retained if one.before is not None]
    return len(set(ids)) == len(ids) and len(set(times)) == len(times)
