"""Model snapshots that an AnomalyJob retains: kept and healed by declaration, let go when they are declared no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from kube_harness.kubectl import TIMEOUT, Manifest
from kube_harness.processes import wait_until
from kube_harness.world import World

_NOW = datetime.now(UTC)
START = (_NOW - timedelta(days=2)).strftime("%Y-%m-%dT%H:00:00Z")
MIDDLE = (_NOW - timedelta(days=1)).strftime("%Y-%m-%dT%H:00:00Z")


def snapshots(world: World) -> list[dict[str, Any]]:
    """The snapshots of the job, the newest first."""
    path = f"/_ml/anomaly_detectors/{world.job_id}/model_snapshots?sort=timestamp&desc=true"
    found: list[dict[str, Any]] = world.engine.call("GET", path)["model_snapshots"]
    return found


def retained(world: World) -> set[str]:
    return {one["snapshot_id"] for one in snapshots(world) if one["retain"]}


def retain(world: World, snapshot_id: str, *, keep: bool) -> None:
    """As a person does it in Kibana."""
    path = f"/_ml/anomaly_detectors/{world.job_id}/model_snapshots/{snapshot_id}/_update"
    world.engine.call("POST", path, {"retain": keep})


def mark(world: World) -> str:
    config = world.engine.job_config(world.job_id) or {}
    return str(config["custom_settings"].get("anomalyops.io/snapshots", ""))


def job(world: World, *choices: dict[str, Any], **spec: Any) -> Manifest:
    return world.job(retainedSnapshots=list(choices), **spec)


def learnt(world: World) -> tuple[str, str]:
    """A closed job that has read two days in two runs; the ids of the snapshots of the first and the second day."""
    world.apply(world.connection(), world.job(), world.datafeed(start=START, end=MIDDLE))
    world.condition("datafeed", "Ready", status="True", reason="LookbackComplete")
    first = snapshots(world)[0]["snapshot_id"]
    world.apply(world.datafeed(start=START, end=_NOW.strftime("%Y-%m-%dT%H:00:00Z")))
    wait_until(lambda: snapshots(world)[0]["snapshot_id"] != first, what="a snapshot of the second day")
    world.condition("datafeed", "Ready", status="True", reason="LookbackComplete")
    return first, snapshots(world)[0]["snapshot_id"]


def told(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.kubectl.get("anomalyjob", "requests", world.namespace)["status"]
    return found


def test_what_is_declared_is_retained_healed_and_let_go_again(world: World) -> None:
    first, second = learnt(world)
    assert retained(world) == set()
    world.apply(job(world, {"before": MIDDLE, "description": "Before the sale"}, {"snapshotId": second}))
    wait_until(lambda: retained(world) == {first, second}, what="both retained")
    (kept,) = [one for one in snapshots(world) if one["snapshot_id"] == first]
    assert kept["description"] == "Before the sale"
    assert set(mark(world).split()) == {first, second}
    wait_until(lambda: told(world).get("retainedSnapshotCount") == 2, what="the status")
    assert {one["snapshotId"] for one in told(world)["retainedSnapshots"]} == {first, second}
    table = world.kubectl("get", "aj", "requests", "-o", "wide", "-n", world.namespace).splitlines()
    assert "SNAPSHOTS" in table[0].split()
    world.wait_ready()

    retain(world, first, keep=False)
    wait_until(lambda: first in retained(world), what="the drift healed")

    world.apply(job(world, {"before": MIDDLE, "description": "Before the sale"}))
    wait_until(lambda: retained(world) == {first}, what="the second let go")
    wait_until(lambda: mark(world) == first, what="the mark without it")
    world.apply(world.job())
    wait_until(lambda: retained(world) == set(), what="the first let go")
    wait_until(lambda: mark(world) == "", what="no mark of them")
    wait_until(lambda: "retainedSnapshots" not in told(world), what="the status without them")


def test_what_a_person_retained_stays_so(world: World) -> None:
    first, second = learnt(world)
    retain(world, first, keep=True)
    world.apply(job(world, {"snapshotId": first}, {"snapshotId": second}))
    wait_until(lambda: retained(world) == {first, second}, what="both retained")
    world.operator.kill()
    world.operator.start()
    world.apply(world.job())
    wait_until(lambda: retained(world) == {first}, what="the operator's own let go")
    wait_until(lambda: mark(world) == "", what="no mark of them")


def test_one_that_is_not_there_is_said_and_the_rest_is_retained(world: World) -> None:
    first, _ = learnt(world)
    world.apply(job(world, {"snapshotId": "4711"}, {"snapshotId": first}))
    said = world.condition("anomalyjob", "Stalled", status="True", reason="SnapshotNotFound")
    assert "has no snapshot 4711" in said["message"]
    assert first in said["message"]
    assert retained(world) == {first}
    world.condition("anomalyjob", "Synced", status="False", reason="SnapshotNotFound")
    world.apply(job(world, {"snapshotId": first}))
    world.condition("anomalyjob", "Synced", status="True")


def test_no_policy_loses_them_and_deletion_does(world: World) -> None:
    first, _ = learnt(world)
    keep = {"snapshotId": first}
    world.apply(job(world, keep))
    wait_until(lambda: retained(world) == {first}, what="it retained")
    other = {"bucketSpan": "30m", "detectors": [{"function": "mean", "fieldName": "value"}], "influencers": ["host"]}
    world.apply(job(world, keep, analysisConfig=other, replacePolicy="Recreate"))
    said = world.condition("anomalyjob", "Stalled", status="True", reason="SnapshotsRetained")
    assert first in said["message"]
    assert retained(world) == {first}
    config = world.engine.job_config(world.job_id) or {}
    assert config["analysis_config"]["bucket_span"] == "15m"

    world.apply(world.job(analysisConfig=other, replacePolicy="Recreate"))
    wait_until(
        lambda: (world.engine.job_config(world.job_id) or {}).get("analysis_config", {}).get("bucket_span") == "30m",
        what="the job created anew once nothing is retained",
    )
    world.condition("anomalyjob", "Synced", status="True")
    world.apply(world.job(analysisConfig=other, deletionPolicy="Delete"))
    world.wait_observed("anomalyjob/requests")
    world.kubectl("delete", "aj/requests", "-n", world.namespace, TIMEOUT)
    assert world.engine.job_config(world.job_id) is None


def test_a_revert_and_a_retained_snapshot_get_along(world: World) -> None:
    """The job goes back to what it retains; it stays retained, and what is learnt anew changes nothing of that."""
    first, _ = learnt(world)
    world.apply(job(world, {"snapshotId": first}), world.revert(snapshotId=first))
    world.condition("modelsnapshotrevert", "Ready", status="True", reason="Reverted")
    wait_until(lambda: retained(world) == {first}, what="it retained")
    world.condition("datafeed", "Ready", status="True", reason="LookbackComplete")
    assert retained(world) == {first}
