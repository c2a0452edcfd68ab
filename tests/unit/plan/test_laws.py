"""The laws of the plan, over generated manifests, policies and server histories."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, replace
from typing import Any

from generated_pairs import JOB, OTHER_FEED, OWNER, Event, as_made_by_hand, events, pairs, policies
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic.alias_generators import to_camel
from simulated_server import SPAN, Server, bucket_of

from anomalyops.plan import (
    DATAFEED_FIELDS,
    DETECTOR_FIELDS,
    JOB_FIELDS,
    CloseJob,
    CreateDatafeed,
    CreateJob,
    DatafeedState,
    DatafeedStep,
    DeleteJob,
    Desired,
    DesiredDatafeed,
    DesiredJob,
    Effect,
    JobState,
    OpenJob,
    Plan,
    Policy,
    Removal,
    ResetJob,
    StartDatafeed,
    StopDatafeed,
    Subject,
    UpdateDatafeed,
    UpdateJob,
    compare_datafeed,
    compare_job,
    is_mark,
    lookback_done,
    plan,
    read_marker,
)
from anomalyops.plan.core.differences import value_at
from anomalyops.plan.pair.lookback import LookbackRecord, RunState, Window
from anomalyops.reconciler.look import configurations_after
from anomalyops.reconciler.unit import Done
from anomalyops.resources import DeletionPolicy, ReplacePolicy, parse_duration, parse_time

_ROUNDS = 4


@dataclass(frozen=True)
class Scene:
    """A server with a past, and what is now asked of it."""

    server: Server
    desired: Desired
    policy: Policy

    def plan(self, server: Server | None = None) -> Plan:
        return plan(self.desired, (server or self.server).observe(), self.policy)


def unmarked(server: Server) -> dict[str, Any]:
    """`custom_settings` as others see them."""
    settings = (server.job or {}).get("custom_settings") or {}
    return {key: value for key, value in settings.items() if not is_mark(key)}


def run(server: Server, steps: Any) -> None:
    for step in steps:
        server.execute(step)


def settle(scene: Scene, server: Server) -> None:
    """Plans and executes until there is nothing to do."""
    for _ in range(_ROUNDS):
        made = scene.plan(server)
        if made.empty:
            return
        run(server, made.steps)
    raise AssertionError(f"still something to do: {scene.plan(server).to_json()}")


def live_on(scene: Scene, server: Server) -> None:
    """Lets every bounded run come to its end, and one more that shows that there is nothing more to read."""
    for _ in range(4):
        for _ in range(12):
            server.tick()
        settle(scene, server)


@st.composite
def scenes(draw: Any) -> Scene:
    """A pair that was applied once (by the operator, or by hand), lived on, and is now asked for otherwise."""
    server = Server(empty=draw(st.sampled_from([False, False, False, True])), silent=draw(st.booleans()))
    before = draw(pairs)
    origin = draw(st.sampled_from(["new", "managed", "managed", "managed", "by hand"]))
    if origin != "new":
        made = as_made_by_hand(before, OTHER_FEED) if draw(st.integers(0, 5)) == 0 else before
        run(server, plan(made, server.observe(), Policy()).steps)
        if origin == "by hand":
            server.job["custom_settings"] = unmarked(server)
        for event in draw(events):
            event.happen(server)
    desired = before if draw(st.integers(0, 4)) == 0 else draw(pairs)
    return Scene(server=server, desired=desired, policy=draw(policies))


def end_of(server: Server, *, same_past: bool = True) -> dict[str, Any]:
    """What of a server has to be the same, however the operator got there.

    Where time passed in between, a bounded run may have ended by itself instead of being interrupted, and a job may
    have seen its first data; the marker says which.
    """
    job = json.loads(json.dumps(server.job))
    marker = None if job is None else read_marker(job)
    if job is not None:
        job["custom_settings"] = unmarked(server)
    if marker is not None and marker.lookback is not None:
        window = marker.lookback.window
        start = None if window.start is None else str(parse_time(window.start))
        state = marker.lookback.state if same_past else RunState.STARTED
        known = LookbackRecord(window=Window(start=start, end=str(parse_time(window.end))), state=state)
        marker = replace(marker, lookback=known)
    if marker is not None:
        marker = replace(marker, since="")  # a job that was created anew is managed since then
    if marker is not None and not same_past:
        marker = replace(marker, resume="")
    return {
        "job": job,
        "marker": marker,
        "job_state": "opened" if server.job_state is JobState.OPENING else server.job_state,
        "feed": server.feed,
        "feed_state": "started" if server.feed_state is DatafeedState.STARTING else server.feed_state,
        "run_end": None if server.run is None else server.run.end,
    }


# -- law 1 --------------------------------------------------------------------------------------------------------


@given(scenes())
def test_a_plan_never_breaks_the_servers_rules(scene):
    """The simulated server refuses an update of a running datafeed, a close under a running datafeed, and a memory
    limit on an open job, and whatever else the contract forbids."""
    server = scene.server.copy()
    run(server, scene.plan().steps)


# -- law 2 --------------------------------------------------------------------------------------------------------


@given(scenes())
def test_memory_is_fixed_before_the_datafeed(scene):
    verbs = [
        "memory" if isinstance(step, UpdateJob) and "analysis_limits" in step.body else type(step).__name__
        for step in scene.plan().steps
    ]
    if "memory" in verbs and "UpdateDatafeed" in verbs:
        assert verbs.index("memory") < verbs.index("UpdateDatafeed")


# -- law 3 --------------------------------------------------------------------------------------------------------


@given(scenes())
def test_nothing_learned_is_lost_unless_a_policy_says_so(scene):
    steps = scene.plan().steps
    if scene.policy.replace is ReplacePolicy.NEVER and scene.policy.replace_datafeed is ReplacePolicy.NEVER:
        assert not any(step.destructive for step in steps)
    if scene.policy.replace is not ReplacePolicy.RECREATE:
        assert not any(isinstance(step, DeleteJob) for step in steps)
    if not any(step.destructive for step in steps):
        server = scene.server.copy()
        run(server, steps)
        assert server.lost == scene.server.lost
        assert server.analysed == scene.server.analysed


@given(scenes())
def test_a_refused_immutable_change_leaves_the_configuration_alone(scene):
    made = scene.plan()
    if any(obstacle.reason == "ImmutableFieldChanged" for obstacle in made.obstacles):
        for step in made.steps:
            assert not isinstance(step, (CreateJob, DeleteJob))
            # The datafeed has a policy of its own.
            assert not isinstance(step, ResetJob) or scene.policy.replace_datafeed is not ReplacePolicy.NEVER
            if isinstance(step, UpdateJob):
                assert set(step.body) == {"custom_settings"}, "only the operator's own marker may change"
                kept = {key: value for key, value in step.body["custom_settings"].items() if not is_mark(key)}
                assert kept == unmarked(scene.server)


# -- law 4 --------------------------------------------------------------------------------------------------------


@given(scenes())
def test_after_a_plan_there_is_nothing_to_plan(scene):
    server = scene.server.copy()
    run(server, scene.plan().steps)
    assert scene.plan(server).describe() == []


@given(scenes(), st.lists(st.just(Event("tick")), max_size=2))
def test_a_kill_after_any_step_reaches_the_same_end(scene, meanwhile):
    steps = scene.plan().steps
    reference = scene.server.copy()
    run(reference, steps)
    live_on(scene, reference)
    for cut in range(len(steps)):
        server = scene.server.copy()
        run(server, steps[:cut])
        for event in meanwhile:
            event.happen(server)
        settle(scene, server)
        live_on(scene, server)
        same_past = not meanwhile
        assert end_of(server, same_past=same_past) == end_of(reference, same_past=same_past), (
            f"cut after step {cut} of {[type(s).__name__ for s in steps]}"
        )


@given(scenes())
def test_what_the_server_answered_is_what_a_look_would_see(scene):
    """After any steps: the answers to writes stand for a look, or a look is asked for; and there is nothing to plan."""
    server = scene.server.copy()
    before, steps, answers = server.observe(), scene.plan().steps, []
    for step in steps:
        server.execute(step)
        written = {Subject.JOB: server.job, Subject.DATAFEED: server.feed}[step.subject]
        told = step.effect in {Effect.CREATES, Effect.CHANGES}
        answers.append((step, copy.deepcopy(written) if told else None))
    known = configurations_after(Done(before=before, answers=tuple(answers)))
    seen = server.observe()
    if known is None:
        given_up = any(step.effect is Effect.DESTROYS or isinstance(step, ResetJob) for step in steps)
        assert given_up or seen.job is None
        return
    job, feed = known
    told = replace(
        seen,
        job=replace(seen.job, config=job),
        datafeed=None if feed is None else replace(seen.datafeed, config=feed),
    )
    assert feed == (None if seen.datafeed is None else seen.datafeed.config)
    assert {**job, "finished_time": 0} == {**seen.job.config, "finished_time": 0}
    assert plan(scene.desired, told, scene.policy).describe() == []


@given(scenes(), st.sampled_from([None, {}, {"acknowledged": True}, {"job_id": "other", "datafeed_id": "other"}]))
def test_an_answer_about_something_else_stands_for_no_look(scene, answer):
    server = scene.server.copy()
    before, steps = server.observe(), scene.plan().steps
    if any(step.effect in {Effect.CREATES, Effect.CHANGES} for step in steps):
        assert configurations_after(Done(before=before, answers=tuple((step, answer) for step in steps))) is None


# -- law 5 --------------------------------------------------------------------------------------------------------


@given(scenes())
def test_no_bucket_is_skipped_and_none_is_counted_twice(scene):
    server = scene.server.copy()
    for _ in range(3):
        run(server, scene.plan(server).steps)
        server.tick()
    analysed = server.analysed
    assert analysed == list(range(analysed[0], analysed[-1] + 1)) if analysed else True
    if server.lost > scene.server.lost and analysed:
        wanted = scene.desired.datafeed
        assert isinstance(wanted, DesiredDatafeed)
        assert analysed[0] == (0 if wanted.start is None else bucket_of(wanted.start)), "learned anew from the start"


@given(scenes())
def test_what_was_running_and_may_run_is_running_after_a_plan(scene):
    made, server = scene.plan(), scene.server.copy()
    before = server.feed_state in (DatafeedState.STARTED, DatafeedState.STARTING)
    run(server, made.steps)
    asked_to_stop = (
        scene.policy.suspend_job
        or not scene.desired.job.opened
        or (isinstance(scene.desired.datafeed, DesiredDatafeed) and not scene.desired.datafeed.started)
        or (scene.desired.datafeed is not None and scene.policy.suspend_datafeed)
    )
    if before and not asked_to_stop:
        assert server.feed_state in (DatafeedState.STARTED, DatafeedState.STARTING)


# -- law 6 --------------------------------------------------------------------------------------------------------


@given(pairs, st.integers(0, 3))
def test_a_lookback_that_ended_by_itself_is_done(desired, later):
    assume(isinstance(desired.datafeed, DesiredDatafeed) and desired.datafeed.end is not None)
    assume(desired.datafeed.started and desired.job.opened)
    server = Server()
    settle(Scene(server, desired, Policy()), server)
    for _ in range(12):
        server.tick()
    assert server.job_state is JobState.CLOSED, "the server ended the run"
    run(server, plan(desired, server.observe()).steps)
    assert server.job_state is JobState.CLOSED, "that it ended is noted, and it is not run again"
    for _ in range(later):
        server.tick()
    assert plan(desired, server.observe()).describe() == []
    assert plan(desired, server.observe()).obstacles == ()


@given(pairs, st.lists(st.sampled_from(["tick", "feed_stopped_by_hand"]), max_size=12))
def test_a_lookback_that_is_stopped_by_hand_is_read_to_its_end(desired, lived):
    assume(isinstance(desired.datafeed, DesiredDatafeed) and desired.datafeed.end is not None)
    assume(desired.datafeed.started and desired.job.opened)
    server = Server()
    scene = Scene(server, desired, Policy())
    for name in lived:
        settle(scene, server)
        Event(name).happen(server)
        server.tick()
    live_on(scene, server)
    first = 0 if desired.datafeed.start is None else bucket_of(desired.datafeed.start)
    end = bucket_of(desired.datafeed.end)
    assert server.analysed == list(range(first, end))[: len(server.analysed)]
    # The simulated buckets are of 15 minutes, whatever the job's are: what is left is less than one of the job's.
    span = parse_duration(desired.job.body["analysis_config"].get("bucket_span", "5m"))
    assert (end - first - len(server.analysed)) * SPAN < max(span, SPAN)
    assert lookback_done(desired, server.observe())


# -- law 7 --------------------------------------------------------------------------------------------------------


def respelled(value: Any) -> Any:
    """The same meaning in other words."""
    words = {
        "15m": "900s",
        "1h": "60m",
        "2h": "7200s",
        "7200s": "2h",
        "30d": "720h",
        "60s": "1m",
        "1m": "60000ms",
        "512mb": "524288kb",
        "1gb": 1024,
        1024: "1gb",
        "mean": "avg",
    }
    match value:
        case dict():
            return {key: respelled(part) for key, part in reversed(list(value.items()))}
        case list():
            return [respelled(part) for part in value]
        case str() | int() if not isinstance(value, bool):
            return words.get(value, value)
        case _:
            return value


@given(pairs)
def test_other_words_and_what_the_server_fills_in_are_no_drift(desired):
    server = Server()
    settle(Scene(server, desired, Policy()), server)
    feed = desired.datafeed
    again = Desired(
        owner=desired.owner,
        job=DesiredJob(job_id=JOB, body=respelled(desired.job.body), opened=desired.job.opened),
        datafeed=feed
        and DesiredDatafeed(
            datafeed_id=feed.datafeed_id,
            body=respelled(feed.body),
            started=feed.started,
            start=feed.start,
            end=feed.end,
        ),
    )
    assert plan(again, server.observe()).describe() == []


@given(scenes())
def test_the_server_ends_up_with_what_the_manifest_says(scene):
    server = scene.server.copy()
    made = scene.plan()
    run(server, made.steps)
    if made.obstacles_of("job") == ():
        assert compare_job(scene.desired.job.body, server.job) == ()
        if server.job_state is JobState.OPENED:
            assert server.used_persist_interval == server.job.get("background_persist_interval")
    if made.obstacles == () and scene.desired.datafeed is not None:
        assert server.feed["datafeed_id"] == scene.desired.datafeed.datafeed_id
        assert compare_datafeed(scene.desired.datafeed.body, server.feed) == ()


@given(scenes())
def test_what_others_added_beside_the_manifest_stays(scene):
    before = scene.server.copy()
    server = scene.server.copy()
    made = scene.plan()
    run(server, made.steps)
    recreated = any(isinstance(step, CreateJob) for step in made.steps)
    if before.job is not None and "created_by" in before.job["custom_settings"] and not recreated:
        assert server.job["custom_settings"]["created_by"] == "wizard"


# -- law 8: absence is an instruction, once something was given ------------------------------------------------------


@given(pairs, st.lists(pairs, min_size=1, max_size=3), st.data())
def test_what_a_manifest_gives_no_more_is_taken_back(first, edits, data):
    """After any history of edits, killed anywhere, the server has what a new one would have of the last manifest."""
    server, desired = Server(), first
    settle(Scene(server, desired, Policy()), server)
    for edit in edits:
        desired = edit
        steps = Scene(server, desired, Policy()).plan(server).steps
        run(server, steps[: data.draw(st.integers(0, len(steps)))])
    scene = Scene(server, desired, Policy())
    settle(scene, server)
    left = plan(desired, server.observe()).obstacles
    fresh = Server()
    settle(Scene(fresh, desired, Policy()), fresh)
    if any(found.reason in {"ImmutableFieldChanged", "MemoryBelowUsage"} for found in left):
        return
    stays = " ".join(found.message for found in left if found.reason == "FieldStays")
    assert unmarked(server) == unmarked(fresh)
    for field, wanted in _plain(fresh.job).items():
        assert _plain(server.job).get(field) == wanted or to_camel(field) in stays, field
    if desired.datafeed is not None:
        for field, wanted in _plain(fresh.feed).items():
            assert _plain(server.feed).get(field) == wanted or to_camel(field) in stays, field
    for field in _plain(server.job).keys() - _plain(fresh.job).keys():
        assert to_camel(field) in stays, field


def _plain(config: Any) -> dict[str, Any]:
    """A configuration by meaning: fields by path, without what only says how it came about."""
    feed = "datafeed_id" in config
    rows = DATAFEED_FIELDS if feed else JOB_FIELDS
    found = {row.path: row.meaning(value_at(config, row.keys)) for row in rows if row.path != "custom_settings"}
    for index, detector in enumerate(config.get("analysis_config", {}).get("detectors", [])):
        found |= {f"detectors[{index}].{row.path}": row.meaning(detector.get(row.path)) for row in DETECTOR_FIELDS}
    # The server's own choice of a delay is any value in a range.
    return {
        path: value
        for path, value in found.items()
        if value is not None and path not in {"query_delay", "analysis_config.detectors"}
    }


@given(scenes())
def test_the_mark_is_a_map_of_texts(scene):
    server = scene.server.copy()
    run(server, scene.plan().steps)
    for key, value in ((server.job or {}).get("custom_settings") or {}).items():
        assert not is_mark(key) or isinstance(value, str)


@given(pairs, events)
def test_a_mark_of_an_earlier_version_is_read_and_rewritten(desired, lived):
    """The pair goes on as it was: nothing but the mark is written."""
    server = Server()
    settle(Scene(server, desired, Policy()), server)
    for event in lived:
        if event.name == "tick":
            event.happen(server)
    expected = server.copy()
    settle(Scene(expected, desired, Policy()), expected)
    server.job["custom_settings"] = unmarked(server) | {"anomalyops": _nested(read_marker(server.job))}
    run(server, plan(desired, server.observe()).steps)
    assert end_of(server) == end_of(expected)
    assert "anomalyops" not in server.job["custom_settings"]


def _nested(marker: Any) -> dict[str, Any]:
    """The mark as the first version wrote it."""
    owner = marker.owner
    old = {"cluster": owner.cluster, "namespace": owner.namespace, "name": owner.name, "uid": owner.uid}
    old |= {"datafeed": marker.datafeed} if marker.datafeed else {}
    return old | ({"lookback": marker.lookback.to_json()} if marker.lookback is not None else {})


# -- the plan itself ------------------------------------------------------------------------------------------------


@given(scenes())
def test_every_step_and_obstacle_says_why(scene):
    made = scene.plan()
    for step in made.steps:
        assert step.reason.strip(" ;"), type(step)
    for obstacle in made.obstacles:
        assert len(obstacle.message) > 20
    assert [entry["verb"] for entry in made.describe()] == [step.verb for step in made.steps]


@given(scenes())
def test_run_state_only_touches_nothing_else(scene):
    policy = replace(scene.policy, run_state_only=True)
    made = plan(scene.desired, scene.server.observe(), policy)
    for step in made.steps:
        if isinstance(step, UpdateJob):
            assert set(step.body) == {"custom_settings"}
        else:
            assert isinstance(step, (OpenJob, CloseJob, StartDatafeed, StopDatafeed))
    server = scene.server.copy()
    run(server, made.steps)
    assert plan(scene.desired, server.observe(), policy).describe() == []


@given(scenes())
def test_without_configurations_nothing_but_the_run_state_is_planned(scene):
    known = scene.server.observe()
    if known.job is None:
        return
    feed = known.datafeed
    stats_only = replace(
        known,
        job=replace(known.job, config={"job_id": JOB}),
        datafeed=feed and replace(feed, config={"datafeed_id": feed.config["datafeed_id"]}),
        configs_known=False,
    )
    made = plan(scene.desired, stats_only, scene.policy)
    assert all(isinstance(step, (OpenJob, CloseJob, StartDatafeed, StopDatafeed)) for step in made.steps)


# -- removal --------------------------------------------------------------------------------------------------------


@given(scenes(), st.sampled_from(list(DeletionPolicy)), st.sampled_from([None, *DeletionPolicy]))
def test_a_removal_ends_and_survives_any_kill(scene, job_policy, feed_policy):
    feed = scene.desired.datafeed
    gone = feed
    if feed_policy is not None and feed is not None:
        gone = Removal(id=feed.datafeed_id, policy=feed_policy)
    desired = Desired(owner=OWNER, job=Removal(id=JOB, policy=job_policy), datafeed=gone)
    removing = Scene(scene.server, desired, scene.policy)
    steps = removing.plan().steps
    straight = scene.server.copy()
    run(straight, steps)
    assert removing.plan(straight).describe() == []
    managed = scene.server.job is not None and read_marker(scene.server.job) is not None
    if not managed:
        assert steps == ()
    elif job_policy is DeletionPolicy.DELETE:
        assert straight.job is None
        assert straight.feed is None
    else:
        assert straight.lost == scene.server.lost
        assert straight.analysed == scene.server.analysed
    if managed and job_policy is DeletionPolicy.RETAIN:
        assert straight.job_state is JobState.CLOSED
        assert straight.feed_state is DatafeedState.STOPPED
    for cut in range(len(steps)):
        server = scene.server.copy()
        run(server, steps[:cut])
        settle(removing, server)
        assert end_of(server) == end_of(straight)


@given(scenes(), st.sampled_from(list(DeletionPolicy)))
def test_a_datafeed_removal_touches_the_datafeed_alone(scene, feed_policy):
    feed = scene.desired.datafeed
    assume(isinstance(feed, DesiredDatafeed))
    desired = Desired(owner=OWNER, job=None, datafeed=Removal(id=feed.datafeed_id, policy=feed_policy))
    removing = Scene(scene.server, desired, scene.policy)
    server = scene.server.copy()
    steps = removing.plan().steps
    run(server, steps)
    assert removing.plan(server).describe() == []
    assert server.lost == scene.server.lost
    for step in steps:
        assert isinstance(step, (UpdateJob, DatafeedStep))
        assert not isinstance(step, (CreateDatafeed, UpdateDatafeed, StartDatafeed))


@given(pairs)
def test_a_retained_job_goes_on_where_it_was_when_the_manifest_comes_back(desired):
    server = Server()
    settle(Scene(server, desired, Policy()), server)
    server.tick()
    learned = list(server.analysed)
    removal = Desired(owner=OWNER, job=Removal(id=JOB, policy=DeletionPolicy.RETAIN), datafeed=desired.datafeed)
    run(server, plan(removal, server.observe()).steps)
    assert server.analysed == learned
    settle(Scene(server, desired, Policy()), server)
    for _ in range(3):
        server.tick()
        settle(Scene(server, desired, Policy()), server)
    assert server.analysed[: len(learned)] == learned
    assert server.analysed == sorted(set(server.analysed))
