"""A job that was made by hand, and a manifest that takes it over."""

from __future__ import annotations

from kube_harness.world import World


def test_what_was_stopped_by_hand_stays_stopped_until_the_manifest_says_more(world: World) -> None:
    world.start_pair(job=world.job(deletionPolicy="Orphan"), datafeed=world.datafeed(deletionPolicy="Orphan"))
    world.kubectl("delete", "-n", world.namespace, "anomalyjob/requests", "datafeed/feed", "--wait=true")
    settings = world.engine.job_config(world.job_id).get("custom_settings") or {}
    assert not any(key.startswith("anomalyops") for key in settings)
    world.engine.request("POST", f"/_ml/datafeeds/{world.datafeed_id}/_stop")
    world.engine.request("POST", f"/_ml/anomaly_detectors/{world.job_id}/_close")

    world.apply(world.job(), world.datafeed())
    world.condition("datafeed", "Ready", status="True", reason="LeftAsFound")
    world.condition("anomalyjob", "Ready", status="True", reason="LeftAsFound")
    assert "state" not in world.kubectl.get("anomalyjob", "requests", world.namespace)["spec"]
    assert world.engine.job_state(world.job_id) == "closed"
    marked = world.engine.job_config(world.job_id)["custom_settings"]
    assert marked["anomalyops.io/namespace"] == world.namespace
    assert all(isinstance(value, str) for value in marked.values())

    world.apply(world.job(state="Opened"), world.datafeed(state="Started"))
    world.wait_ready("anomalyjob/requests", "datafeed/feed")
    world.condition("datafeed", "Ready", status="True", reason="Ready")
    assert world.engine.datafeed_state(world.datafeed_id) == "started"
