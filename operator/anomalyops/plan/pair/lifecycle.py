"""The order of steps: stop datafeed, close job, update job, update datafeed, open job, start datafeed.

Each step is left out where it is not needed: a description alone is one update, a query delay leaves the job
open. The server keeps all memory that is needed to go on after a kill; see `marks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from anomalyops.plan.core.differences import described
from anomalyops.plan.core.meaning import JsonObject
from anomalyops.plan.core.steps import Step
from anomalyops.plan.pair.changes import observed_id
from anomalyops.plan.pair.comparison import normal_datafeed
from anomalyops.plan.pair.course import Course, span
from anomalyops.plan.pair.marker import Marker, settings_with, without_mark
from anomalyops.plan.pair.marks import Marks, Stage
from anomalyops.plan.pair.run_state import Target
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
from anomalyops.plan.pair.values import DesiredDatafeed, DesiredJob


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The steps of a course, with its marks between them."""

    course: Course

    @property
    def marks(self) -> Marks:
        """The marks of the course."""
        return Marks(self.course)

    def steps(self) -> tuple[Step, ...]:
        """The steps, in order."""
        course, marks = self.course, self.marks
        return (
            *self._note(
                course.stored if course.taking_over else course.marker,
                marks.held if course.taking_over else marks.at(Stage.BEFORE),
                course.job.config.get("custom_settings"),
                "remember what runs before it is stopped",
            ),
            *self._stop(),
            *self._close(),
            *(self._recreated() if course.job_change.recreate else self._changed()),
            *self._run(),
            *course.retention.release,
            *self._last_note(),
            *course.retention.retain,
        )

    def _last_note(self) -> Iterator[Step]:
        course, marks = self.course, self.marks
        done = marks.at(Stage.DONE)
        if not course.taking_over or course.job_change.recreate:
            yield from self._note(marks.at(Stage.UPDATED), done, self._settings(), marks.why_done())
        elif not course.run_state_only:
            yield from self._note(marks.held, done, self._settings(), marks.why_updated(marks.held))

    def _note(self, old: Marker | None, new: Marker | None, settings: JsonObject | None, reason: str) -> Iterator[Step]:
        if self.course.marked and old != new:
            body = {"custom_settings": settings_with(settings, new)}
            yield UpdateJob(job_id=self.course.wanted_job.job_id, body=body, reason=reason)

    def _settings(self) -> dict[str, Any]:
        """`custom_settings` after the job's update, without the marker."""
        course = self.course
        if course.job_change.recreate:
            return without_mark((course.wanted_job.body or {}).get("custom_settings"))
        changed = [found for found in course.job_change.differences if found.key == "custom_settings"]
        return merged_settings((course.wanted_job.body or {}) if changed else {}, course.job.config, changed)

    def _stop(self) -> Iterator[Step]:
        course = self.course
        if (reasons := course.stop_reasons) and course.feed is not None:
            yield StopDatafeed(datafeed_id=observed_id(course.feed), reason=_joined(reasons), force=course.failed)

    def _close(self) -> Iterator[Step]:
        course = self.course
        if reasons := course.closes:
            yield CloseJob(job_id=course.wanted_job.job_id, reason=_joined(reasons), force=course.failed)

    def _recreated(self) -> Iterator[Step]:
        course, why = self.course, self.course.job_change.recreate
        job = course.wanted_job
        with_feed = "" if course.feed is None else f"; its datafeed {observed_id(course.feed)} goes with it"
        yield DeleteJob(job_id=job.job_id, reason=f"{why}{with_feed}")
        yield create_job(job, self.marks.at(Stage.UPDATED), why)
        if isinstance(course.wanted_feed, DesiredDatafeed):
            yield create_datafeed(job, course.wanted_feed, "the job was created anew")

    def _changed(self) -> Iterator[Step]:
        course = self.course
        if reset := course.job_change.reset or course.feed_change.reset:
            yield ResetJob(job_id=course.wanted_job.job_id, reason=reset)
        yield from self._update_job()
        change, wanted, feed = course.feed_change, course.wanted_feed, course.feed
        if change.delete and feed is not None:
            yield DeleteDatafeed(datafeed_id=observed_id(feed), reason=change.delete)
        if not isinstance(wanted, DesiredDatafeed):
            return
        if change.create:
            yield create_datafeed(course.wanted_job, wanted, "the server has no such datafeed")
        elif change.differences:
            yield UpdateDatafeed(
                datafeed_id=wanted.datafeed_id,
                body=datafeed_update_body(wanted.body, feed.config if feed else {}, change.differences),
                reason=described(change.differences),
            )

    def _update_job(self) -> Iterator[Step]:
        course, marks = self.course, self.marks
        differences = course.job_change.differences
        fields = [found for found in differences if found.key != "custom_settings"]
        body = job_update_body(course.wanted_job.body or {}, course.job.config, fields)
        reasons = [described(differences)] if differences else []
        before, updated = marks.at(Stage.BEFORE), marks.at(Stage.UPDATED)
        on_server = before if before != course.marker else course.stored
        written = course.marked and not course.taking_over and updated != on_server
        if written:
            reasons.append(marks.why_updated(on_server))
        if written or len(fields) != len(differences):
            body["custom_settings"] = settings_with(self._settings(), marks.held if course.taking_over else updated)
        if body:
            yield UpdateJob(job_id=course.wanted_job.job_id, body=body, reason=_joined(reasons))

    def _run(self) -> Iterator[Step]:
        course = self.course
        if course.opens:
            why = "it was closed for the change" if course.closes else "spec.state of the AnomalyJob is Opened"
            yield OpenJob(job_id=course.wanted_job.job_id, reason=why)
        if course.starts:
            yield start_datafeed(self._feed_id(), course.target, resumed=bool(course.stop_reasons))

    def _feed_id(self) -> str:
        course = self.course
        if course.feed_change.managed and isinstance(course.wanted_feed, DesiredDatafeed):
            return course.wanted_feed.datafeed_id
        if course.feed is None:
            raise ValueError(f"job {course.wanted_job.job_id} has no datafeed to start")
        return observed_id(course.feed)


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
    where = "goes on after the last record" if target.start is None and resumed else f"runs {span(target.window)}"
    return StartDatafeed(
        datafeed_id=datafeed_id,
        start=target.start,
        end=None if target.window is None else target.window.end,
        reason=f"{target.why}; it {where}",
    )


def _joined(reasons: Sequence[str]) -> str:
    return "; ".join(dict.fromkeys(reasons))
