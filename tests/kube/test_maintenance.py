"""Changes that stop a datafeed wait for the maintenance window; others do not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kube_harness.processes import wait_until
from kube_harness.world import World


def window(*, open_: bool) -> dict[str, str]:
    """A window of an hour that opened a few minutes ago, or one that opens in half a day."""
    begins = datetime.now(UTC) + (timedelta(minutes=-5) if open_ else timedelta(hours=12))
    return {"schedule": f"{begins.minute} {begins.hour} * * *", "duration": "1h", "timeZone": "UTC"}


def test_a_memory_limit_waits_for_the_window_and_a_description_does_not(world: World) -> None:
    shut = {"maintenanceWindow": window(open_=False)}
    world.start_pair(world.job(**shut))
    before = len(world.proxy.writes())
    larger = {"analysisLimits": {"modelMemoryLimit": "64mb"}, "description": "requests a second"}
    world.apply(world.job(**shut, **larger), world.datafeed(queryDelay="75s"))
    found = world.condition("anomalyjob", "Reconciling", reason="WaitingForWindow")
    assert "modelMemoryLimit" in found["message"]
    assert "UTC" in found["message"]
    world.condition("datafeed", "Reconciling", reason="WaitingForWindow")
    wait_until(
        lambda: (world.engine.job_config(world.job_id) or {}).get("description") == "requests a second",
        what="the description, which stops nothing",
    )
    config = world.engine.job_config(world.job_id)
    assert config is not None
    assert config["analysis_limits"]["model_memory_limit"] == "32mb"
    assert not [call for call in world.proxy.writes()[before:] if call.endswith(("_stop", "_close"))]
    assert world.engine.datafeed_state(world.datafeed_id) == "started"

    world.apply(world.job(maintenanceWindow=window(open_=True), **larger))
    world.wait_ready()
    config = world.engine.job_config(world.job_id)
    assert config is not None
    assert config["analysis_limits"]["model_memory_limit"] == "64mb"
    feed = world.engine.datafeed_config(world.datafeed_id)
    assert feed is not None
    assert feed["query_delay"] == "75s"
    assert world.engine.datafeed_state(world.datafeed_id) == "started"


def test_a_suspension_waits_for_nothing(world: World) -> None:
    world.start_pair(world.job(maintenanceWindow=window(open_=False)))
    world.apply(world.job(maintenanceWindow=window(open_=False), suspend=True))
    world.condition("anomalyjob", "Ready", reason="Suspended", status="True")
    assert world.engine.datafeed_state(world.datafeed_id) == "stopped"
