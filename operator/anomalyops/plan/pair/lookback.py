"""Bounded runs: a datafeed with an end stops by itself, and stopped must then not look like drift.

A run is recorded in the job's marker: `pending` before it is started, `started` once it was. A run that has to
be interrupted is set back to `pending` before the datafeed is stopped. So a stopped datafeed whose window is
recorded as started came to its end, and every other one is to be started; a kill between any two steps
leaves a record that leads on. Starting once more does no harm: the server goes on after the last record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from anomalyops.plan.core import meaning
from anomalyops.plan.core.meaning import JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The time range of a bounded run, as the manifest writes it. `start=None` is the first document."""

    start: str | None
    end: str

    def same(self, other: Window) -> bool:
        """Whether both mean the same range, however the times are written."""
        return (meaning.moment(self.start), meaning.moment(self.end)) == (
            meaning.moment(other.start),
            meaning.moment(other.end),
        )


class RunState(StrEnum):
    """How far a recorded run is known to be."""

    PENDING = "pending"  # to be started, or interrupted
    STARTED = "started"  # it was started and runs, or ended by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class LookbackRecord:
    """What the marker says about the last bounded run."""

    window: Window
    state: RunState

    def started(self, window: Window | None) -> bool:
        """Whether a run over this window was started and not interrupted."""
        return window is not None and self.state is RunState.STARTED and self.window.same(window)

    def to_json(self) -> dict[str, JsonValue]:
        """The record as it is stored."""
        start = {} if self.window.start is None else {"start": self.window.start}
        return {**start, "end": self.window.end, "state": self.state.value}

    @classmethod
    def from_json(cls, value: JsonValue) -> LookbackRecord | None:
        """The stored record; None when there is none or it cannot be read (the run is then started again)."""
        if not isinstance(value, Mapping) or not value.get("end"):
            return None
        start = value.get("start")
        try:
            state = RunState(value.get("state", ""))
        except ValueError:
            state = RunState.PENDING
        window = Window(start=None if start is None else str(start), end=str(value["end"]))
        return cls(window=window, state=state)
