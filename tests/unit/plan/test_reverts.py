"""The course of reverts: laws over generated histories of kills, refusals, deletions and what hands do meanwhile."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops.plan import (
    AddCalendarJobs,
    Call,
    CloseJob,
    CreateCalendar,
    DatafeedState,
    DeleteCalendar,
    JobState,
    LookbackRecord,
    Marker,
    Note,
    Observed,
    ObservedDatafeed,
    ObservedJob,
    OpenJob,
    Owner,
    PostEvents,
    Rest,
    RevertJob,
    RevertRequest,
    SeenJob,
    SkipCalendar,
    StartDatafeed,
    Step,
    StopDatafeed,
    Tone,
    Window,
    plan_revert,
    revert_holds_job,
    revert_refused,
    skip_calendar_id,
)
from anomalyops.plan.pair.lookback import RunState
from anomalyops.resources import DeletionPolicy, ModelSnapshotRevert, ModelSnapshotRevertStatus, Reason
from laws import law

OWNER = Owner(cluster="c1", namespace="team", name="web", uid="u1")
BEGIN = datetime(2026, 11, 26, 12, tzinfo=UTC)
DAY_MS = 86_400_000
NEW_YEAR = 1_767_225_600_000  # 2026
SNAPSHOTS = [  # the newest first
    {"snapshot_id": "3", "timestamp": NEW_YEAR + 30 * DAY_MS, "latest_record_time_stamp": NEW_YEAR + 3 * DAY_MS},
    {"snapshot_id": "2", "timestamp": NEW_YEAR + 20 * DAY_MS, "latest_record_time_stamp": NEW_YEAR + 2 * DAY_MS},
    {"snapshot_id": "1", "timestamp": NEW_YEAR + 10 * DAY_MS},  # made before any record came
]
PERIOD = {"start": "2026-11-25", "end": "2026-11-26"}


class Killed(Exception):
    """The operator is killed here."""


class Refused(Exception):
    """What the server answers with a 4xx."""


@dataclass
class Server:
    """One job and its datafeed, with Elasticsearch's rules for reverts."""

    state: JobState = JobState.OPENED
    fed: bool = True
    has_feed: bool = True
    exists: bool = True
    snapshot: str | None = "3"
    log_time: int | None = 1
    latest_record: int | None = 5 * DAY_MS
    lookback: bool = False
    calendar: SkipCalendar = field(default_factory=SkipCalendar)
    reverted: list[str] = field(default_factory=list)
    learnt_since: list[str] = field(default_factory=list)  # what ran after a revert
    refuses: frozenset[type[Step]] = frozenset()
    starts: list[tuple[str | None, str | None]] = field(default_factory=list)

    def observed(self) -> Observed:
        if not self.exists:
            return Observed(job=None, datafeed=None)
        window = Window(start=None, end="2026-11-01")
        record = LookbackRecord(window=window, state=RunState.ENDED) if self.lookback else None
        config: dict[str, Any] = {"custom_settings": Marker(owner=OWNER, lookback=record).settings()}
        if self.snapshot is not None:
            config["model_snapshot_id"] = self.snapshot
        size = {} if self.log_time is None else {"log_time": self.log_time}
        stats = {"model_size_stats": size, "data_counts": {"latest_record_timestamp": self.latest_record}}
        state = DatafeedState.STARTED if self.fed else DatafeedState.STOPPED
        feed = ObservedDatafeed(config={"datafeed_id": "f"}, state=state) if self.has_feed else None
        return Observed(job=ObservedJob(config=config, state=self.state, stats=stats), datafeed=feed)

    def send(self, step: Step) -> None:
        if type(step) in self.refuses:
            raise Refused("no")
        match step:
            case StopDatafeed():
                self.fed = False
            case CloseJob(force=force):
                assert not self.fed
                assert force == (self.state is JobState.FAILED)
                self.state = JobState.CLOSED
            case CreateCalendar(body=body):
                assert self.calendar.job_ids is None
                self.calendar = SkipCalendar(job_ids=frozenset(body["job_ids"]))
            case PostEvents(events=events):
                self.calendar = SkipCalendar(job_ids=self.calendar.job_ids, events=(*self.calendar.events, *events))
            case AddCalendarJobs(job_ids=names):
                there = (self.calendar.job_ids or frozenset()) | set(names)
                self.calendar = SkipCalendar(job_ids=there, events=self.calendar.events)
            case DeleteCalendar():
                self.calendar = SkipCalendar()
            case RevertJob(snapshot_id=snapshot, delete_intervening_results=again):
                assert self.state is JobState.CLOSED
                self.reverted.append(snapshot)
                self.snapshot = None if snapshot == "empty" else snapshot
                self.log_time = None if snapshot == "empty" else 1 + (self.log_time or 0)
                if again:
                    self.latest_record = None if snapshot in {"empty", "1"} else int(snapshot) * DAY_MS
            case OpenJob():
                assert self.state is JobState.CLOSED
                self.state = JobState.OPENED
            case StartDatafeed(start=start, end=end):
                assert self.state is JobState.OPENED
                assert start is None or self.latest_record is None
                self.fed = True
                self.starts.append((start, end))
            case _:
                raise AssertionError(step)


