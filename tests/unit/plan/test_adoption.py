"""A job made by hand is taken over as a whole or not at all, and as it is found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from generated_pairs import JOB, OWNER, Event, datafeeds, events, jobs, pairs, policies, time_text
from hypothesis import assume, given
from hypothesis import strategies as st
from simulated_server import Server
from test_fields import feed_body, job_body
from test_laws import Scene, live_on, run, settle, unmarked

from anomalyops.plan import (
    CreateJob,
    DatafeedState,
    Desired,
    DesiredDatafeed,
    DesiredJob,
    JobState,
    OpenJob,
    Policy,
    Removal,
    StartDatafeed,
    Subject,
    UpdateDatafeed,
    UpdateJob,
    is_ours,
    lookback_done,
    plan,
    read_marker,
)
from anomalyops.plan.pair.adoption import resting_now
from anomalyops.resources import AdoptionPolicy, DeletionPolicy, ReplacePolicy

ALWAYS = Policy(adoption=AdoptionPolicy.ALWAYS, adopt_datafeed=AdoptionPolicy.ALWAYS)


def by_hand(made: Desired, lived: list[Event]) -> Server:
    """A server on which somebody made that pair in Kibana, and lived with it."""
    server = Server()
    run(server, plan(made, server.observe()).steps)
    server.job["custom_settings"] = unmarked(server)
    for event in lived:
        event.happen(server)
    return server


SAID_OR_NOT = st.booleans()


@st.composite
def found(draw: Any, state_given: Any = SAID_OR_NOT) -> Scene:
    """A pair made by hand, and manifests that take it over, differing in what can be changed."""
    made = draw(st.builds(Desired, owner=st.just(OWNER), job=jobs, datafeed=datafeeds()))
    server = by_hand(made, draw(events))
    job, feed = draw(jobs), draw(datafeeds())
    kept = {key: made.job.body[key] for key in ("analysis_config", "data_description")}
    desired = Desired(
        owner=OWNER,
        job=DesiredJob(job_id=JOB, body={**job.body, **kept}, opened=True, state_given=draw(state_given)),
        datafeed=replace(feed, started=True, state_given=draw(state_given)),
    )
    return Scene(server=server, desired=desired, policy=ALWAYS)


@given(found(), st.lists(st.just(Event("tick")), max_size=2))
def test_a_take_over_that_is_cut_off_anywhere_reaches_the_same_end(scene, meanwhile):
    steps = scene.plan().steps
    reference = scene.server.copy()
    run(reference, steps)
    rests = resting_now(scene.desired, reference.observe())
    for cut in range(len(steps)):
        server = scene.server.copy()
        run(server, steps[:cut])
        for event in meanwhile:
            event.happen(server)
        settle(scene, server)
        assert is_ours(OWNER, server.job)
        if not meanwhile:  # else a run may have come to its end before it was found
            assert resting_now(scene.desired, server.observe()) == rests, f"cut after {cut}"
        assert server.lost == scene.server.lost
        live_on(scene, server)
        assert scene.plan(server).describe() == []


@given(found())
def test_the_mark_is_the_last_step_and_no_policy_reaches_half_of_a_pair(scene):
    steps = scene.plan().steps
    assume(not any(isinstance(step, CreateJob) for step in steps))
    for cut in range(len(steps)):
        server = scene.server.copy()
        run(server, steps[:cut])
        assert not is_ours(OWNER, server.job), f"marked after step {cut} of {len(steps)}"
        gone = Desired(
            owner=OWNER,
            job=Removal(id=JOB, policy=DeletionPolicy.DELETE),
            datafeed=Removal(id=scene.desired.datafeed.datafeed_id, policy=DeletionPolicy.DELETE),
        )
        removal = plan(gone, server.observe())
        assert all(isinstance(step, UpdateJob) for step in removal.steps)
        run(server, removal.steps)
        assert server.job is not None
        assert server.feed is not None or scene.server.feed is None
        assert server.lost == scene.server.lost
        assert unmarked(server) == server.job["custom_settings"]
    if steps:
        assert isinstance(steps[-1], UpdateJob)
        assert "managed by" in steps[-1].reason


@given(found(st.just(False)))
def test_a_pair_whose_manifest_says_nothing_keeps_the_state_that_it_is_found_in(scene):
    before, server = scene.server, scene.server.copy()
    assume(before.job_state is not JobState.FAILED)
    settle(scene, server)
    # A datafeed that is made anew was stopped by nobody.
    stopped = before.feed is not None and before.feed_state in (DatafeedState.STOPPED, DatafeedState.STOPPING)
    closed = before.job_state in (JobState.CLOSED, JobState.CLOSING)
    for _ in range(3):
        assert (server.feed_state is DatafeedState.STOPPED) >= stopped
        assert (server.job_state is JobState.CLOSED) >= closed
        if not stopped and not closed and scene.desired.datafeed.end is None:
            assert server.feed_state in (DatafeedState.STARTED, DatafeedState.STARTING)
        server.tick()
        settle(scene, server)
    assert server.analysed == sorted(set(server.analysed))


@given(found(st.just(False)), st.booleans())
def test_rest_ends_when_the_manifest_says_so(scene, later):
    server = scene.server.copy()
    settle(scene, server)
    assume(Subject.DATAFEED in resting_now(scene.desired, server.observe()))
    desired = replace(
        scene.desired,
        job=replace(scene.desired.job, state_given=True),
        datafeed=replace(scene.desired.datafeed, state_given=True),
    )
    run(server, plan(desired, server.observe(), ALWAYS).steps)
    assert server.feed_state in (DatafeedState.STARTED, DatafeedState.STARTING)
    assert read_marker(server.job).rest == frozenset()
    if later:  # and it is not remembered for the time after
        for _ in range(2):
            server.tick()
            settle(Scene(server, desired, ALWAYS), server)
        assert resting_now(scene.desired, server.observe()) == frozenset()


@given(pairs, pairs, policies, events)
def test_where_the_datafeed_cannot_be_taken_over_the_job_is_not_either(made, wanted, policy, lived):
    assume(isinstance(made.datafeed, DesiredDatafeed) and isinstance(wanted.datafeed, DesiredDatafeed))
    server = by_hand(made, lived)
    result = plan(wanted, server.observe(), policy)
    if any(obstacle.reason in {"AlreadyExists", "Conflict"} for obstacle in result.obstacles):
        assert result.describe() == []
        assert result.obstacles_of("job"), "the job says why, too"


# -- by name ---------------------------------------------------------------------------------------------------------


def pair(feed: Any, *, given: bool = False, **body: Any) -> Desired:
    return Desired(
        owner=OWNER,
        job=DesiredJob(job_id=JOB, body={**job_body(), **body}, state_given=given),
        datafeed=replace(feed, state_given=given),
    )


FEED = DesiredDatafeed(datafeed_id="datafeed-logs", body=feed_body(), start=time_text(2))
BOUNDED = replace(FEED, end=time_text(7))


def stopped(feed: DesiredDatafeed = FEED) -> Server:
    server = by_hand(pair(feed), [Event("tick"), Event("feed_stopped_by_hand"), Event("tick")])
    assert server.feed_state is DatafeedState.STOPPED
    return server


@pytest.mark.parametrize("given_", [False, True])
def test_a_run_that_was_finished_before_is_finished(given_):
    """Whatever `spec.state` says: a run that came to its end is done."""
    server = by_hand(pair(BOUNDED), [Event("tick"), Event("tick")])
    assert server.job_state is JobState.CLOSED
    desired = pair(replace(BOUNDED, end=time_text(7, 1)), given=given_)
    made = plan(desired, server.observe())
    assert [type(step) for step in made.steps] == [UpdateJob]
    run(server, made.steps)
    assert lookback_done(desired, server.observe())
    assert resting_now(desired, server.observe()) == frozenset()
    later = pair(replace(BOUNDED, end=time_text(12)), given=given_)
    assert StartDatafeed in [type(step) for step in plan(later, server.observe()).steps]


def test_a_run_that_somebody_stopped_stays_stopped_until_the_manifest_says_more():
    server = by_hand(pair(replace(BOUNDED, end=time_text(40))), [Event("tick"), Event("feed_stopped_by_hand")])
    server.tick()
    server.tick()
    desired = pair(replace(BOUNDED, end=time_text(40)))
    settle(Scene(server, desired, Policy()), server)
    assert server.feed_state is DatafeedState.STOPPED
    assert not lookback_done(desired, server.observe())
    settle(Scene(server, pair(replace(BOUNDED, end=time_text(40)), given=True), Policy()), server)
    assert server.run.end == 40


def test_what_somebody_starts_again_runs_on():
    server = stopped()
    desired = pair(FEED)
    settle(Scene(server, desired, Policy()), server)
    assert resting_now(desired, server.observe()) == {Subject.DATAFEED}
    server._start("datafeed-logs", None, None)
    settle(Scene(server, desired, Policy()), server)
    assert server.feed_state is DatafeedState.STARTED
    assert read_marker(server.job).rest == frozenset()
    server.fail()
    settle(Scene(server, desired, Policy()), server)
    assert server.feed_state is DatafeedState.STARTED, "it is managed as any other from then on"


def test_a_closed_job_without_a_datafeed_stays_closed_and_so_does_the_datafeed_that_is_made_for_it():
    server = stopped()
    server.feed, server.job_state = None, JobState.CLOSED
    made = plan(pair(FEED), server.observe())
    run(server, made.steps)
    assert server.feed is not None
    assert server.job_state is JobState.CLOSED
    assert plan(pair(FEED), server.observe()).describe() == []
    steps = [type(step) for step in plan(pair(FEED, given=True), server.observe()).steps]
    assert OpenJob in steps
    assert StartDatafeed in steps


def test_a_running_datafeed_that_has_to_be_stopped_on_the_way_runs_again_after_a_kill():
    server = by_hand(pair(FEED), [Event("tick")])
    desired = pair(replace(FEED, body=feed_body("query_delay", "99s")))
    steps = plan(desired, server.observe()).steps
    update = next(index for index, step in enumerate(steps) if isinstance(step, UpdateDatafeed))
    run(server, steps[:update])
    assert server.feed_state is DatafeedState.STOPPED
    settle(Scene(server, desired, Policy()), server)
    assert server.feed_state is DatafeedState.STARTED


def test_a_datafeed_that_is_taken_over_later_is_marked_when_it_is_done():
    server = by_hand(pair(FEED), [Event("tick")])
    alone = replace(pair(FEED), datafeed=None)
    settle(Scene(server, alone, Policy()), server)
    desired = pair(replace(FEED, body=feed_body("query_delay", "99s")))
    steps = plan(desired, server.observe()).steps
    for step in steps:
        assert read_marker(server.job).datafeed == ""
        server.execute(step)
    assert read_marker(server.job).datafeed == "datafeed-logs"
    assert server.feed_state is DatafeedState.STARTED


def test_a_retained_pair_was_stopped_by_its_deletion_and_runs_again():
    server = Server()
    settle(Scene(server, pair(FEED), Policy()), server)
    server.tick()
    gone = Desired(owner=OWNER, job=Removal(id=JOB, policy=DeletionPolicy.RETAIN), datafeed=FEED)
    run(server, plan(gone, server.observe()).steps)
    other = replace(pair(FEED), owner=replace(OWNER, name="new"))
    settle(Scene(server, other, Policy()), server)
    assert server.feed_state is DatafeedState.STARTED


def test_a_take_over_that_is_refused_marks_nothing():
    server = by_hand(pair(FEED), [Event("tick")])
    span = pair(FEED, analysis_config={"bucket_span": "30m", "detectors": [{"function": "count"}]})
    made = plan(span, server.observe(), replace(ALWAYS, replace=ReplacePolicy.NEVER))
    assert made.empty
    assert made.obstacles[0].reason == "ImmutableFieldChanged"
    other = pair(replace(FEED, datafeed_id="other"))
    made = plan(other, server.observe())
    assert made.empty
    assert "not taken over without its datafeed" in made.obstacles_of("job")[0].message


def test_a_datafeed_that_is_made_on_the_way_is_known_after_a_kill():
    server = by_hand(pair(FEED, given=True), [])
    server.feed_state, server.run, server.feed = DatafeedState.STOPPED, None, None
    never = Policy(adopt_datafeed=AdoptionPolicy.NEVER)
    desired = pair(replace(FEED, started=False), given=True)
    for step in plan(desired, server.observe(), never).steps[:2]:
        server.execute(step)
    assert server.feed is not None
    settle(Scene(server, desired, never), server)
    assert is_ours(OWNER, server.job)


def test_a_run_that_somebody_else_began_does_not_pass_for_the_wanted_one_after_a_kill():
    body = {"analysis_config": {"bucket_span": "15m", "detectors": [{"function": "count"}]}}
    job = DesiredJob(
        job_id=JOB, body={**body, "data_description": {"time_field": "@timestamp"}}, opened=True, state_given=True
    )
    endless = DesiredDatafeed(
        datafeed_id=f"datafeed-{JOB}",
        body={"indices": ["logs-*"]},
        started=True,
        state_given=True,
        start=None,
        end=None,
    )
    bounded = replace(endless, end="1700009100000")
    server = by_hand(Desired(owner=OWNER, job=job, datafeed=endless), [])
    scene = Scene(server=server, desired=Desired(owner=OWNER, job=job, datafeed=bounded), policy=ALWAYS)
    steps = scene.plan().steps
    for cut in range(len(steps) + 1):
        killed = scene.server.copy()
        run(killed, steps[:cut])
        settle(scene, killed)
        assert killed.run is not None
        assert killed.run.end is not None, f"cut after {cut}: it runs for ever"
