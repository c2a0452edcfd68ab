"""What a plan has to do about an existing job and its datafeed, and why: what is stopped, closed, opened, started."""

from __future__ import annotations

from dataclasses import dataclass

from anomalyops.plan.core.differences import described
from anomalyops.plan.core.fields import FieldClass
from anomalyops.plan.core.removals import Removal
from anomalyops.plan.pair.changes import DatafeedChange, JobChange, nothing_processed, observed_id
from anomalyops.plan.pair.lookback import LookbackRecord, RunState, Window
from anomalyops.plan.pair.marker import Marker
from anomalyops.plan.pair.retention import Retention
from anomalyops.plan.pair.run_state import RUNNING, JobTarget, Target
from anomalyops.plan.pair.values import (
    DatafeedState,
    DesiredDatafeed,
    DesiredJob,
    JobState,
    ObservedDatafeed,
    ObservedJob,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
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
        runs_on: Whether a running datafeed stays as it is, though another window is wanted.
        retention: What becomes of its model snapshots.
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
    runs_on: bool = False
    retention: Retention = Retention()  # noqa: RUF009 - a frozen value

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
        if feed is None or target.ended or self.runs_on:
            return []
        if not target.feed_runs:
            unmanaged = not self.feed_change.managed and target.job is not JobTarget.CLOSED
            return [] if unmanaged else [target.why]
        if not self.feed_running:
            return ["it is stopping and can only be started again when that is over"]
        if self.feed_change.managed and self.marked and not self._runs_over(target.window):
            return [f"it runs {span(self.record.window if self.record else None)}, wanted is {span(target.window)}"]
        return []

    def _runs_over(self, window: Window | None) -> bool:
        """Whether the running datafeed was started over this window."""
        if window is None or self.record is None:
            return window is None and self.record is None
        if self.stored is not None and self.stored.adopting and self.record.state is RunState.PENDING:
            # A take-over that was cut off before its last mark: what runs may still be what somebody else began.
            return False
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

    @property
    def unclear_when_stopped(self) -> bool:
        """Whether nothing else would tell that the operator stopped the datafeed, and not it itself or a person."""
        feed = self.feed
        if feed is None or isinstance(self.wanted_feed, Removal) or self.feed_change.delete:
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


def span(window: Window | None) -> str:
    """A window in words."""
    if window is None:
        return "in real time"
    return f"from {window.start or 'the first document'} to {window.end}"