@dataclass
class Operator:
    """Carries a revert out as the reconciler does: what it stores survives a kill."""

    server: Server
    spec: Mapping[str, Any]
    status: ModelSnapshotRevertStatus = field(default_factory=ModelSnapshotRevertStatus)
    leaving: bool = False
    now: datetime = BEGIN
    kills: list[int] = field(default_factory=list)
    effects: int = 0
    feed_end: str | None = None
    held: bool = True  # whether the job was left to it whenever it acted

    def effect(self) -> None:
        self.effects += 1
        if self.kills and self.effects >= self.kills[0]:
            self.kills.pop(0)
            self.effects = 0
            raise Killed

    def request(self, called: Step | None = None) -> RevertRequest:
        metadata: dict[str, Any] = {"name": "back", "namespace": "team"}
        if self.leaving:
            metadata["deletionTimestamp"] = BEGIN.isoformat()
        resource = ModelSnapshotRevert.model_validate(
            {"metadata": metadata, "spec": {"jobRef": {"name": "web"}, **self.spec}}
        )
        job = SeenJob(
            name="web",
            job_id="web",
            owner=OWNER,
            observed=self.server.observed(),
            wants_feed=True,
            feed_start="2020-01-01",
            feed_end=self.feed_end,
        )
        return RevertRequest(
            resource=resource,
            status=self.status,
            now=self.now,
            job=job,
            snapshots=SNAPSHOTS,
            calendar=self.server.calendar,
            called=called,
        )

    def run(self) -> Rest[ModelSnapshotRevertStatus]:
        called: Step | None = None
        for _ in range(60):
            move = plan_revert(self.request(called))
            called = None
            if isinstance(move, Rest):
                return move
            if isinstance(move, Note):
                self.status = ModelSnapshotRevertStatus.model_validate(move.status.manifest())
                self.effect()
                continue
            assert isinstance(move, Call)
            self.held = self.held and (revert_holds_job(self.status) or self.leaving)
            try:
                self.server.send(move.step)
            except Refused as error:
                self.status = revert_refused(self.request(), move.step, str(error))
                continue
            called = move.step
            self.effect()
        raise AssertionError("it does not come to rest")

    def settle(self) -> Rest[ModelSnapshotRevertStatus]:
        for _ in range(60):
            with contextlib.suppress(Killed):
                rest = self.run()
                if self.status.operation is None and rest.standing.tone is not Tone.WORKING:
                    return rest
            self.now += timedelta(seconds=2)
        raise AssertionError(f"it does not settle: {self.status}")


targets = st.sampled_from(
    [
        ({"snapshotId": "1"}, "1"),
        ({"snapshotId": "3"}, "3"),
        ({"snapshotId": "empty"}, "empty"),
        ({"before": str(NEW_YEAR + 3 * DAY_MS)}, "2"),  # a record at that very time is not before it
        ({"before": str(NEW_YEAR + 40 * DAY_MS)}, "1"),
        ({"before": str(NEW_YEAR + 3 * DAY_MS + 1)}, "3"),
    ]
)
options = st.sampled_from(
    [
        {},
        {"deleteInterveningResults": False},
        {"skipPeriod": PERIOD},
        {"skipPeriod": PERIOD, "deletionPolicy": "Delete"},
    ]
)
kills = st.lists(st.integers(1, 8), max_size=8)
beginnings = st.sampled_from(
    [(JobState.OPENED, True), (JobState.OPENED, False), (JobState.CLOSED, False), (JobState.FAILED, False)]
)


@law(examples=250)
@given(target=targets, option=options, begin=beginnings, kills=kills, current=st.sampled_from([None, "2", "3"]))
def test_wherever_it_is_killed_a_job_goes_back_once_and_runs_as_before(
    target: tuple[dict[str, Any], str],
    option: dict[str, Any],
    begin: tuple[JobState, bool],
    kills: list[int],
    current: str | None,
) -> None:
    spec, snapshot = target
    state, fed = begin
    server = Server(state=state, fed=fed, snapshot=current)
    operator = Operator(server, {**spec, **option}, kills=kills)
    rest = operator.settle()
    assert rest.standing.reason is Reason.REVERTED
    assert server.reverted == [snapshot]
    assert operator.status.snapshot_id == snapshot
    assert server.state is (JobState.CLOSED if state is JobState.CLOSED else JobState.OPENED)
    assert server.fed is fed
    assert operator.held
    if "skipPeriod" in option:
        assert server.calendar.job_ids == {"web"}
        assert len(server.calendar.events) == 1
    before = operator.status
    operator.now += timedelta(hours=1)
    assert operator.run().standing.reason is Reason.REVERTED
    assert (operator.status, server.reverted) == (before, [snapshot])


