"""Before a learned model is given up, the server has been asked about what comes instead."""

from __future__ import annotations

from kube_harness.kubectl import Manifest
from kube_harness.processes import wait_until
from kube_harness.world import World


def hourly(world: World) -> Manifest:
    changed = world.job(replacePolicy="Recreate")
    changed["spec"]["analysisConfig"]["bucketSpan"] = "1h"
    return changed


def created_at(world: World) -> int:
    return int(world.engine.job_config(world.job_id)["create_time"])


def test_a_model_is_not_reset_for_data_that_is_not_there(world: World) -> None:
    world.start_pair()
    later = f"later-{world.namespace}"
    world.apply(world.datafeed(indices=[later], replacePolicy="Reset"))
    stalled = world.condition("datafeed", "Stalled", reason="Rejected")
    assert f"no such index [{later}]" in stalled["message"]
    world.condition("datafeed", "Synced", status="False")
    feed = world.kubectl.get("datafeed", "feed", world.namespace)
    assert feed["status"]["observedGeneration"] == feed["metadata"]["generation"]
    assert world.engine.datafeed_state(world.datafeed_id) == "started"
    assert any(later in event["note"] for event in world.events("Rejected"))
    assert not [call for call in world.proxy.writes() if call.endswith("_reset")]

    # The data arrives: nobody has to touch the manifests again.
    fields = {"@timestamp": {"type": "date"}, "value": {"type": "long"}, "host": {"type": "keyword"}}
    world.engine.call("PUT", f"/{later}", {"mappings": {"properties": fields}})
    wait_until(
        lambda: world.engine.datafeed_config(world.datafeed_id)["indices"] == [later],
        what="the datafeed over its new index",
    )
    world.condition("datafeed", "Synced")
    assert [call for call in world.proxy.writes() if call.endswith("_reset")]


def test_a_time_field_that_does_not_exist_costs_no_model(world: World) -> None:
    world.start_pair()
    before = created_at(world)
    changed = hourly(world)
    changed["spec"]["dataDescription"] = {"timeField": "when"}
    world.apply(changed)
    stalled = world.condition("anomalyjob", "Stalled", reason="Rejected")
    assert "has the time field when" in stalled["message"]
    assert created_at(world) == before
    world.apply(world.job(replacePolicy="Recreate"))
    world.wait_ready()
    assert created_at(world) == before
