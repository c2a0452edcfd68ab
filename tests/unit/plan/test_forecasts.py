"""The course of forecasts: laws over generated histories of kills, failures, edits and what hands do on the server."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops.plan import (
    AskForForecast,
    Call,
    CloseJob,
    DatafeedState,
    DeleteForecast,
    ForecastRequest,
    JobState,
    Marker,
    Note,
    Observed,
    ObservedDatafeed,
    ObservedJob,
    OpenJob,
    Owner,
    Rest,
    SeenJob,
    Step,
    Tone,
    forecast_holds_job,
    forecast_refused,
    plan_forecast,
    why_never,
)
from anomalyops.plan.requests.forecasts import SETTLING
from anomalyops.resources import AnomalyForecastSpec, AnomalyForecastStatus, DeletionPolicy, Reason
from laws import law

OWNER = Owner(cluster="c1", namespace="team", name="web", uid="u1")
THEIRS = Owner(cluster="c1", namespace="other", name="web", uid="u2")
BEGIN = datetime(2026, 11, 26, 12, 0, 30, tzinfo=UTC)
CONFIG: dict[str, Any] = {
    "job_id": "web",
    "analysis_config": {"bucket_span": "15m", "detectors": [{"function": "mean", "field_name": "value"}]},
}


class Killed(Exception):
    """The operator is killed here."""


@dataclass
class Server:
    """One job with Elasticsearch's rules for forecasts, and a clock."""

    now: datetime = BEGIN
    state: JobState = JobState.OPENED
    fed: bool = False
    exists: bool = True
    owner: Owner = OWNER
    asked: list[datetime] = field(default_factory=list)  # requests that were accepted, whatever became of them
    forecasts: dict[str, dict[str, Any]] = field(default_factory=dict)
    shows_after: timedelta = timedelta(0)  # how long an accepted forecast is not shown
    closed_while_running: int = 0

    def observed(self) -> Observed:
        if not self.exists:
            return Observed(job=None, datafeed=None)
        settings = {"custom_settings": Marker(owner=self.owner).settings()}
        stats = {"model_size_stats": {"memory_status": "ok"}, "data_counts": {"processed_record_count": 9}}
        feed = ObservedDatafeed(
            config={"datafeed_id": "f"}, state=DatafeedState.STARTED if self.fed else DatafeedState.STOPPED
        )
        return Observed(job=ObservedJob(config=CONFIG | settings, state=self.state, stats=stats), datafeed=feed)

    def shown(self) -> dict[str, dict[str, Any]]:
        return {
            name: one
            for name, one in self.forecasts.items()
            if self.now - datetime.fromtimestamp(one["forecast_create_timestamp"] / 1000, UTC) >= self.shows_after
        }

    def ask(self, options: Mapping[str, str]) -> str:
        assert self.exists
        assert self.state is JobState.OPENED
        self.asked.append(self.now)
        return self.begin(f"f{len(self.asked)}", hours=int(options["duration"].removesuffix("h")))

    def begin(self, name: str, *, hours: int) -> str:
        at = round(self.now.timestamp() * 1000)
        self.forecasts[name] = {
            "forecast_id": name,
            "forecast_status": "started",
            "forecast_progress": 0.5,
            "forecast_create_timestamp": at,
            "forecast_start_timestamp": at,
            "forecast_end_timestamp": at + hours * 3_600_000,
            "forecast_expiry_timestamp": at + 86_400_000,
            "processed_record_count": 3,
        }
        return name

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        if self.state is JobState.OPENED:
            for one in self.forecasts.values():
                one["forecast_status"], one["forecast_progress"] = "finished", 1.0

    def send(self, step: Step) -> str:
        match step:
            case OpenJob():
                assert self.state is JobState.CLOSED
                self.state = JobState.OPENED
            case CloseJob():
                assert not self.fed
                running = [one for one in self.forecasts.values() if one["forecast_status"] == "started"]
                self.closed_while_running += len(running)
                self.state = JobState.CLOSED
            case AskForForecast(options=options):
                return self.ask(options)
            case DeleteForecast(forecast_id=name):
                assert self.forecasts.pop(name)["forecast_status"] == "finished"
            case _:
                raise AssertionError(step)
        return ""


