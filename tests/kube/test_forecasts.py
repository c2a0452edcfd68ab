"""AnomalyForecasts: made once or at their times, of open and of closed jobs, and what becomes of them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kube_harness.kubectl import TIMEOUT
from kube_harness.processes import wait_until
from kube_harness.world import World

TWO_DAYS_AGO = (datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")


def on_server(world: World) -> list[dict[str, Any]]:
    """The forecasts of the job, oldest first."""
    query = {
        "bool": {
            "filter": [{"term": {"job_id": world.job_id}}, {"term": {"result_type": "model_forecast_request_stats"}}]
        }
    }
    body = {"size": 100, "query": query, "sort": [{"forecast_create_timestamp": "asc"}]}
    status, answer = world.engine.request("POST", "/.ml-anomalies-*/_search", body)
    return [hit["_source"] for hit in answer["hits"]["hits"]] if status == 200 else []


def learnt(world: World, **job: Any) -> None:
    """A pair whose job has learnt two days."""
    world.start_pair(world.job(**job), world.datafeed(start=TWO_DAYS_AGO))
    path = f"/_ml/anomaly_detectors/{world.job_id}/_stats"
    wait_until(
        lambda: world.engine.call("GET", path)["jobs"][0]["data_counts"]["processed_record_count"] > 500,
        what="almost two days of data",
    )


def status(world: World, name: str = "half-day") -> dict[str, Any]:
    found: dict[str, Any] = world.kubectl.get("anomalyforecast", name, world.namespace).get("status", {})
    return found


def delete(world: World, *names: str) -> None:
    world.kubectl("delete", *names, "-n", world.namespace, TIMEOUT)


def finished(world: World) -> None:
    world.condition("anomalyforecast", "Ready", status="True", reason="ForecastFinished")


def test_a_forecast_is_made_once_and_told(world: World) -> None:
    learnt(world)
    world.apply(world.forecast())
    finished(world)
    (made,) = on_server(world)
    told = status(world)
    assert (told["forecastId"], told["state"], told["progress"]) == (made["forecast_id"], "finished", 100)
    (record,) = told["history"]
    assert record["occasion"] == "once"
    assert record["records"] == made["processed_record_count"] > 0
    assert {"start", "end", "created", "expires"} <= record.keys()
    assert "operation" not in told
    table = world.kubectl("get", "afc", "half-day", "-n", world.namespace).splitlines()
    assert table[0].split() == ["NAME", "JOB", "STATE", "PROGRESS", "EXPIRES", "SCHEDULE", "READY", "REASON", "AGE"]
    assert table[1].split()[1:4] == ["requests", "finished", "100"]
    assert any(event["note"].startswith("forecast job") for event in world.events("PlanExecuted"))

    world.operator.kill()
    world.operator.start()
    world.apply(world.forecast(suspend=True))
    world.condition("anomalyforecast", "Ready", status="True", reason="Suspended")
    world.apply(world.forecast())
    finished(world)
    assert [one["forecast_id"] for one in on_server(world)] == [made["forecast_id"]]

    refused = world.kubectl.refuse(world.forecast(duration="1d"), namespace=world.namespace)
    assert "cannot change of a forecast that was asked for" in refused


@pytest.mark.parametrize("policy", ["Retain", "Delete"])
def test_each_deletion_policy(world: World, policy: str) -> None:
    learnt(world)
    world.apply(world.forecast(deletionPolicy=policy))
    finished(world)
    delete(world, "anomalyforecast/half-day")
    assert len(on_server(world)) == (policy == "Retain")


def test_a_closed_job_is_opened_only_when_that_is_asked_for_and_closed_again(world: World) -> None:
    learnt(world)
    world.apply(world.job(state="Closed"), world.datafeed(start=TWO_DAYS_AGO, state="Stopped"))
    wait_until(lambda: world.engine.job_state(world.job_id) == "closed", what="the closed job")
    world.wait_ready()
    world.apply(world.forecast())
    says = world.condition("anomalyforecast", "Stalled", status="True", reason="JobNotOpen")
    assert "spec.openClosedJob: true" in says["message"]
    assert (on_server(world), world.engine.job_state(world.job_id)) == ([], "closed")

    world.apply(world.forecast(openClosedJob=True))
    finished(world)
    assert world.engine.job_state(world.job_id) == "closed"
    world.wait_ready()
    assert len(on_server(world)) == 1
    notes = [event["note"] for event in world.events("PlanExecuted") if event["regarding"]["kind"] == "AnomalyForecast"]
    assert len([note for note in notes if "open job" in note]) == 1
    others = [event["note"] for event in world.events("PlanExecuted") if event["regarding"]["kind"] == "AnomalyJob"]
    assert not any("close job" in note for note in others[1:] if "spec.state" not in note)


def test_what_is_impossible_is_said_before_asking(world: World) -> None:
    detectors = [{"function": "mean", "fieldName": "value", "overFieldName": "host"}]
    learnt(world, analysisConfig={"bucketSpan": "15m", "detectors": detectors})
    world.apply(world.forecast())
    says = world.condition("anomalyforecast", "Stalled", status="True", reason="ForecastImpossible")
    assert "population analyses cannot be forecast: detector 0 (over host)" in says["message"]
    assert on_server(world) == []


def test_a_forecast_waits_for_its_job(world: World) -> None:
    world.apply(world.connection(), world.forecast())
    says = world.condition("anomalyforecast", "Reconciling", status="True", reason="WaitingForJob")
    assert "AnomalyJob requests does not exist yet" in says["message"]
    learnt(world)
    finished(world)


def test_a_schedule_makes_one_at_each_of_its_times(world: World) -> None:
    learnt(world)
    world.apply(world.forecast(schedule="* * * * *", deletionPolicy="Delete", historyLimit=1))
    world.condition("anomalyforecast", "Ready", status="True", reason="Scheduled")
    assert status(world)["nextTime"].endswith(":00Z")
    wait_until(lambda: status(world).get("state") == "finished", what="the first forecast")
    first = status(world)
    assert first["history"][0]["occasion"] == first["lastOccasion"]
    world.operator.kill()
    world.operator.start()
    time.sleep(3)
    wait_until(lambda: status(world)["lastOccasion"] != first["lastOccasion"], what="the second forecast")
    wait_until(lambda: len(on_server(world)) == 1, what="the deletion of the first forecast")

    def told() -> bool:
        now = status(world)
        return [one["occasion"] for one in now["history"]] == [now["lastOccasion"]]

    wait_until(told, what="the status of the second alone")
    delete(world, "anomalyforecast/half-day")
    assert on_server(world) == []


def test_a_forecast_that_somebody_deletes_says_so_and_is_not_made_again(world: World) -> None:
    learnt(world)
    world.apply(world.forecast())
    finished(world)
    world.engine.call("DELETE", f"/_ml/anomaly_detectors/{world.job_id}/_forecast/{status(world)['forecastId']}")
    world.condition("anomalyforecast", "Stalled", status="True", reason="ForecastGone")
    assert on_server(world) == []


def test_the_operator_is_killed_while_a_job_is_open_for_its_forecast(world: World) -> None:
    learnt(world)
    world.apply(world.job(state="Closed"), world.datafeed(start=TWO_DAYS_AGO, state="Stopped"))
    wait_until(lambda: world.engine.job_state(world.job_id) == "closed", what="the closed job")
    world.apply(world.forecast(openClosedJob=True))
    wait_until(lambda: status(world).get("operation") is not None, what="the beginning")
    world.operator.kill()
    world.operator.start()
    finished(world)
    wait_until(lambda: world.engine.job_state(world.job_id) == "closed", what="the job closed again")
    assert len(on_server(world)) == 1
