"""The order of steps: stop datafeed, close job, update job, update datafeed, open job, start datafeed.

Each step is left out where it is not needed: a description alone is one update, a query delay leaves the job
open. The server keeps all memory that is needed to go on after a kill; see `lookback` and `Marker.resume`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from anomalyops.plan.core.differences import described
from anomalyops.plan.core.fields import FieldClass
from anomalyops.plan.core.meaning import JsonObject
from anomalyops.plan.core.steps import Step
from anomalyops.plan.pair.changes import DatafeedChange, JobChange, nothing_processed, observed_id
from anomalyops.plan.pair.comparison import normal_datafeed
from anomalyops.plan.pair.lookback import LookbackRecord, Window
from anomalyops.plan.pair.lookback import RunState as Run
from anomalyops.plan.pair.marker import Marker, settings_with, without_mark
from anomalyops.plan.pair.run_state import RUNNING, JobTarget, Target
from anomalyops.plan.pair.steps import (
    CloseJob,
    CreateDatafeed,
    CreateJob,
    DeleteDatafeed,
    DeleteJob,
    OpenJob,
    ResetJob,
    StartDatafeed,
    StopDatafeed,
    UpdateDatafeed,
    UpdateJob,
)
from anomalyops.plan.pair.updates import datafeed_update_body, job_update_body, merged_settings
from anomalyops.plan.pair.values import (
    DatafeedState,
    DesiredDatafeed,
    DesiredJob,
    JobState,
    ObservedDatafeed,
    ObservedJob,
    Removal,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """Everything that the steps for an existing job follow from.

    Attributes:
        wanted_job: The manifest's job.
        wanted_feed: The manifest's datafeed, its removal, or None.
        job: The server's job.
        feed: The server's datafeed.
        stored: The marker on the server; None when there is none.
        marker: The marker as the owner would write it now, with what is known about runs.
        job_change: What happens to the job.
        feed_change: What happens to the datafeed.
        target: The run state to end in.
        interrupted_at: Where a bounded run stopped that may not have come to its end; None for others.
        came_to_its_end: Whether the bounded run was found to have come to its end now.
        marked: Whether markers can be written; False when the configuration is not known.
        taking_over: Whether the job is not the owner's yet: its mark is the last step then.
        run_state_only: Whether nothing else is to be brought about, so that nothing is taken over either.
    """

    wanted_job: DesiredJob
    wanted_feed: DesiredDatafeed | Removal | None
    job: ObservedJob
    feed: ObservedDatafeed | None
    stored: Marker | None
    marker: Marker
    job_change: JobChange
    feed_change: DatafeedChange
    target: Target
    interrupted_at: int | None = None
    came_to_its_end: bool = False
    marked: bool = True
    taking_over: bool = False
    run_state_only: bool = False

    # -- what is needed ------------------------------------------------------------------------------------------

    @property
    def failed(self) -> bool:
        """Whether the job failed: only force ends it then."""
        return self.job.state is JobState.FAILED

    @property
    def feed_active(self) -> bool:
        """Whether the server has a task for the datafeed."""
        return self.feed is not None and self.feed.state is not DatafeedState.STOPPED

    @property
    def feed_running(self) -> bool:
        """Whether the datafeed runs and nobody has stopped it yet."""
        return self.feed is not None and self.feed.state in RUNNING

    @property
    def feed_bounded(self) -> bool:
        """Whether the datafeed that the server runs has an end: stopping it closes the job."""
        if self.feed is None:
            return False
        running = self.feed.stats.get("running_state") or {}
        return self.record is not None or running.get("real_time_configured") is False

    @property
    def record(self) -> LookbackRecord | None:
        """The last bounded run."""
        return self.marker.lookback

    @property
    def close_reasons(self) -> list[str]:
        """Why the job must be closed, apart from what stopping its datafeed does; empty when it need not."""
        state, change = self.job.state, self.job_change
        if state is JobState.CLOSED:
            return []
        reasons = [reason for reason in (change.recreate, change.reset, self.feed_change.reset) if reason]
        if differences := change.needing(FieldClass.CLOSED_JOB):
            reasons.append(f"only a closed job takes {described(differences)}")
        if differences := change.needing(FieldClass.REOPEN):
            reasons.append(f"only a job that is opened again uses {described(differences)}")
        if self.failed:
            reasons.append(f"the job failed ({self.job.assignment_explanation or 'the server gives no reason'})")
        elif self.target.job is JobTarget.CLOSED:
            reasons.append(self.target.why)
        elif state is JobState.CLOSING and self.target.job is JobTarget.OPEN:
            reasons.append("it is closing and can only be opened again when that is over")
        return reasons

    @property
    def stop_reasons(self) -> list[str]:
        """Why the datafeed must be stopped; empty when it need not or is stopped already."""
        if not self.feed_active:
            return []
        reasons = self.close_reasons
        if self.feed_change.delete:
            reasons.append(self.feed_change.delete)
        elif self.feed_change.differences:
            reasons.append(f"only a stopped datafeed takes {described(self.feed_change.differences)}")
        if not reasons:
            reasons = self._run_reasons()
        return reasons

    def _run_reasons(self) -> list[str]:
        target, feed = self.target, self.feed
        if feed is None or target.ended:
            return []
        if not target.feed_runs:
            unmanaged = not self.feed_change.managed and target.job is not JobTarget.CLOSED
            return [] if unmanaged else [target.why]
        if not self.feed_running:
            return ["it is stopping and can only be started again when that is over"]
        if self.feed_change.managed and self.marked and not self._runs_over(target.window):
            return [f"it runs {_span(self.record.window if self.record else None)}, wanted is {_span(target.window)}"]
        return []

    def _runs_over(self, window: Window | None) -> bool:
        """Whether the running datafeed was started over this window."""
        if window is None or self.record is None:
            return window is None and self.record is None
        return self.record.window.same(window)

    @property
    def closes(self) -> list[str]:
        """Why the job is closed in this plan; empty when it is not."""
        reasons = self.close_reasons
        if not reasons and self.stop_reasons and self.feed_bounded and self.job.state is not JobState.CLOSED:
            reasons = ["the server closes the job of a bounded run that is stopped; wait until it has"]
        return reasons

    @property
    def opens(self) -> bool:
        """Whether the job is opened in this plan."""
        closed = self.job.state is JobState.CLOSED or bool(self.closes)
        return self.target.job is JobTarget.OPEN and closed

    @property
    def starts(self) -> bool:
        """Whether the datafeed is started in this plan."""
        return self.target.feed_runs and (not self.feed_active or bool(self.stop_reasons))

    # -- the marker on its way -----------------------------------------------------------------------------------

    @property
    def marker_before(self) -> Marker:
        """Before anything is stopped: what has to be started again is written down."""
        marker, record = self.marker, self.record
        stops = self.feed_running and bool(self.stop_reasons)
        forgets = bool(self.job_change.reset or self.job_change.recreate or self.feed_change.reset)
        interrupted = stops or self.failed or forgets
        if isinstance(self.wanted_feed, Removal) and self.feed_change.delete:
            return marker  # it will not be started again
        if interrupted and record is not None and record.state is not Run.PENDING:
            marker = replace(marker, lookback=LookbackRecord(window=record.window, state=Run.PENDING))
        if stops and self.feed is not None and self._unclear_when_stopped(self.feed):
            marker = replace(marker, resume=observed_id(self.feed))
        return marker

    def _unclear_when_stopped(self, feed: ObservedDatafeed) -> bool:
        """Whether nothing else would tell that the operator stopped the datafeed, and not it itself or a person."""
        if isinstance(self.wanted_feed, Removal) or self.feed_change.delete:
            return False
        known = self.stored is not None and self.stored.datafeed == observed_id(feed)
        if not self.feed_change.managed or not known:
            return True
        return (feed.config.get("max_empty_searches") or -1) > 0 and nothing_processed(self.job)

    @property
    def feed_taken_over(self) -> bool:
        """Whether a datafeed that exists becomes managed: it is noted when that is done, and no sooner."""
        if self.feed is None or self.feed_change.create or self.job_change.recreate or not self.feed_change.managed:
            return False
        return isinstance(self.wanted_feed, DesiredDatafeed) and self.marker.datafeed != self.wanted_feed.datafeed_id

    @property
    def marker_at_update(self) -> Marker:
        """With the update of the job: who manages what, and the run that is about to be started."""
        marker = (
            Marker(owner=self.marker.owner, since=self.marker.since, rest=self.marker.rest)
            if self.job_change.recreate
            else self.marker_before
        )
        wanted = self.wanted_feed
        if self.job_change.sent is not None:
            marker = replace(marker, sent=self.job_change.sent)
        if self.feed_change.sent is not None and not self.feed_taken_over:
            # What is to be taken back is remembered until it is: the datafeed is changed after this.
            replaced = self.job_change.recreate or self.feed_change.create
            known = frozenset() if replaced else self.marker.sent_feed or frozenset()
            marker = replace(marker, sent_feed=self.feed_change.sent | known)
        if isinstance(wanted, DesiredDatafeed) and self.feed_change.managed:
            marker = marker if self.feed_taken_over else replace(marker, datafeed=wanted.datafeed_id)
        elif isinstance(wanted, Removal) and not self.feed_change.managed and marker.datafeed == wanted.id:
            marker = replace(marker, datafeed="", lookback=None, resume="", sent_feed=None)
        record = self._record_at_update(marker)
        if self.came_to_its_end and record is not None:
            record = replace(record, state=Run.ENDED, since=None)
        return replace(marker, lookback=record, resume=self._resume_at_update(marker))

    def _record_at_update(self, marker: Marker) -> LookbackRecord | None:
        record, window = marker.lookback, self.target.window
        if self.starts:
            return None if window is None else _recorded(record, window, Run.PENDING)
        runs_on = self.feed_running and not self.stop_reasons and self.target.feed_runs
        if runs_on and window is not None:
            return _recorded(record, window, Run.STARTED)
        return record

    def _resume_at_update(self, marker: Marker) -> str:
        gone = self.feed is None or self.job_change.recreate or self.feed_change.delete
        if self.feed is None or gone or (self.feed_running and not self.stop_reasons):
            return ""
        revived = self.starts and not self.feed_active and self._unclear_when_stopped(self.feed)
        return observed_id(self.feed) if revived else marker.resume

    @property
    def marker_after(self) -> Marker:
        """When all is done."""
        marker = self.marker_at_update
        if isinstance(self.wanted_feed, Removal) and self.feed_change.delete:
            return replace(marker, datafeed="", lookback=None, resume="", sent_feed=None)
        if self.feed_change.sent is not None:
            marker = replace(marker, sent_feed=self.feed_change.sent)
        if self.feed_taken_over and isinstance(self.wanted_feed, DesiredDatafeed):
            marker = replace(marker, datafeed=self.wanted_feed.datafeed_id, resume="")
        if self.starts:
            record, window = marker.lookback, self.target.window
            started = None if window is None else _recorded(record, window, Run.STARTED)
            if started is not None and not (
                self.job_change.reset or self.job_change.recreate or self.feed_change.reset
            ):
                started = replace(started, since=self.interrupted_at)
            return replace(marker, lookback=started, resume="")
        return marker

    @property
    def held(self) -> Marker | None:
        """The marker on the server while a job is taken over: what was running, if something is stopped or started."""
        started = self.stored is not None and self.stored.adopting
        created = self.wanted_feed if self.feed_change.create else None
        if not (started or created or self.stop_reasons or self.closes or self.starts):
            return self.stored
        # A datafeed that is made on the way is the owner's from the beginning.
        datafeed = created.datafeed_id if isinstance(created, DesiredDatafeed) else self.marker.datafeed
        return replace(self.marker_at_update, adopting=True, datafeed=datafeed, sent=None, sent_feed=None)

    @property
    def marker_restored(self) -> Marker:
        """The mark of the job when it has to be brought back: what was running before is to run again."""
        if not self.taking_over:
            return self.marker_before
        return replace(self.marker_before, adopting=True, datafeed="", sent=None, sent_feed=None)

    # -- the steps -----------------------------------------------------------------------------------------------

    def steps(self) -> tuple[Step, ...]:
        """The steps, in order."""
        return (
            *self._note(
                self.stored if self.taking_over else self.marker,
                self.held if self.taking_over else self.marker_before,
                self.job.config.get("custom_settings"),
                "remember what runs before it is stopped",
            ),
            *self._stop(),
            *self._close(),
            *(self._recreated() if self.job_change.recreate else self._changed()),
            *self._run(),
            *self._last_note(),
        )

    def _last_note(self) -> Iterator[Step]:
        if not self.taking_over or self.job_change.recreate:
            yield from self._note(self.marker_at_update, self.marker_after, self._settings(), self._noted_after())
        elif not self.run_state_only:
            yield from self._note(self.held, self.marker_after, self._settings(), self._marking(self.held))

    def _noted_after(self) -> str:
        if isinstance(self.wanted_feed, Removal):
            return "forget the deleted datafeed"
        if self.marker_after.datafeed != self.marker_at_update.datafeed:
            return "note which datafeed is managed"
        if self.marker_after.sent_feed != self.marker_at_update.sent_feed:
            return "remember which fields the Datafeed gives"
        if self.target.window is None:
            return "remember that the datafeed runs again"
        return f"remember that the run {_span(self.target.window)} was started"

    def _note(self, old: Marker | None, new: Marker | None, settings: JsonObject | None, reason: str) -> Iterator[Step]:
        if self.marked and old != new:
            body = {"custom_settings": settings_with(settings, new)}
            yield UpdateJob(job_id=self.wanted_job.job_id, body=body, reason=reason)

    def _settings(self) -> dict[str, Any]:
        """`custom_settings` after the job's update, without the marker."""
        config = self.job.config
        if self.job_change.recreate:
            return without_mark((self.wanted_job.body or {}).get("custom_settings"))
        changed = [found for found in self.job_change.differences if found.key == "custom_settings"]
        return merged_settings((self.wanted_job.body or {}) if changed else {}, config, changed)

    def _stop(self) -> Iterator[Step]:
        reasons = self.stop_reasons
        if reasons and self.feed is not None:
            yield StopDatafeed(datafeed_id=observed_id(self.feed), reason=_joined(reasons), force=self.failed)

    def _close(self) -> Iterator[Step]:
        if reasons := self.closes:
            yield CloseJob(job_id=self.wanted_job.job_id, reason=_joined(reasons), force=self.failed)

    def _recreated(self) -> Iterator[Step]:
        why = self.job_change.recreate
        with_feed = "" if self.feed is None else f"; its datafeed {observed_id(self.feed)} goes with it"
        yield DeleteJob(job_id=self.wanted_job.job_id, reason=f"{why}{with_feed}")
        yield create_job(self.wanted_job, self.marker_at_update, why)
        if isinstance(self.wanted_feed, DesiredDatafeed):
            yield create_datafeed(self.wanted_job, self.wanted_feed, "the job was created anew")

    def _changed(self) -> Iterator[Step]:
        if reset := self.job_change.reset or self.feed_change.reset:
            yield ResetJob(job_id=self.wanted_job.job_id, reason=reset)
        yield from self._update_job()
        change, wanted = self.feed_change, self.wanted_feed
        if change.delete and self.feed is not None:
            yield DeleteDatafeed(datafeed_id=observed_id(self.feed), reason=change.delete)
        if not isinstance(wanted, DesiredDatafeed):
            return
        if change.create:
            yield create_datafeed(self.wanted_job, wanted, "the server has no such datafeed")
        elif change.differences:
            yield UpdateDatafeed(
                datafeed_id=wanted.datafeed_id,
                body=datafeed_update_body(wanted.body, self.feed.config if self.feed else {}, change.differences),
                reason=described(change.differences),
            )

    def _update_job(self) -> Iterator[Step]:
        differences = self.job_change.differences
        fields = [found for found in differences if found.key != "custom_settings"]
        body = job_update_body(self.wanted_job.body or {}, self.job.config, fields)
        reasons = [described(differences)] if differences else []
        on_server = self.marker_before if self.marker_before != self.marker else self.stored
        marks = self.marked and not self.taking_over and self.marker_at_update != on_server
        if marks:
            reasons.append(self._marking(on_server))
        if marks or len(fields) != len(differences):
            mark = self.held if self.taking_over else self.marker_at_update
            body["custom_settings"] = settings_with(self._settings(), mark)
        if body:
            yield UpdateJob(job_id=self.wanted_job.job_id, body=body, reason=_joined(reasons))

    def _marking(self, on_server: Marker | None) -> str:
        owner = self.marker.owner
        if on_server is None or on_server.owner != owner or on_server.retained or on_server.adopting:
            had = self.stored
            taken = had is not None and not had.retained and not had.belongs_to(owner)
            before = f", taken over from {had.owner}" if had is not None and taken else ""
            return f"mark it as managed by AnomalyJob {owner.namespace}/{owner.name}{before}"
        if on_server.old_form:
            return "write its mark in the present form"
        if on_server.datafeed != self.marker_at_update.datafeed:
            return "note which datafeed is managed"
        if (on_server.sent, on_server.sent_feed) != (self.marker_at_update.sent, self.marker_at_update.sent_feed):
            return "remember which fields the manifests give"
        if self.came_to_its_end:
            return "note that the run came to its end"
        return "note which run is wanted"

    def _run(self) -> Iterator[Step]:
        if self.opens:
            yield OpenJob(job_id=self.wanted_job.job_id, reason=self._open_reason())
        if self.starts:
            yield start_datafeed(self._feed_id(), self.target, resumed=bool(self.stop_reasons))

    def _feed_id(self) -> str:
        if self.feed_change.managed and isinstance(self.wanted_feed, DesiredDatafeed):
            return self.wanted_feed.datafeed_id
        if self.feed is None:
            raise ValueError(f"job {self.wanted_job.job_id} has no datafeed to start")
        return observed_id(self.feed)

    def _open_reason(self) -> str:
        return "it was closed for the change" if self.closes else "spec.state of the AnomalyJob is Opened"


