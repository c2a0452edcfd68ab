"""Bounded runs: a datafeed with an end stops by itself, and stopped must then not look like drift.

A run is recorded in the job's marker: `pending` before it is started, `started` once it was. A run that has to
be interrupted is set back to `pending` before the datafeed is stopped; a kill between any two steps leaves a record
that leads on. That a started run is stopped does not say that it came to its end: somebody may have stopped it.
The server's own message says so, and it is recorded then: `ended`. Where there are no messages to read, a record of
the last bucket before the end says so, or that a run which was started once more found nothing more. Starting once
more does no harm: the server goes on after the last record.
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
    STARTED = "started"  # it was started: it runs, came to its end, or was stopped by somebody
    ENDED = "ended"  # it was found to have come to its end


@dataclass(frozen=True, slots=True, kw_only=True)
class LookbackRecord:
    """What the marker says about the last bounded run."""

    window: Window
    state: RunState
    since: int | None = None  # a run that was started once more: the latest record then, 0 for none, ms since 1970

    def started(self, window: Window | None) -> bool:
        """Whether a run over this window was started and not interrupted by the operator."""
        return window is not None and self.state is not RunState.PENDING and self.window.same(window)

    def to_json(self) -> dict[str, JsonValue]:
        """The record as it is stored."""
        start = {} if self.window.start is None else {"start": self.window.start}
        since = {} if self.since is None else {"since": str(self.since)}
        return {**start, "end": self.window.end, "state": self.state.value, **since}

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
        since = str(value.get("since", ""))
        return cls(window=window, state=state, since=int(since) if since.isdecimal() else None)