@law(examples=150)
@given(
    target=targets,
    option=options,
    begin=beginnings,
    kills=kills,
    refused=st.sampled_from([StopDatafeed, CloseJob, CreateCalendar, PostEvents, RevertJob, OpenJob, StartDatafeed]),
)
def test_a_refusal_brings_back_what_ran_before(
    target: tuple[dict[str, Any], str],
    option: dict[str, Any],
    begin: tuple[JobState, bool],
    kills: list[int],
    refused: type[Step],
) -> None:
    state, fed = begin
    server = Server(state=state, fed=fed, refuses=frozenset({refused}))
    operator = Operator(server, {**target[0], **option}, kills=kills)
    rest = operator.settle()
    failed = rest.standing.reason is Reason.REVERT_FAILED
    assert failed == (operator.status.message is not None)
    assert len(server.reverted) <= 1
    if refused not in {OpenJob, StartDatafeed} and failed:
        assert server.reverted == []
    if refused not in {OpenJob, StartDatafeed, CloseJob} or not failed:
        assert server.fed is (fed and not (failed and refused is StartDatafeed))
        assert server.state is not JobState.FAILED


@law(examples=200)
@given(target=targets, option=options, begin=beginnings, at=st.integers(0, 14), kills=kills)
def test_a_deletion_at_any_moment_leaves_nothing_half_done(
    target: tuple[dict[str, Any], str],
    option: dict[str, Any],
    begin: tuple[JobState, bool],
    at: int,
    kills: list[int],
) -> None:
    state, fed = begin
    server = Server(state=state, fed=fed)
    operator = Operator(server, {**target[0], **option}, kills=[*([at] if at else []), *kills])
    with contextlib.suppress(Killed):
        if at:
            operator.run()
    operator.leaving = True
    for _ in range(60):
        with contextlib.suppress(Killed):
            if operator.run().released:
                break
    else:
        raise AssertionError(operator.status)
    assert operator.status.operation is None
    assert len(server.reverted) <= 1
    assert server.fed is fed
    assert server.state in ({JobState.OPENED, state} if state is not JobState.CLOSED else {JobState.CLOSED})
    if option.get("deletionPolicy") == "Delete":
        assert server.calendar.job_ids is None


@law(examples=100)
@given(target=targets, at=st.integers(1, 12), hand=st.sampled_from(["open", "start", "close", "delete"]))
def test_what_hands_do_meanwhile_leads_to_no_second_one(target: tuple[dict[str, Any], str], at: int, hand: str) -> None:
    server = Server()
    operator = Operator(server, target[0], kills=[at])
    with contextlib.suppress(Killed):
        operator.run()
    if hand == "delete":
        server.exists = False
    elif hand == "close":
        server.state, server.fed = JobState.CLOSED, False
    else:
        server.state, server.fed = JobState.OPENED, hand == "start"
    rest = operator.settle() if server.exists else operator.run()
    assert operator.status.operation is None
    if server.exists:
        assert rest.standing.reason is Reason.REVERTED
        # A job that is opened between the call and the look keeps what the call has done.
        assert server.reverted == [target[1]]


def test_a_bounded_run_that_was_over_is_made_again() -> None:
    server = Server(state=JobState.CLOSED, fed=False, lookback=True)
    operator = Operator(server, {"snapshotId": "empty"}, feed_end="2026-11-01")
    assert operator.settle().standing.reason is Reason.REVERTED
    assert server.starts == [("2020-01-01", "2026-11-01")]


@pytest.mark.parametrize("spec", [{"snapshotId": "9"}, {"before": "2026-01-01"}])
def test_a_snapshot_that_is_not_there_is_said_with_those_that_are(spec: dict[str, Any]) -> None:
    server = Server()
    rest = Operator(server, spec).run()
    assert (rest.standing.tone, rest.standing.reason) == (Tone.STUCK, Reason.SNAPSHOT_NOT_FOUND)
    assert (
        "there are: 3 (until 2026-01-04T00:00:00Z), 2 (until 2026-01-03T00:00:00Z), 1 (until" in rest.standing.message
    )
    assert server.fed


def test_calendars_of_reverts_have_names_of_their_own() -> None:
    names = {skip_calendar_id(*one) for one in [("a", "x"), ("b", "x"), ("a", "y"), ("a", "y" * 250), ("a", "y" * 249)]}
    assert len(names) == 5
    assert all(len(name) <= 64 for name in names)
    assert DeletionPolicy.DELETE.value == "Delete"
