"""Model snapshots that are retained by declaration, over generated histories of manifests, people, time and kills."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from generated_pairs import OWNER, pairs, policies
from hypothesis import given
from hypothesis import strategies as st
from simulated_server import EPOCH, SPAN, Server

from anomalyops.plan import Desired, DesiredJob, Obstacle, Policy, SnapshotChoice, export_retained, plan, read_marker
from anomalyops.plan.core.snapshots import newest_before
from anomalyops.plan.pair.steps import DeleteJob, ResetJob, UpdateSnapshot
from anomalyops.resources import ReplacePolicy

_ROUNDS = 5


def choice_of(draw: Any) -> SnapshotChoice:
    said = draw(st.sampled_from([None, None, "before the sale", "after it"]))
    if draw(st.booleans()):
        return SnapshotChoice(snapshot_id=str(draw(st.integers(1, 5))), description=said)
    return SnapshotChoice(before=EPOCH + draw(st.integers(4, 30)) * SPAN, description=said)


choices = st.composite(lambda draw: tuple(choice_of(draw) for _ in range(draw(st.integers(0, 3)))))()


def declaring(desired: Desired, snapshots: tuple[SnapshotChoice, ...]) -> Desired:
    assert isinstance(desired.job, DesiredJob)
    return replace(desired, job=replace(desired.job, snapshots=snapshots))


def retained(server: Server) -> set[str]:
    return {one["snapshot_id"] for one in server.snapshots if one.get("retain")}


def wanted_ids(desired: Desired, server: Server) -> set[str]:
    """The snapshots that a manifest means, said apart from the code under test."""
    there, meant = {one["snapshot_id"] for one in server.snapshots}, set()
    assert isinstance(desired.job, DesiredJob)
    for one in desired.job.snapshots or ():
        if one.snapshot_id in there:
            meant.add(one.snapshot_id)
        elif one.before is not None:
            older = [snap for snap in server.snapshots if snap["latest_record_time_stamp"] < one.before]
            newest = max(older, key=lambda snap: (snap["latest_record_time_stamp"], snap["timestamp"]), default=None)
            meant |= set() if newest is None else {newest["snapshot_id"]}
    return meant


@dataclass
class History:
    """A server, the manifests of the moment, and which snapshots people retained while the operator did not."""

    server: Server
    desired: Desired
    policy: Policy
    by_hand: set[str] = field(default_factory=set)

    def apply(self, *, killed_after: int | None = None) -> list[Any]:
        """Plans and acts until there is nothing to do, or until it is killed after so many steps; the steps."""
        taken: list[Any] = []
        for _ in range(_ROUNDS):
            made = plan(self.desired, self.server.observe(), self.policy)
            if made.empty:
                return taken
            for step in made.steps:
                if killed_after is not None and len(taken) >= killed_after:
                    return taken
                self.server.execute(step)
                taken.append(step)
        raise AssertionError(f"still something to do: {made.to_json()}")

    def happen(self, what: str) -> None:
        unheld = [one for one in self.server.snapshots if not one.get("retain")]
        mine = self.marked
        if what == "time":
            for _ in range(3):
                self.server.tick()
            self.server.take_snapshot()
        elif what == "expiry":
            self.server.expire()
        elif what == "a person retains" and (free := [one for one in unheld if one["snapshot_id"] not in mine]):
            free[0]["retain"] = True
            self.by_hand.add(free[0]["snapshot_id"])
        elif what == "a person lets go" and (held := [one for one in self.server.snapshots if one.get("retain")]):
            held[-1]["retain"] = False
            self.by_hand.discard(held[-1]["snapshot_id"])
        elif what == "a person deletes" and len(self.server.snapshots) > 1:
            self.by_hand.discard(self.server.snapshots.pop(0)["snapshot_id"])
        self.by_hand &= {one["snapshot_id"] for one in self.server.snapshots}

    @property
    def marked(self) -> frozenset[str]:
        marker = None if self.server.job is None else read_marker(self.server.job)
        return frozenset() if marker is None else marker.snapshots


_EVENTS = ["time", "time", "time", "expiry", "a person retains", "a person lets go", "a person deletes"]


@st.composite
def histories(draw: Any, *, lossless: bool = True) -> History:
    """A job that has read on for a while under changing declarations, with an operator that is killed now and then."""
    desired = draw(pairs)
    assert isinstance(desired.job, DesiredJob)
    policy = draw(policies)
    if lossless:
        policy = replace(policy, replace=ReplacePolicy.NEVER, replace_datafeed=ReplacePolicy.NEVER)
    history = History(server=Server(), desired=declaring(desired, draw(choices)), policy=policy)
    history.apply()
    for _ in range(draw(st.integers(1, 6))):
        for what in draw(st.lists(st.sampled_from(_EVENTS), max_size=4)):
            history.happen(what)
        if draw(st.integers(0, 2)) == 0:
            history.desired = declaring(history.desired, draw(choices))
        history.apply(killed_after=draw(st.sampled_from([None, None, 0, 1, 2, 3])))
    return history


@given(histories())
def test_what_is_declared_and_there_is_retained(history):
    history.apply()
    assert wanted_ids(history.desired, history.server) <= retained(history.server)


@given(histories())
def test_nobodys_snapshot_but_our_own_is_let_go(history):
    """What a person retained stays retained, declared or not, wherever the operator was killed in between."""
    history.apply()
    assert history.by_hand <= retained(history.server)


@given(histories())
def test_what_is_declared_no_more_is_let_go_and_no_mark_is_left(history):
    history.desired = declaring(history.desired, ())
    history.apply()
    assert retained(history.server) == history.by_hand
    assert history.marked == frozenset()


@given(histories(), choices)
def test_the_server_keeps_what_the_mark_says(history, snapshots):
    """A mark names what is retained and declared; nothing that is gone, and nothing that is let go."""
    history.desired = declaring(history.desired, snapshots)
    history.apply()
    assert history.marked <= retained(history.server)
    assert history.marked <= wanted_ids(history.desired, history.server)


@given(histories(), choices, st.integers(0, 8))
def test_a_kill_at_any_step_leads_to_the_same_end(history, snapshots, killed_after):
    history.desired = declaring(history.desired, snapshots)
    server = history.server.copy()
    history.apply()
    other = History(server=server, desired=history.desired, policy=history.policy)
    other.apply(killed_after=killed_after)
    other.apply()
    assert retained(other.server) == retained(history.server)
    assert other.marked == history.marked


@given(histories(lossless=False), pairs, policies, choices)
def test_no_policy_loses_a_snapshot_that_the_manifest_retains(history, other, policy, snapshots):
    """Neither a reset nor a new creation; both go on once the snapshots are taken out of the manifest."""
    history.apply()
    held = wanted_ids(declaring(history.desired, snapshots), history.server)
    history.desired, history.policy = declaring(other, snapshots), policy
    steps = plan(history.desired, history.server.observe(), policy).steps
    if held:
        assert not any(isinstance(step, ResetJob | DeleteJob) for step in steps)


@given(histories())
def test_the_rest_of_a_plan_is_as_without_snapshots(history):
    """Retaining stops nothing, closes nothing and changes no field of the job but the mark."""
    server = history.server
    history.apply()
    history.happen("time")
    history.desired = declaring(history.desired, (SnapshotChoice(before=EPOCH + 1000 * SPAN),))
    before = plan(declaring(history.desired, ()), server.observe(), history.policy).steps
    if not before:
        for step in plan(history.desired, server.observe(), history.policy).steps:
            assert isinstance(step, UpdateSnapshot) or set(getattr(step, "body", {})) == {"custom_settings"}


@given(histories())
def test_an_export_asks_for_what_is_retained_and_changes_nothing(history):
    history.apply()
    said = export_retained(history.server.snapshots)
    assert {one["snapshot_id"] for one in said} == retained(history.server)
    history.desired = declaring(history.desired, tuple(SnapshotChoice(**one) for one in said))
    assert not any(isinstance(step, UpdateSnapshot) for step in history.apply())


# -- what is told ------------------------------------------------------------------------------------------------------


def a_job(*snapshots: SnapshotChoice, read: int = 12) -> tuple[Server, Desired]:
    body = {"analysis_config": {"detectors": [{"function": "count"}]}, "data_description": {}}
    desired = Desired(owner=OWNER, job=DesiredJob(job_id="logs", body=body, snapshots=snapshots))
    server = Server()
    for step in plan(replace(desired, job=replace(desired.job, snapshots=())), server.observe()).steps:
        server.execute(step)
    server.analysed = list(range(read))
    server.take_snapshot()
    return server, desired


def told(server: Server, desired: Desired) -> list[Obstacle]:
    return list(plan(desired, server.observe()).obstacles)


def test_a_snapshot_that_is_not_there_is_named_with_those_that_are():
    server, desired = a_job(SnapshotChoice(snapshot_id="77"), SnapshotChoice(snapshot_id="1"))
    (said,) = told(server, desired)
    assert said.reason == "SnapshotNotFound"
    assert not said.waiting
    assert "has no snapshot 77" in said.message
    assert "there are: 1 (until " in said.message
    (_, call) = plan(desired, server.observe()).steps
    assert isinstance(call, UpdateSnapshot)
    assert call.snapshot_id == "1"


def test_a_time_that_the_job_has_not_reached_is_waited_for_in_silence():
    server, desired = a_job(SnapshotChoice(before=EPOCH + 50 * SPAN))
    server.snapshots.clear()
    assert told(server, desired) == []
    passed = replace(desired, job=replace(desired.job, snapshots=(SnapshotChoice(before=EPOCH + 5 * SPAN),)))
    (said,) = told(server, passed)
    assert said.reason == "SnapshotNotFound"
    assert "has no snapshot from before" in said.message


def test_a_job_that_is_created_cannot_have_a_snapshot_of_an_id():
    _, desired = a_job(SnapshotChoice(snapshot_id="77"), SnapshotChoice(before=EPOCH))
    (said,) = told(Server(), desired)
    assert said.reason == "SnapshotNotFound"


def test_a_manifest_that_cannot_be_read_lets_nothing_go():
    server, desired = a_job(SnapshotChoice(snapshot_id="1"))
    for step in plan(desired, server.observe()).steps:
        server.execute(step)
    unreadable = replace(desired, job=DesiredJob(job_id="logs", body=None, opened=None, snapshots=None))
    assert plan(unreadable, server.observe()).empty
    assert retained(server) == {"1"}


def test_snapshots_that_were_not_asked_for_are_said_to_be_unknown():
    server, desired = a_job(SnapshotChoice(snapshot_id="1"))
    seen = server.observe()
    made = plan(desired, replace(seen, job=replace(seen.job, snapshots=None)))
    assert made.empty
    assert made.unchecked == ("which model snapshots job logs has",)


def test_the_newest_is_by_what_it_has_learnt():
    """After a revert snapshots of the same time are made again; the later one of two counts."""
    old, again = ({"snapshot_id": name, "latest_record_time_stamp": 5, "timestamp": at} for at, name in enumerate("ab"))
    ahead = {"snapshot_id": "c", "latest_record_time_stamp": 9, "timestamp": 1}
    assert newest_before([ahead, again, old], 9) == again
    assert newest_before([ahead, again, old], 10) == ahead
