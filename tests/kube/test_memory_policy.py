"""A job whose memory does not suffice: a higher limit is recommended, or set, as its manifest says."""

from __future__ import annotations

import time
from typing import Any

from kube_harness.kubectl import Manifest
from kube_harness.processes import wait_until
from kube_harness.services import Engine
from kube_harness.world import HOUR, World

INDEX = "kube-many"
HOSTS = 400


def fill(engine: Engine) -> None:
    """Half a day of 400 hosts, one document each an hour; done once an engine."""
    if engine.request("GET", f"/{INDEX}/_count")[0] == 200:
        return
    now = int(time.time()) // HOUR * HOUR
    documents = [
        {"@timestamp": at * 1000, "value": 100 + number % 7, "host": f"web-{number}"}
        for at in range(now - 12 * HOUR, now, HOUR)
        for number in range(HOSTS)
    ]
    mapping = {"@timestamp": {"type": "date"}, "value": {"type": "double"}, "host": {"type": "keyword"}}
    engine.index(INDEX, mapping, documents)


def job(world: World, **memory: Any) -> Manifest:
    """A model for each host, in a mebibyte."""
    detectors = [{"function": "mean", "fieldName": "value", "partitionFieldName": "host"}]
    return world.job(
        analysisConfig={"bucketSpan": "1h", "detectors": detectors},
        analysisLimits={"modelMemoryLimit": "1mb"},
        memory=memory,
    )


def limit(world: World) -> int:
    config = world.engine.job_config(world.job_id) or {}
    return int(config["analysis_limits"]["model_memory_limit"].removesuffix("mb"))


def memory(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.kubectl.get("anomalyjob", "requests", world.namespace)["status"]["memory"]
    return found


def test_a_higher_limit_is_recommended_once_and_nothing_is_changed(world: World) -> None:
    fill(world.engine)
    world.apply(world.connection(), job(world, policy="Recommend"), world.datafeed(indices=[INDEX]))
    found = wait_until(lambda: memory(world).get("recommendedLimit"), what="a recommendation")
    assert int(found.removesuffix("mb")) > 1
    wait_until(lambda: world.events("Recommendation"), what="an Event")
    time.sleep(5)
    assert limit(world) == 1
    events = world.events("Recommendation")
    assert len(events) == 1
    assert found in events[0]["note"]

    raised = job(world, policy="Recommend")
    raised["spec"]["analysisLimits"]["modelMemoryLimit"] = found
    world.apply(raised)
    wait_until(lambda: limit(world) > 1, what="the limit of the manifest")
    wait_until(lambda: "recommendedLimit" not in memory(world), what="the recommendation taken back")


def test_with_auto_it_is_raised_within_its_bounds_and_the_datafeed_goes_on(world: World) -> None:
    fill(world.engine)
    world.apply(world.connection(), job(world, policy="Auto", max="64mb"), world.datafeed(indices=[INDEX]))
    wait_until(lambda: limit(world) > 1, what="a higher limit")
    world.wait_ready("datafeed/feed")
    raised = limit(world)
    assert raised <= 64
    assert any("modelMemoryLimit" in event["note"] for event in world.events("PlanExecuted"))
    wait_until(lambda: "raisedTime" in memory(world), what="the time of the raise")
    writes = [call for call in world.proxy.writes() if call.endswith("_update")]
    time.sleep(8)  # some looks, with and without configurations: what was raised is not drift
    assert limit(world) == raised, "once a cool-down"
    assert [call for call in world.proxy.writes() if call.endswith("_update")] == writes
    assert world.engine.datafeed_state(world.datafeed_id) == "started"