@dataclass
class Operator:
    """Carries a forecast out as the reconciler does: what it stores survives a kill."""

    server: Server
    spec: AnomalyForecastSpec
    status: AnomalyForecastStatus = field(default_factory=AnomalyForecastStatus)
    leaving: bool = False
    kills: list[int] = field(default_factory=list)  # after so many effects, one each
    effects: int = 0
    occasions: list[str] = field(default_factory=list)  # what the server was asked for
    last: Rest[AnomalyForecastStatus] | None = None

    def effect(self) -> None:
        self.effects += 1
        if self.kills and self.effects >= self.kills[0]:
            self.kills.pop(0)
            self.effects = 0
            raise Killed

    def request(self, *, just_noted: bool = False, answer: str = "") -> ForecastRequest:
        job = SeenJob(name="web", job_id="web", owner=OWNER, observed=self.server.observed())
        return ForecastRequest(
            spec=self.spec,
            status=self.status,
            created=BEGIN,
            now=self.server.now,
            leaving=self.leaving,
            job=job,
            forecasts=self.server.shown(),
            just_noted=just_noted,
            answer=answer,
        )

    def run(self) -> Rest[AnomalyForecastStatus]:
        just_noted, answer = False, ""
        for _ in range(40):
            move = plan_forecast(self.request(just_noted=just_noted, answer=answer))
            if isinstance(move, Rest):
                self.last = move
                return move
            if isinstance(move, Note):
                # As it comes back from the API server.
                self.status = AnomalyForecastStatus.model_validate(move.status.manifest())
                just_noted, answer = True, ""
                self.effect()
            else:
                assert isinstance(move, Call)
                just_noted = False
                if isinstance(move.step, AskForForecast) and self.status.operation is not None:
                    self.occasions.append(self.status.operation.occasion)
                answer = self.server.send(move.step)
                self.effect()
        raise AssertionError("it does not come to rest")

    def settle(self, *, seconds: float = 2, runs: int = 600) -> Rest[AnomalyForecastStatus]:
        """Runs, killed as often as is planned, until nothing is on its way."""
        for _ in range(runs):
            try:
                rest = self.run()
            except Killed:
                rest = None
            if rest is not None and self.status.operation is None and rest.standing.tone is not Tone.WORKING:
                return rest
            self.server.pass_time(seconds)
        raise AssertionError(f"it does not settle: {self.last}")


def spec_of(**fields: Any) -> AnomalyForecastSpec:
    return AnomalyForecastSpec(job_ref={"name": "web"}, **fields)


specs = st.builds(
    spec_of,
    duration=st.sampled_from(["1h", "12h"]),
    open_closed_job=st.just(True),
    history_limit=st.integers(1, 3),
    deletion_policy=st.sampled_from([DeletionPolicy.RETAIN, DeletionPolicy.DELETE]),
)
kills = st.lists(st.integers(1, 6), max_size=6)
states = st.sampled_from([JobState.OPENED, JobState.CLOSED])
delays = st.sampled_from([timedelta(0), timedelta(seconds=5), SETTLING - timedelta(seconds=4)])


