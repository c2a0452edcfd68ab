"""Investigations: an incident is found out, reported and forgotten; and a job's anomalies begin one, once."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from kube_harness.processes import wait_until
from kube_harness.services import Operator
from kube_harness.world import World

RESULTS = ".ml-anomalies-shared"


def minutes_ago(minutes: float) -> str:
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=minutes)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def result(job: str, kind: str, ago: float, **values: Any) -> dict[str, Any]:
    common = {"job_id": job, "result_type": kind, "timestamp": minutes_ago(ago), "bucket_span": 900}
    return common | {"is_interim": False} | values


def bucket(job: str, ago: float, score: float, now: float | None = None) -> dict[str, Any]:
    current = score if now is None else now
    return result(job, "bucket", ago, anomaly_score=current, initial_anomaly_score=score, event_count=9)


def influencer(job: str, ago: float, field: str, value: str, score: float) -> dict[str, Any]:
    named = {"influencer_field_name": field, "influencer_field_value": value, "probability": 1e-6}
    return result(job, "influencer", ago, influencer_score=score, initial_influencer_score=score, **named)


def record(job: str, ago: float, score: float) -> dict[str, Any]:
    detector = {"detector_index": 0, "function": "mean", "field_name": "value", "probability": 1e-9}
    scores = {"record_score": score, "initial_record_score": score, "multi_bucket_impact": -5.0}
    return result(job, "record", ago, actual=[900.0], typical=[110.0], **detector, **scores)


def plant(world: World, *documents: dict[str, Any]) -> None:
    lines = "".join(f'{{"index":{{}}}}\n{json.dumps(document)}\n' for document in documents)
    status, answer = world.engine.request("POST", f"/{RESULTS}/_bulk?refresh=true", lines=lines)
    assert status == 200, answer
    assert not answer["errors"], answer


def incident(world: World, ago: float = 60) -> None:
    """The host web-1 is unwell in two jobs, and another host a little later in one."""
    errors = f"{world.namespace}-errors"
    plant(
        world,
        bucket(world.job_id, ago, 92),
        record(world.job_id, ago, 90),
        influencer(world.job_id, ago, "host", "web-1", 90),
        bucket(errors, ago - 10, 80),
        record(errors, ago - 10, 70),
        influencer(errors, ago - 10, "host", "web-1", 75),
        influencer(errors, ago - 5, "host", "web-2", 40),
    )


def found(world: World, name: str = "incident", **expected: Any) -> dict[str, Any]:
    world.kubectl.wait_condition("investigation", name, world.namespace, "Ready", status="True", **expected)
    one: dict[str, Any] = world.kubectl.get("investigation", name, world.namespace)
    return one


def names(world: World) -> list[str]:
    return [one["metadata"]["name"] for one in world.kubectl.list("investigations", world.namespace)]


def test_an_incident_is_found_out_listed_and_reported_in_whole(world: World) -> None:
    world.start_pair()
    incident(world)
    world.apply(world.investigation(jobs=f"{world.namespace}-*"))
    one = found(world, reason="Investigated")
    status = one["status"]
    assert (status["rootCause"], status["rootCauseField"], status["severity"]) == ("web-1", "host", "critical")
    assert status["state"] == "Finished"
    assert status["jobs"] == 2
    assert "web-1 (host) is the most likely cause" in status["summary"]
    assert 0 < status["likelihood"] <= 100
    table = world.kubectl("get", "inv", "-n", world.namespace).splitlines()
    assert table[0].split() == ["NAME", "SEVERITY", "CAUSE", "SURE%", "FAULT", "ONSET", "JOBS", "STATE", "AGE"]
    assert table[1].split()[:3] == ["incident", "critical", "web-1"]

    report = world.kubectl.get("configmap", status["report"]["configMap"], world.namespace)
    text = report["data"][status["report"]["key"]]
    assert text.startswith("# Investigation of")
    assert "## Recommended actions" in text
    (owner,) = report["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Investigation", one["metadata"]["uid"])
    assert [event["note"] for event in world.events("Investigated")] == [status["summary"]]

    changed = world.kubectl.run("apply", "-f", "-", stdin=json.dumps(world.investigation(since="3h")), check=False)
    assert "cannot change once it has begun" in changed.stderr


def test_jobs_are_chosen_by_label_and_what_is_not_there_is_said(world: World) -> None:
    job = world.job()
    job["metadata"]["labels"] = {"team": "web"}
    world.start_pair(job)
    incident(world)
    world.apply(world.investigation(jobSelector={"matchLabels": {"team": "web"}}))
    assert found(world, reason="Investigated")["status"]["jobs"] == 1  # the other one has no AnomalyJob
    nobody = world.investigation(jobSelector={"matchLabels": {"team": "nobody"}})
    nobody["metadata"]["name"] = "nobody"
    quiet = world.investigation(start=minutes_ago(6000), end=minutes_ago(5900))
    quiet["metadata"]["name"] = "quiet"
    shop = world.investigation(jobs=f"{world.namespace}-*", service="shop")
    shop["metadata"]["name"] = "shop"
    plant(world, influencer(f"{world.namespace}-errors", 50, "service", "shop", 60))
    world.apply(nobody, quiet, shop)
    said = found(world, "nobody", reason="NothingFound")["status"]
    assert f"chooses no AnomalyJob of namespace {world.namespace}" in said["summary"]
    said = found(world, "quiet", reason="NothingFound")["status"]
    assert "in the window" in said["summary"]
    assert "rootCause" not in said
    said = found(world, "shop", reason="Investigated")["status"]
    assert said["jobs"] == 2  # one names the service, the other a host as that one does
    report = world.kubectl.get("configmap", said["report"]["configMap"], world.namespace)["data"]["report.md"]
    assert f"| its results name shop (service) | {world.namespace}-errors |" in report
    assert f"| its results name web-1 (host), as those of {world.namespace}-errors do | {world.job_id} |" in report


def test_it_waits_for_its_window_and_for_its_server_and_goes_when_its_time_has_come(world: World) -> None:
    world.start_pair()
    incident(world)
    end = datetime.now(UTC) + timedelta(seconds=6)
    spec = {"start": minutes_ago(120), "end": end.strftime("%Y-%m-%dT%H:%M:%SZ"), "ttlAfterFinished": "5s"}
    world.proxy.down()
    world.condition("elasticsearchconnection", "Ready", status="False")
    world.apply(world.investigation(**spec))
    world.condition("investigation", "Ready", status="False", reason="WaitingForWindowEnd")
    world.condition("investigation", "Ready", status="False", reason="Unreachable")
    world.proxy.up()
    one = found(world, reason="Investigated")
    report = one["status"]["report"]["configMap"]
    assert one["status"]["expires"] > one["status"]["completionTime"]
    wait_until(lambda: names(world) == [], what="the Investigation being gone")
    assert world.kubectl.get("configmap", report, world.namespace)["metadata"]["ownerReferences"]


def test_each_episode_of_a_job_begins_one_investigation(world: World, operator: Operator) -> None:
    world.start_pair(world.job(triggers={"investigation": {"minScore": 75, "coolDown": "30m", "after": "1m"}}))
    plant(world, bucket(world.job_id, 45, 99, now=10), bucket(world.job_id, 300, 60), bucket(world.job_id, 3000, 99))
    incident(world)
    wait_until(lambda: len(names(world)) == 1, what="the Investigation")
    (name,) = names(world)
    one = found(world, name, reason="Investigated")
    assert one["status"]["rootCause"] == "web-1"
    assert one["metadata"]["labels"] == {"anomalyops.io/triggered-by": "requests"}
    job = world.kubectl.get("anomalyjob", "requests", world.namespace)
    noted = datetime.fromisoformat(job["metadata"]["annotations"]["triggers.anomalyops.io/last-episode"])
    assert name == f"requests-{noted:%Y%m%d-%H%M%S}"

    # Deleted by hand it stays away; the episode goes on, and then another one begins.
    world.kubectl("delete", "inv", name, "-n", world.namespace)
    plant(world, bucket(world.job_id, 20, 80))
    time.sleep(4)
    assert names(world) == []
    plant(world, bucket(world.job_id, -40, 80))
    wait_until(lambda: len(names(world)) == 1, what="the second Investigation")
    assert names(world) != [name]
    time.sleep(3)
    assert len(names(world)) == 1
    world.condition("anomalyjob", "Ready", status="True")


def test_an_episode_that_was_begun_and_not_noted_is_not_begun_again(world: World) -> None:
    world.start_pair(world.job(triggers={"investigation": {"after": "1m"}}))
    incident(world)
    wait_until(lambda: len(names(world)) == 1, what="the Investigation")
    before = world.kubectl.get("investigation", names(world)[0], world.namespace)["metadata"]["uid"]
    world.kubectl(
        "annotate", "aj", "requests", "triggers.anomalyops.io/last-episode-", "-n", world.namespace
    )  # as if the operator had ended between the two
    note = "triggers.anomalyops.io/last-episode"
    wait_until(
        lambda: note in world.kubectl.get("aj", "requests", world.namespace)["metadata"]["annotations"],
        what="the note",
    )
    (one,) = world.kubectl.list("investigations", world.namespace)
    assert one["metadata"]["uid"] == before


def test_a_tenant_sees_no_jobs_of_others_through_the_default_connection(world: World) -> None:
    """Over another namespace's connection a pattern reaches this namespace's AnomalyJobs alone."""
    shared = world.connection()
    shared["metadata"]["namespace"] = "anomalyops-system"
    world.apply(shared)
    try:
        world.apply(world.investigation(jobs="*"))
        said = found(world, reason="NothingFound")["status"]["summary"]
        assert f"matches no AnomalyJob of namespace {world.namespace}" in said
    finally:
        world.kubectl("delete", "elasticsearchconnection", "default", "-n", "anomalyops-system")
