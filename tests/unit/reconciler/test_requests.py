"""Carrying requests out: whatever the server answers or does not, and whatever cannot be stored, it is done once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops.elastic import (
    Conflict,
    Forbidden,
    GatewayError,
    Rejected,
    ServerError,
    ServerPair,
    Timeout,
    Unreachable,
)
from anomalyops.plan import Marker, Owner, SeenJob
from anomalyops.reconciler import ForecastUnit, Requests
from anomalyops.reconciler.revert_unit import RevertUnit
from anomalyops.resources import (
    AnomalyForecast,
    AnomalyForecastStatus,
    ConditionStatus,
    ConditionType,
    ModelSnapshotRevert,
    ModelSnapshotRevertStatus,
    Reason,
    find_condition,
)
from laws import law

OWNER = Owner(cluster="c1", namespace="team", name="web", uid="u1")
BEGIN = datetime(2026, 11, 26, 12, tzinfo=UTC)


class NotStored(Exception):
    """The Kubernetes API does not answer."""


class Server:
    """One job. `answers` are what the next requests for a forecast end with; None lets one through.

    An error with `done` is raised though the forecast was begun.
    """

    def __init__(self, *, state: str = "opened", answers: list[tuple[GatewayError, bool] | None] | None = None) -> None:
        self.state, self.answers = state, list(answers or [])
        self.now = BEGIN
        self.asked = 0
        self.documents: dict[str, dict[str, Any]] = {}
        self.forecasts = self

    async def pair(self, job_id: str, datafeed_id: str | None) -> ServerPair:
        analysis = {"bucket_span": "15m", "detectors": [{"function": "count"}]}
        config = {"job_id": job_id, "analysis_config": analysis, "custom_settings": Marker(owner=OWNER).settings()}
        stats = {"state": self.state, "data_counts": {"processed_record_count": 1}}
        return ServerPair(job=config, job_stats=stats, datafeed=None, datafeed_stats=None)

    async def of_job(self, job_id: str) -> dict[str, dict[str, Any]]:
        return dict(self.documents)

    async def open_job(self, job_id: str) -> None:
        self.state = "opened"

    async def close_job(self, job_id: str, *, force: bool = False) -> None:
        self.state = "closed"

    async def create_forecast(self, job_id: str, options: Mapping[str, str]) -> str:
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None and not answer[1]:
            raise answer[0]
        self.asked += 1
        name, at = f"f{self.asked}", round(self.now.timestamp() * 1000)
        self.documents[name] = {
            "forecast_id": name,
            "forecast_status": "finished",
            "forecast_progress": 1.0,
            "forecast_create_timestamp": at,
            "forecast_start_timestamp": at,
            "forecast_end_timestamp": at + 86_400_000,
        }
        if answer is not None:
            raise answer[0]
        return name


class Stored:
    """The Kubernetes side: what was stored, and which of the next writes fail."""

    def __init__(self, failing: list[bool] | None = None) -> None:
        self.status = AnomalyForecastStatus()
        self.failing = list(failing or [])
        self.gone = False

    async def store(self, status: AnomalyForecastStatus) -> bool:
        if self.failing and self.failing.pop(0):
            raise NotStored
        if self.gone:
            return False
        self.status = AnomalyForecastStatus.model_validate(status.manifest())
        return True


async def run(server: Server, stored: Stored, **spec: Any) -> Any:
    manifest = {"metadata": {"name": "ahead", "namespace": "team"}, "spec": {"jobRef": {"name": "web"}, **spec}}
    resource = AnomalyForecast.model_validate(manifest)
    job = SeenJob(name="web", job_id="web", owner=OWNER)
    unit = ForecastUnit(resource.model_copy(update={"status": stored.status}), stored.status, job, alone=True)
    requests = Requests(server, clock=lambda: server.now)  # type: ignore[arg-type]
    outcome = await requests.carry_out(unit, "ahead", stored.store, curious=False)
    if outcome.stored:
        await stored.store(outcome.status)
    return outcome


def ready(outcome: Any) -> tuple[str, str]:
    found = find_condition(outcome.status.conditions, ConditionType.READY)
    assert found is not None
    return found.status.value, found.reason


lost = st.sampled_from(
    [Timeout("no answer", call="POST"), Unreachable("gone", call="POST"), ServerError("500", call="P")]
)
answers = st.lists(
    st.none()
    | st.tuples(lost, st.booleans())
    | st.tuples(st.just(Rejected("Cannot run forecast: ... queue limit ...", call="POST")), st.just(False))
    | st.tuples(st.just(Conflict("not open", call="POST")), st.just(False))
    | st.tuples(st.just(Forbidden("may not", call="POST")), st.just(False)),
    max_size=5,
)


@law(examples=150)
@given(answers=answers, failing=st.lists(st.booleans(), max_size=8), closed=st.booleans())
def test_a_forecast_is_begun_once_whatever_answers_get_lost(
    answers: list[Any], failing: list[bool], closed: bool
) -> None:
    server, stored = Server(state="closed" if closed else "opened", answers=answers), Stored(failing)

    async def course() -> None:
        for _ in range(60):
            with contextlib.suppress(NotStored):
                await run(server, stored, openClosedJob=True)
                if stored.status.operation is None and stored.status.history:
                    return
            server.now += timedelta(seconds=20)
        raise AssertionError(stored.status)

    asyncio.run(course())
    (record,) = stored.status.history or []
    assert server.state == ("closed" if closed else "opened")
    if record.state == "finished":
        assert server.asked == 1
        assert record.forecast_id == "f1"
    else:  # a refusal that may pass ends what a job was opened for
        assert closed
        assert server.asked == 0


async def test_what_is_refused_for_now_is_tried_again_and_says_so() -> None:
    refusal = Rejected("Cannot run forecast: Forecast cannot be executed due to queue limit.", call="POST")
    server, stored = Server(answers=[(refusal, False)]), Stored()
    outcome = await run(server, stored)
    assert ready(outcome) == ("False", Reason.RETRYING)
    assert find_condition(outcome.status.conditions, ConditionType.STALLED) is None
    assert outcome.retry_after is not None
    assert ready(await run(server, stored)) == ("True", Reason.FORECAST_FINISHED)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Rejected("Cannot run forecast: no", call="POST"), Reason.FORECAST_FAILED),
        (Forbidden("may not", call="P"), Reason.FORBIDDEN),
    ],
)
async def test_what_only_a_person_can_help_is_stalled(error: GatewayError, reason: Reason) -> None:
    server, stored = Server(answers=[(error, False)]), Stored()
    outcome = await run(server, stored)
    stalled = find_condition(outcome.status.conditions, ConditionType.STALLED)
    assert stalled is not None
    assert (stalled.status, stalled.reason) == (ConditionStatus.TRUE, reason)
    assert [notice.type for notice in outcome.notices].count("Warning") >= 1


@pytest.mark.parametrize("kind", ["forecast", "revert"])
async def test_a_job_that_has_no_id_on_this_server_is_not_asked_for(kind: str) -> None:
    """An empty id in a path means every job."""
    server, stored = Server(), Stored()
    server.pair = server.of_job = None  # type: ignore[method-assign,assignment]
    nowhere = SeenJob(name="web", owner=OWNER)
    metadata = {"name": "ahead", "namespace": "team"}
    unit: Any
    if kind == "forecast":
        resource = AnomalyForecast.model_validate({"metadata": metadata, "spec": {"jobRef": {"name": "web"}}})
        unit = ForecastUnit(resource, stored.status, nowhere, alone=True)
    else:
        spec = {"jobRef": {"name": "web"}, "snapshotId": "empty"}
        back = ModelSnapshotRevert.model_validate({"metadata": metadata, "spec": spec})
        unit = RevertUnit(back, ModelSnapshotRevertStatus(), nowhere, alone=True)
    requests = Requests(server, clock=lambda: server.now)  # type: ignore[arg-type]
    outcome = await requests.carry_out(unit, "ahead", stored.store, curious=True)
    assert ready(outcome) == ("False", Reason.WAITING_FOR_JOB)
    assert outcome.error is None


async def test_nothing_is_begun_for_what_is_gone() -> None:
    server, stored = Server(), Stored()
    stored.gone = True
    outcome = await run(server, stored)
    assert not outcome.stored
    assert server.asked == 0


async def test_a_request_that_is_over_asks_the_server_nothing() -> None:
    server, stored = Server(), Stored()
    await run(server, stored)

    async def no_look(*_: object) -> Any:
        raise AssertionError("it looks")

    server.pair = no_look  # type: ignore[method-assign]
    assert ready(await run(server, stored)) == ("True", Reason.FORECAST_FINISHED)
