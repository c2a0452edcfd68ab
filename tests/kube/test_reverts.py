"""ModelSnapshotReverts: a job goes back once, what was analysed since is analysed again, and the pair is left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kube_harness.kubectl import TIMEOUT
from kube_harness.processes import wait_until
from kube_harness.world import World

_NOW = datetime.now(UTC)
START = (_NOW - timedelta(days=2)).strftime("%Y-%m-%dT%H:00:00Z")
MIDDLE = (_NOW - timedelta(days=1)).strftime("%Y-%m-%dT%H:00:00Z")
SPAN_MS = 900_000


def buckets(world: World) -> list[int]:
    path = f"/_ml/anomaly_detectors/{world.job_id}/results/buckets"
    found = world.engine.call("POST", path, {"page": {"size": 1000}, "exclude_interim": True})["buckets"]
    return [one["timestamp"] for one in found]


def counts(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.engine.call("GET", f"/_ml/anomaly_detectors/{world.job_id}/_stats")["jobs"][0]
    return found["data_counts"]  # type: ignore[no-any-return]


def snapshots(world: World) -> list[dict[str, Any]]:
    path = f"/_ml/anomaly_detectors/{world.job_id}/model_snapshots?sort=timestamp&desc=false"
    found: list[dict[str, Any]] = world.engine.call("GET", path)["model_snapshots"]
    return found


def reverted(world: World) -> list[str]:
    """What the server says of reverts of the job."""
    query = {"bool": {"filter": [{"term": {"job_id": world.job_id}}]}}
    answer = world.engine.call("POST", "/.ml-notifications*/_search", {"size": 1000, "query": query})
    messages = [hit["_source"]["message"] for hit in answer["hits"]["hits"]]
    return [message for message in messages if "reverted to" in message]


def status(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.kubectl.get("modelsnapshotrevert", "back", world.namespace).get("status", {})
    return found


def learnt(world: World) -> dict[str, Any]:
    """A pair in real time, with a snapshot of a day ago, which is returned."""
    world.apply(world.connection(), world.job(), world.datafeed(start=START, end=MIDDLE))
    world.condition("datafeed", "Ready", status="True", reason="LookbackComplete")
    first = snapshots(world)[-1]
    world.apply(world.datafeed(start=START))
    world.wait_ready()
    wait_until(lambda: len(buckets(world)) > 185, what="the second day")
    return first


def whole(world: World) -> None:
    """No bucket is missing and none is there twice, and they reach the present."""

    def is_whole() -> bool:
        found = buckets(world)
        return (
            len(found) > 185
            and found == list(range(found[0], found[-1] + 1, SPAN_MS))
            and found[0] // 1000 <= _start() + 3600
        )

    wait_until(is_whole, what="all buckets of two days")


def _start() -> int:
    return int(datetime.fromisoformat(START).timestamp())


def done(world: World, reason: str = "Reverted", **condition: Any) -> dict[str, Any]:
    return world.condition("modelsnapshotrevert", "Ready", reason=reason, **({"status": "True"} | condition))


def test_a_job_goes_back_once_and_the_gap_is_analysed_again(world: World) -> None:
    first = learnt(world)
    before = counts(world)["processed_record_count"]
    world.apply(world.revert(before=MIDDLE))
    said = done(world)
    assert f"went back to model snapshot {first['snapshot_id']}" in said["message"]
    told = status(world)
    assert (told["state"], told["snapshotId"]) == ("Reverted", first["snapshot_id"])
    assert "operation" not in told
    whole(world)
    world.wait_ready()
    assert world.engine.datafeed_state(world.datafeed_id) == "started"
    assert counts(world)["processed_record_count"] > before + 200  # the day was read again
    assert len(reverted(world)) == 1
    assert world.events("DatafeedStopped") == []  # the pair's own controller left it to the revert
    table = world.kubectl("get", "msr", "back", "-n", world.namespace).splitlines()
    assert table[0].split() == ["NAME", "JOB", "SNAPSHOT", "STATE", "READY", "REASON", "COMPLETED", "AGE"]
    assert table[1].split()[1:5] == ["requests", first["snapshot_id"], "Reverted", "True"]
    (note,) = [one["note"] for one in world.events("PlanExecuted") if one["regarding"]["kind"] == "ModelSnapshotRevert"]
    steps = ["stop datafeed", "close job", "revert job", "open job", "start datafeed"]
    assert [note.index(step) for step in steps] == sorted(note.index(step) for step in steps)

    world.operator.kill()
    world.operator.start()
    world.apply(world.revert(before=MIDDLE, deletionPolicy="Delete"))
    world.wait_observed("modelsnapshotrevert/back")
    refused = world.kubectl.refuse(world.revert(snapshotId="empty"), namespace=world.namespace)
    assert "a revert that was begun cannot change" in refused
    world.kubectl("delete", "msr/back", "-n", world.namespace, TIMEOUT)
    assert len(reverted(world)) == 1


def test_a_closed_job_stays_closed_and_goes_back_to_nothing(world: World) -> None:
    learnt(world)
    world.apply(world.job(state="Closed"), world.datafeed(start=START, state="Stopped"))
    wait_until(lambda: world.engine.job_state(world.job_id) == "closed", what="the closed job")
    world.apply(world.revert(snapshotId="empty"))
    done(world)
    assert world.engine.job_state(world.job_id) == "closed"
    assert buckets(world) == []
    assert len(reverted(world)) == 1
    world.apply(world.job(), world.datafeed(start=START))
    world.wait_ready()
    whole(world)


def test_a_lookback_that_was_over_is_made_again(world: World) -> None:
    world.apply(world.connection(), world.job(), world.datafeed(start=START, end=MIDDLE))
    world.condition("datafeed", "Ready", status="True", reason="LookbackComplete")
    before = buckets(world)
    world.apply(world.revert(snapshotId="empty"))
    done(world)
    wait_until(lambda: buckets(world) == before, what="the same buckets")
    # What the datafeed's status says may be of the first time still: the server tells.
    wait_until(lambda: world.engine.job_state(world.job_id) == "closed", what="the closed job")
    world.condition("datafeed", "Ready", status="True", reason="LookbackComplete")
    assert len(reverted(world)) == 1


@pytest.mark.parametrize("policy", ["Retain", "Delete"])
def test_a_bad_period_is_skipped_by_an_event(world: World, policy: str) -> None:
    learnt(world)
    bad = int(datetime.fromisoformat(MIDDLE).timestamp()) + 6 * 3600
    period = {"start": str(bad * 1000), "end": str((bad + 7200) * 1000), "description": "Deployment gone wrong"}
    world.apply(world.revert(before=MIDDLE, skipPeriod=period, deletionPolicy=policy))
    done(world)
    whole(world)
    calendar = status(world)["calendarId"]
    path = f"/_ml/calendars/{calendar}"
    assert world.engine.call("GET", path)["calendars"][0]["job_ids"] == [world.job_id]
    found = world.engine.call("POST", f"/_ml/anomaly_detectors/{world.job_id}/results/buckets/{bad * 1000}", {})
    assert found["buckets"][0]["scheduled_events"] == ["Deployment gone wrong"]
    world.kubectl("delete", "msr/back", "-n", world.namespace, TIMEOUT)
    assert (world.engine.request("GET", path)[0] == 200) == (policy == "Retain")
    world.engine.request("DELETE", path)


def test_a_snapshot_that_is_not_there_stops_nothing(world: World) -> None:
    first = learnt(world)
    world.apply(world.revert(snapshotId="1234"))
    said = world.condition("modelsnapshotrevert", "Stalled", status="True", reason="SnapshotNotFound")
    assert f"{first['snapshot_id']} (until " in said["message"]
    assert world.engine.datafeed_state(world.datafeed_id) == "started"
    world.apply(world.revert(snapshotId=first["snapshot_id"], deleteInterveningResults=False))
    done(world)
    world.wait_ready()
    whole(world)


def test_the_operator_is_killed_in_the_middle_and_the_pair_is_left_to_the_revert(world: World) -> None:
    learnt(world)
    world.apply(world.revert(before=MIDDLE))
    wait_until(lambda: "operation" in status(world), what="the beginning", interval=0.01)
    world.operator.kill()
    world.operator.start()
    done(world)
    whole(world)
    world.wait_ready()
    assert len(reverted(world)) == 1
    assert not any("is stopped, though" in one["note"] for one in world.events("DatafeedStopped"))


def test_the_job_is_deleted_while_it_goes_back(world: World) -> None:
    learnt(world)
    world.apply(world.job(deletionPolicy="Delete"), world.datafeed(start=START, deletionPolicy="Delete"))
    world.wait_ready()
    world.apply(world.revert(before=MIDDLE))
    wait_until(lambda: "operation" in status(world), what="the beginning", interval=0.01)
    names = ("aj/requests", "adf/feed")
    world.kubectl("delete", *names, "-n", world.namespace, TIMEOUT)
    assert world.engine.job_config(world.job_id) is None
    wait_until(lambda: "operation" not in status(world), what="the end")
    world.kubectl("delete", "msr/back", "-n", world.namespace, TIMEOUT)
