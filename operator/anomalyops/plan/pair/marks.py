"""The mark of a job on its way through a plan: each stage is made from the one before it.

A plan may be cut off after any step. What the next one has to know by then is in the mark already: what is to be
started again before anything is stopped, who manages what with the job's update, and what was started at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from anomalyops.plan.core.removals import Removal
from anomalyops.plan.pair.changes import observed_id
from anomalyops.plan.pair.course import Course, span
from anomalyops.plan.pair.lookback import LookbackRecord, Window
from anomalyops.plan.pair.lookback import RunState as Run
from anomalyops.plan.pair.marker import Marker
from anomalyops.plan.pair.values import DesiredDatafeed


class Stage(Enum):
    """How far a plan has come."""

    BEFORE = "before anything is stopped"
    UPDATED = "with the update of the job"
    DONE = "when all is done"


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of one plan, by its stages."""

    course: Course

    def at(self, stage: Stage) -> Marker:
        """The mark that is written at a stage."""
        marker = self._before(self.course.marker)
        if stage is Stage.BEFORE:
            return marker
        marker = self._updated(marker)
        return marker if stage is Stage.UPDATED else self._done(marker)

    @property
    def held(self) -> Marker | None:
        """The mark on the server while a job is taken over: what was running, if something is stopped or started."""
        course = self.course
        started = course.stored is not None and course.stored.adopting
        created = course.wanted_feed if course.feed_change.create else None
        if not (started or created or course.stop_reasons or course.closes or course.starts):
            return course.stored
        # A datafeed that is made on the way is the owner's from the beginning.
        datafeed = created.datafeed_id if isinstance(created, DesiredDatafeed) else course.marker.datafeed
        return replace(self.at(Stage.UPDATED), adopting=True, datafeed=datafeed, sent=None, sent_feed=None)

    @property
    def restored(self) -> Marker:
        """The mark of the job when it has to be brought back: what was running before is to run again."""
        before = self.at(Stage.BEFORE)
        if not self.course.taking_over:
            return before
        return replace(before, adopting=True, datafeed="", sent=None, sent_feed=None)

    # -- from stage to stage -------------------------------------------------------------------------------------

    def _before(self, marker: Marker) -> Marker:
        """What has to be started again is written down."""
        course, record = self.course, marker.lookback
        stops = course.feed_running and bool(course.stop_reasons)
        forgets = bool(course.job_change.reset or course.job_change.recreate or course.feed_change.reset)
        if isinstance(course.wanted_feed, Removal) and course.feed_change.delete:
            return marker  # it will not be started again
        if (stops or course.failed or forgets) and record is not None and record.state is not Run.PENDING:
            marker = replace(marker, lookback=LookbackRecord(window=record.window, state=Run.PENDING))
        if stops and course.feed is not None and course.unclear_when_stopped:
            marker = replace(marker, resume=observed_id(course.feed))
        return marker

    def _updated(self, marker: Marker) -> Marker:
        """Who manages what, and the run that is about to be started."""
        course = self.course
        wanted, change, feed_change = course.wanted_feed, course.job_change, course.feed_change
        if change.recreate:
            marker = Marker(owner=course.marker.owner, since=course.marker.since, rest=course.marker.rest)
        if change.sent is not None:
            marker = replace(marker, sent=change.sent)
        if feed_change.sent is not None and not course.feed_taken_over:
            # What is to be taken back is remembered until it is: the datafeed is changed after this.
            replaced = change.recreate or feed_change.create
            known = frozenset() if replaced else marker.sent_feed or frozenset()
            marker = replace(marker, sent_feed=feed_change.sent | known)
        if isinstance(wanted, DesiredDatafeed) and feed_change.managed:
            marker = marker if course.feed_taken_over else replace(marker, datafeed=wanted.datafeed_id)
        elif isinstance(wanted, Removal) and not feed_change.managed and marker.datafeed == wanted.id:
            marker = _without_datafeed(marker)
        if course.retention.noted is not None:
            marker = replace(marker, snapshots=course.retention.noted)
        record = self._record_at_update(marker)
        if course.came_to_its_end and record is not None:
            record = replace(record, state=Run.ENDED, since=None)
        return replace(marker, lookback=record, resume=self._resume_at_update(marker))

    def _record_at_update(self, marker: Marker) -> LookbackRecord | None:
        course, record, window = self.course, marker.lookback, self.course.target.window
        if course.starts:
            return None if window is None else _recorded(record, window, Run.PENDING)
        runs_on = course.feed_running and not course.stop_reasons and course.target.feed_runs
        if runs_on and window is not None:
            return _recorded(record, window, Run.STARTED)
        return record

    def _resume_at_update(self, marker: Marker) -> str:
        course = self.course
        gone = course.feed is None or course.job_change.recreate or course.feed_change.delete
        if course.feed is None or gone or (course.feed_running and not course.stop_reasons):
            return ""
        revived = course.starts and not course.feed_active and course.unclear_when_stopped
        return observed_id(course.feed) if revived else marker.resume

    def _done(self, marker: Marker) -> Marker:
        """What is managed and what was started."""
        course = self.course
        if course.retention.kept is not None:
            marker = replace(marker, snapshots=course.retention.kept)
        if isinstance(course.wanted_feed, Removal) and course.feed_change.delete:
            return _without_datafeed(marker)
        if course.feed_change.sent is not None:
            marker = replace(marker, sent_feed=course.feed_change.sent)
        if course.feed_taken_over and isinstance(course.wanted_feed, DesiredDatafeed):
            marker = replace(marker, datafeed=course.wanted_feed.datafeed_id, resume="")
        if not course.starts:
            return marker
        window = course.target.window
        started = None if window is None else _recorded(marker.lookback, window, Run.STARTED)
        anew = course.job_change.reset or course.job_change.recreate or course.feed_change.reset
        if started is not None and not anew:
            started = replace(started, since=course.interrupted_at)
        return replace(marker, lookback=started, resume="")

    # -- in words ------------------------------------------------------------------------------------------------

    def why_updated(self, on_server: Marker | None) -> str:
        """Why the mark is written with the update of the job; `on_server` is the one that is there."""
        course, updated = self.course, self.at(Stage.UPDATED)
        owner = course.marker.owner
        if on_server is None or on_server.owner != owner or on_server.retained or on_server.adopting:
            had = course.stored
            taken = had is not None and not had.retained and not had.belongs_to(owner)
            before = f", taken over from {had.owner}" if had is not None and taken else ""
            return f"mark it as managed by AnomalyJob {owner.namespace}/{owner.name}{before}"
        if on_server.old_form:
            return "write its mark in the present form"
        if on_server.datafeed != updated.datafeed:
            return "note which datafeed is managed"
        if (on_server.sent, on_server.sent_feed) != (updated.sent, updated.sent_feed):
            return "remember which fields the manifests give"
        if on_server.snapshots != updated.snapshots:
            return "note which model snapshots are retained"
        if course.came_to_its_end:
            return "note that the run came to its end"
        return "note which run is wanted"

    def why_done(self) -> str:
        """Why the mark is written when all is done."""
        course, updated, done = self.course, self.at(Stage.UPDATED), self.at(Stage.DONE)
        if isinstance(course.wanted_feed, Removal):
            return "forget the deleted datafeed"
        if done.datafeed != updated.datafeed:
            return "note which datafeed is managed"
        if done.sent_feed != updated.sent_feed:
            return "remember which fields the Datafeed gives"
        if not course.starts:
            return "note which model snapshots are retained"
        if course.target.window is None:
            return "remember that the datafeed runs again"
        return f"remember that the run {span(course.target.window)} was started"


def _without_datafeed(marker: Marker) -> Marker:
    return replace(marker, datafeed="", lookback=None, resume="", sent_feed=None)


def _recorded(record: LookbackRecord | None, window: Window, state: Run) -> LookbackRecord:
    """The record of a run; the stored one where it says the same, so that nothing is rewritten."""
    if record is not None and record.state is state and record.window.same(window):
        return record
    return LookbackRecord(window=window, state=state)