@law(examples=150)
@given(spec=specs, state=states, kills=kills, shows_after=delays, others=st.integers(0, 2))
def test_wherever_it_is_killed_a_forecast_is_asked_for_once_and_the_job_left_as_it_was(
    spec: AnomalyForecastSpec, state: JobState, kills: list[int], shows_after: timedelta, others: int
) -> None:
    server = Server(state=state, shows_after=shows_after)
    for number in range(others):
        server.begin(f"earlier{number}", hours=int(spec.duration.removesuffix("h")))
        server.pass_time(60)
        server.forecasts[f"earlier{number}"]["forecast_status"] = "finished"
    server.now += timedelta(seconds=1)
    operator = Operator(server, spec, kills=kills)
    rest = operator.settle()
    assert rest.standing.reason is Reason.FORECAST_FINISHED
    assert len(server.asked) == 1
    assert len(server.forecasts) == others + 1
    assert operator.status.history is not None
    assert [one.forecast_id for one in operator.status.history] == ["f1"]
    assert server.state is state
    assert server.closed_while_running == 0
    assert not forecast_holds_job(operator.status)
    before = operator.status
    server.pass_time(3600)
    assert operator.run().standing.reason is Reason.FORECAST_FINISHED
    assert (operator.status, len(server.asked)) == (before, 1)


@law(examples=60)
@given(spec=specs, kills=kills, minutes=st.lists(st.integers(1, 200), min_size=1, max_size=5))
def test_a_schedule_asks_once_for_each_time_that_it_sees_to(
    spec: AnomalyForecastSpec, kills: list[int], minutes: list[int]
) -> None:
    """Time passes in leaps: of the times that were missed, the latest is made up for."""
    spec = spec.model_copy(update={"schedule": "*/10 * * * *"})
    server = Server()
    operator = Operator(server, spec, kills=kills)
    operator.settle()
    assert server.asked == []
    for leap in minutes:
        due = _tens(server.now + timedelta(minutes=leap)) - _tens(server.now)
        asked = len(server.asked)
        server.pass_time(60 * leap)
        operator.settle(seconds=1)
        # A course that kills drag out may run into the next time.
        assert len(server.asked) - asked in ({1, 2} if due else {0, 1})
        assert len(set(operator.occasions)) == len(operator.occasions) == len(server.asked)
        assert operator.status.history is None or len(operator.status.history) <= spec.history_limit
    if spec.deletion_policy is DeletionPolicy.DELETE:
        assert set(server.forecasts) <= {one.forecast_id for one in operator.status.history or ()}


def _tens(at: datetime) -> int:
    return int(at.timestamp()) // 600


@law(examples=100)
@given(spec=specs, state=states, kills=kills, at=st.integers(0, 8))
def test_a_deletion_at_any_moment_leaves_the_job_as_it_was_and_does_what_its_policy_says(
    spec: AnomalyForecastSpec, state: JobState, kills: list[int], at: int
) -> None:
    server = Server(state=state)
    operator = Operator(server, spec, kills=[*([at] if at else []), *kills])
    with contextlib.suppress(Killed):
        if at:
            operator.run()
    operator.leaving = True
    for _ in range(120):
        try:
            rest = operator.run()
        except Killed:
            continue
        if rest.released:
            break
        server.pass_time(2)
    else:
        raise AssertionError(operator.last)
    assert server.state is state
    assert len(server.asked) <= 1
    if spec.deletion_policy is DeletionPolicy.DELETE:
        assert server.forecasts == {}


@law(examples=100)
@given(spec=specs, at=st.integers(1, 6), state=states, hand=st.sampled_from(["close", "delete job", "delete forecast"]))
def test_what_hands_do_meanwhile_ends_it_and_asks_for_no_second_one(
    spec: AnomalyForecastSpec, at: int, state: JobState, hand: str
) -> None:
    server = Server(state=state)
    operator = Operator(server, spec, kills=[at])
    with contextlib.suppress(Killed):
        operator.run()
    if hand == "close":
        server.state = JobState.CLOSED
    elif hand == "delete job":
        server.exists, server.forecasts = False, {}
    else:
        server.forecasts = {}
    for _ in range(200):
        with contextlib.suppress(Killed):
            operator.run()
        server.pass_time(2)
        if operator.status.operation is None and (operator.status.history or not server.exists):
            break
    assert operator.status.operation is None
    # What nobody can find any more (deleted before it was seen) may be asked for again; nothing else is.
    assert len(server.asked) <= (2 if hand == "delete forecast" else 1)