def create_job(job: DesiredJob, marker: Marker, reason: str) -> CreateJob:
    """The creation of a job with its marker."""
    body = job.body or {}
    settings = settings_with(body.get("custom_settings"), marker)
    return CreateJob(job_id=job.job_id, body={**body, "custom_settings": settings}, reason=reason)


def create_datafeed(job: DesiredJob, datafeed: DesiredDatafeed, reason: str) -> CreateDatafeed:
    """The creation of a job's datafeed."""
    body = {**normal_datafeed(datafeed.body), "job_id": job.job_id}
    return CreateDatafeed(datafeed_id=datafeed.datafeed_id, body=body, reason=reason)


def start_datafeed(datafeed_id: str, target: Target, *, resumed: bool = False) -> StartDatafeed:
    """The start of a datafeed over the target's window, from its start where the job has processed nothing."""
    where = "goes on after the last record" if target.start is None and resumed else f"runs {_span(target.window)}"
    return StartDatafeed(
        datafeed_id=datafeed_id,
        start=target.start,
        end=None if target.window is None else target.window.end,
        reason=f"{target.why}; it {where}",
    )


def _recorded(record: LookbackRecord | None, window: Window, state: Run) -> LookbackRecord:
    """The record of a run; the stored one where it says the same, so that nothing is rewritten."""
    if record is not None and record.state is state and record.window.same(window):
        return record
    return LookbackRecord(window=window, state=state)


def _span(window: Window | None) -> str:
    if window is None:
        return "in real time"
    return f"from {window.start or 'the first document'} to {window.end}"


def _joined(reasons: Sequence[str]) -> str:
    return "; ".join(dict.fromkeys(reasons))
