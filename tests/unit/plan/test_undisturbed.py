"""Laws of maintenance windows: outside of one a running datafeed goes on, and what waits is done in one."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, assume, given, settings
from test_laws import Scene, end_of, run, scenes, settle

from anomalyops.plan import (
    CloseJob,
    DatafeedState,
    DeleteDatafeed,
    DeleteJob,
    DesiredDatafeed,
    DesiredJob,
    JobState,
    ResetJob,
    StopDatafeed,
    compare_job,
)
from anomalyops.plan.core.fields import FieldClass
from anomalyops.resources import Reason

UNTIL = "which opens at 2026-11-28 02:00 UTC"
DISTURBING = (StopDatafeed, CloseJob, DeleteJob, ResetJob, DeleteDatafeed)
RUNNING = (DatafeedState.STARTED, DatafeedState.STARTING)


# Scenes in which a datafeed runs and may run on are one in eight.
few = settings(suppress_health_check=[HealthCheck.filter_too_much])


def shut(scene: Scene) -> Scene:
    return replace(scene, policy=replace(scene.policy, undisturbed=UNTIL))


def asked_to_stop(scene: Scene) -> bool:
    feed = scene.desired.datafeed
    return (
        scene.policy.suspend_job
        or scene.policy.suspend_datafeed
        or not isinstance(scene.desired.job, DesiredJob)
        or not scene.desired.job.opened
        or (isinstance(feed, DesiredDatafeed) and not feed.started)
    )


@few
@given(scenes())
def test_outside_of_a_window_a_running_datafeed_goes_on(scene):
    server = scene.server.copy()
    assume(server.feed_state in RUNNING and server.job_state is JobState.OPENED and not asked_to_stop(scene))
    made = shut(scene).plan(server)
    assert not [step for step in made.steps if isinstance(step, DISTURBING)]
    run(server, made.steps)
    assert server.feed_state in RUNNING
    assert shut(scene).plan(server).describe() == [], "what waits is no step"
    would_stop = any(isinstance(step, DISTURBING) for step in scene.plan().steps)
    waits = [found for found in made.obstacles if found.reason is Reason.WAITING_FOR_WINDOW]
    assert would_stop == bool(waits)
    assert all(found.waiting and UNTIL in found.message for found in waits)


@few
@given(scenes())
def test_what_needs_no_stop_is_done_at_once(scene):
    assume(isinstance(scene.desired.job, DesiredJob) and scene.server.job is not None)
    whole = scene.plan()
    assume(not any(isinstance(step, DeleteJob) for step in whole.steps) and not whole.stalled)
    server = scene.server.copy()
    made = shut(scene).plan(server)
    assume(not any(found.subject == "job" and "aken over" in found.message for found in made.obstacles))
    run(server, made.steps)
    left = compare_job(scene.desired.job.body, server.job)
    taken_over = scene.server.job["custom_settings"] == server.job["custom_settings"] and not made.steps
    assert taken_over or not [found for found in left if found.field_class is FieldClass.LIVE]


@given(scenes())
def test_when_a_window_opens_the_end_is_that_of_no_window(scene):
    directly, later = scene.server.copy(), scene.server.copy()
    settle(shut(scene), later)
    settle(scene, later)
    settle(scene, directly)
    assert end_of(later, same_past=False) == end_of(directly, same_past=False)


@given(scenes())
def test_without_a_running_datafeed_a_window_changes_nothing(scene):
    assume(scene.server.feed_state not in RUNNING or scene.server.job_state is not JobState.OPENED)
    assert shut(scene).plan().describe() == scene.plan().describe()
