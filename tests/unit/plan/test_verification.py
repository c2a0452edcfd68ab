"""Nothing is given up for what the server refuses: laws over generated pairs, policies and histories."""

from __future__ import annotations

from dataclasses import replace

from generated_pairs import JOB, OWNER
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from simulated_server import MlError, Server
from test_laws import Scene, live_on, run, scenes, settle

from anomalyops.plan import (
    DeleteDatafeed,
    Desired,
    DesiredDatafeed,
    DesiredJob,
    Effect,
    JobState,
    Obstacle,
    Policy,
    Removal,
    Subject,
    compare_datafeed,
    compare_job,
    loses,
    plan,
    proposal,
    read_marker,
)
from anomalyops.resources import DeletionPolicy, Reason, ReplacePolicy

SUBJECTS = st.sampled_from([(Subject.JOB,), (Subject.DATAFEED,), (Subject.JOB, Subject.DATAFEED)])


def refusals(subjects):
    return tuple(Obstacle(reason=Reason.REJECTED, message=f"no such {each}", subject=each) for each in subjects)


def asked(scene: Scene, server: Server, subjects=()):
    """The plan of who has asked the server first."""
    observed = replace(server.observe(), refused=refusals(subjects))
    return plan(scene.desired, observed, scene.policy)


def eager(scene: Scene) -> Scene:
    """The same, with policies that allow every loss."""
    policy = replace(scene.policy, replace=ReplacePolicy.RECREATE, replace_datafeed=ReplacePolicy.RECREATE)
    return replace(scene, policy=policy)


losing = scenes().map(eager).filter(lambda scene: loses(scene.plan()))


@given(losing, SUBJECTS)
def test_what_the_server_would_refuse_takes_nothing_away(scene, subjects):
    made = asked(scene, scene.server, subjects)
    assert not any(step.effect is Effect.DESTROYS for step in made.steps)
    assert any(found.reason is Reason.REJECTED and not found.waiting for found in made.obstacles)
    server = scene.server.copy()
    run(server, made.steps)
    assert (server.lost, server.analysed) == (scene.server.lost, scene.server.analysed)
    assert asked(scene, server, subjects).empty or server.job_state is JobState.CLOSING


@given(losing, SUBJECTS)
def test_what_runs_goes_on_while_a_configuration_is_refused(scene, subjects):
    """As after any refusal of a configuration, the run state is kept as the manifests want it."""
    server = scene.server.copy()
    run(server, asked(scene, server, subjects).steps)
    wanted = scene.desired.datafeed
    waits = any(found.waiting or found.reason is Reason.CLOSED for found in asked(scene, server, subjects).obstacles)
    suspended = scene.policy.suspend_job or scene.policy.suspend_datafeed
    own = server.feed is not None and isinstance(wanted, DesiredDatafeed)
    if not own or suspended or waits or not wanted.started or not scene.desired.job.opened:
        return
    marker = read_marker(server.job)
    if server.feed["datafeed_id"] == wanted.datafeed_id and marker is not None and marker.belongs_to(OWNER):
        done = wanted.end is not None or marker.rest
        assert done or server.feed_state != "stopped"


@given(scenes())
def test_the_server_is_asked_before_a_loss_and_only_then(scene):
    made = scene.plan()
    proposed = proposal(scene.desired, made)
    assert (proposed is not None) == loses(made)
    if proposed is not None:
        assert not compare_job(proposed.job, {**scene.desired.job.body, "job_id": JOB})
        feed = scene.desired.datafeed
        assert (proposed.datafeed is None) == (feed is None)
        if feed is not None:
            assert not compare_datafeed(proposed.datafeed, feed.body)


def test_a_removal_asks_nothing():
    server = Server()
    scene = Scene(server=server, desired=_pair(), policy=Policy())
    settle(scene, server)
    gone = replace(scene.desired, datafeed=Removal(id="datafeed-logs", policy=DeletionPolicy.DELETE))
    made = plan(gone, server.observe(), Policy())
    assert any(isinstance(step, DeleteDatafeed) for step in made.steps)
    assert proposal(gone, made) is None


def _pair():
    body = {"analysis_config": {"detectors": [{"function": "count"}]}, "data_description": {"time_field": "time"}}
    return Desired(
        owner=OWNER,
        job=DesiredJob(job_id=JOB, body=body),
        datafeed=DesiredDatafeed(datafeed_id="datafeed-logs", body={"indices": ["logs-*"]}),
    )


def refused_midway(scene: Scene, server: Server) -> str | None:
    """Executes a plan on a server that refuses part of it; the words of the refusal, None when it went through."""
    made = scene.plan(server)
    for step in made.steps:
        try:
            server.execute(step)
        except MlError as error:
            given_up = [done for done in made.steps[: made.steps.index(step)] if done.effect is Effect.DESTROYS]
            if not given_up:
                return None
            server.refuses = ""
            run(server, made.fallback.steps(server.observe(), str(error)))
            return str(error)
    return None


@settings(max_examples=200)
@given(losing, st.sampled_from(["job", "update", "datafeed"]))
def test_what_was_given_up_in_vain_is_there_again_and_is_not_given_up_twice(scene, refuses):
    before, server = scene.server, scene.server.copy()
    server.refuses = refuses
    words = refused_midway(scene, server)
    assume(words is not None)
    if refuses != "update":
        assert not [found for found in compare_job(before.job, server.job) if found.field_class == "immutable"]
    assert (server.feed is None) == (before.feed is None)
    if before.feed is not None:
        assert server.feed["datafeed_id"] == before.feed["datafeed_id"]
        assert not compare_datafeed(before.feed, server.feed)
    lost = server.lost
    server.refuses = refuses
    for _ in range(3):
        made = scene.plan(server)
        assert not any(step.effect is Effect.DESTROYS for step in made.steps)
        assert any(words in found.message for found in made.obstacles)
        try:
            run(server, made.steps)
        except MlError:
            assert refuses in ("update", "datafeed")
            run(server, plan(scene.desired, server.observe(), replace(scene.policy, run_state_only=True)).steps)
        for _ in range(12):
            server.tick()
    assert server.lost == lost


@given(losing, st.sampled_from(["job", "datafeed"]))
def test_a_changed_manifest_is_tried_again(scene, refuses):
    server = scene.server.copy()
    server.refuses = refuses
    assume(refused_midway(scene, server) is not None)
    job = scene.desired.job
    server.refuses = ""
    other = replace(scene.desired, job=replace(job, body={**job.body, "description": "another try"}))
    again = replace(scene, desired=other)
    settle(again, server)
    live_on(again, server)
    assert not compare_job(other.job.body, server.job)
    marker = read_marker(server.job)
    assert not marker.refused