@law(examples=60)
@given(spec=specs, state=states, passing=st.booleans())
def test_a_refusal_ends_it_or_leaves_the_occasion_for_later(
    spec: AnomalyForecastSpec, state: JobState, passing: bool
) -> None:
    server = Server(state=state)
    operator = Operator(server, spec)
    request = operator.request()
    move: Any = None
    while not (isinstance(move, Call) and isinstance(move.step, AskForForecast)):
        move = plan_forecast(request)
        if isinstance(move, Note):
            operator.status = move.status
            request = operator.request(just_noted=True)
        else:
            assert isinstance(move, Call)
            if not isinstance(move.step, AskForForecast):
                server.send(move.step)
                request = operator.request()
    words = "Cannot run forecast: Forecast cannot be executed due to queue limit." if passing else "Cannot run: no"
    operator.status = forecast_refused(operator.request(), move.step, words, rejected=True)
    rest = operator.settle() if not passing or state is JobState.CLOSED else operator.run()
    assert server.state is state
    if passing and state is JobState.OPENED:
        assert operator.status.history is None or len(server.asked) == 1
    else:
        assert rest.standing.reason is Reason.FORECAST_FAILED
        assert words in rest.standing.message
        assert server.asked == []


def test_a_time_that_came_too_late_is_left_out() -> None:
    spec = spec_of(duration="1h", schedule="0 * * * *", starting_deadline="5m")
    server = Server(now=BEGIN)
    operator = Operator(server, spec)
    server.pass_time(70 * 60)
    rest = operator.run()
    assert rest.standing.reason is Reason.FORECAST_FAILED
    assert "it was not begun within 5m" in rest.standing.message
    assert server.asked == []
    server.pass_time(50 * 60)
    assert operator.settle(seconds=1).standing.reason is Reason.FORECAST_FINISHED


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        ({"owner": THEIRS}, Reason.WAITING_FOR_JOB, "is managed by AnomalyJob other/web"),
        ({"exists": False}, Reason.WAITING_FOR_JOB, "does not exist on the server"),
        ({"state": JobState.CLOSED}, Reason.JOB_NOT_OPEN, "spec.openClosedJob: true"),
        ({"state": JobState.OPENING}, Reason.STARTING, "is opening"),
        ({"state": JobState.FAILED}, Reason.WAITING_FOR_JOB, "has failed"),
    ],
)
def test_why_the_server_is_not_asked(change: dict[str, Any], reason: Reason, words: str) -> None:
    server = replace(Server(), **change)
    rest = Operator(server, spec_of()).run()
    assert rest.standing.reason is reason
    assert words in rest.standing.message
    assert server.asked == []


def test_another_request_at_work_is_waited_for() -> None:
    operator = Operator(Server(), spec_of())
    move = plan_forecast(replace(operator.request(), alone=False))
    assert isinstance(move, Rest)
    assert move.standing.reason is Reason.OPERATION_RUNNING


@pytest.mark.parametrize(
    ("detectors", "words"),
    [
        ([{"function": "count"}, {"function": "mean", "over_field_name": "user"}], "detector 1 (over user)"),
        ([{"function": "rare", "by_field_name": "x"}, {"function": "time_of_day"}], "rare, time_of_day have no values"),
        ([{"function": "high_info_content", "field_name": "x"}], "high_info_content"),
        ([{"function": "rare", "by_field_name": "x"}, {"function": "count"}], ""),
        ([{"function": "avg", "field_name": "x", "by_field_name": "y", "partition_field_name": "z"}], ""),
    ],
)
def test_what_can_never_be_forecast(detectors: list[dict[str, Any]], words: str) -> None:
    found = why_never({"analysis_config": {"bucket_span": "15m", "detectors": detectors}}, "1d")
    assert (words in found) if words else not found


def test_a_forecast_reaches_a_bucket_at_least() -> None:
    assert "shorter than the job's bucket span 15m" in why_never(CONFIG, "10m")
    assert not why_never(CONFIG, "900s")
