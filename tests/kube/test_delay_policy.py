"""A datafeed that does not wait for its documents: a longer delay is recommended, or set, as its manifest says."""

from __future__ import annotations

import time
from typing import Any

from kube_harness.kubectl import Manifest
from kube_harness.processes import wait_until
from kube_harness.services import Engine
from kube_harness.world import HOUR, World

INDEX = "kube-late"
LATE = 200  # seconds from the time of a document to its ingestion
ADVISED = "250s"  # and a quarter to spare


def fill(engine: Engine) -> None:
    """Half a day of documents that came late, and a load of last year's; done once an engine."""
    if engine.request("GET", f"/{INDEX}/_count")[0] == 200:
        return
    now = int(time.time()) // HOUR * HOUR
    late = [(at, at + LATE) for at in range(now - 12 * HOUR, now, 60)]
    loaded = [(at - 8760 * HOUR, at) for at in range(now - 12 * HOUR, now, 600)]
    documents = [
        {"@timestamp": at * 1000, "value": 100 + at // 60 % 7, "host": "web-1", "event": {"ingested": ingested * 1000}}
        for at, ingested in late + loaded
    ]
    mapping = {
        "@timestamp": {"type": "date"},
        "value": {"type": "double"},
        "host": {"type": "keyword"},
        "event": {"properties": {"ingested": {"type": "date"}}},
    }
    engine.index(INDEX, mapping, documents)


def feed(world: World, **policy: Any) -> Manifest:
    start = (int(time.time()) - 14 * HOUR) * 1000
    return world.datafeed(indices=[INDEX], queryDelay="60s", start=str(start), queryDelayPolicy=policy)


def delay(world: World) -> str:
    config = world.engine.datafeed_config(world.datafeed_id) or {}
    return str(config.get("query_delay"))


def found(world: World) -> dict[str, Any]:
    status = world.kubectl.get("datafeed", "feed", world.namespace).get("status", {})
    known: dict[str, Any] = status.get("queryDelay", {})
    return known


def searches(world: World) -> int:
    return sum(INDEX in call and "_search" in call for call in world.proxy.reads())


def test_a_longer_delay_is_recommended_once_and_nothing_is_changed(world: World) -> None:
    fill(world.engine)
    world.apply(world.connection(), world.job(), feed(world, policy="Recommend"))
    assert wait_until(lambda: found(world).get("recommendedDelay"), what="a recommendation") == ADVISED
    known = found(world)
    assert (known["p50"], known["p95"], known["p99"]) == (f"{LATE}s",) * 3
    assert known["documents"] == 720
    assert known["tooLate"] == 72, "old data are counted apart"
    wait_until(lambda: world.events("Recommendation"), what="an Event")
    looked = searches(world)
    assert looked > 0
    time.sleep(6)  # some looks, with and without configurations
    assert searches(world) == looked, "measured seldom"
    assert delay(world) == "60s"
    events = world.events("Recommendation")
    assert len(events) == 1
    assert f"spec.queryDelay {ADVISED}" in events[0]["note"]

    raised = feed(world, policy="Recommend")
    raised["spec"]["queryDelay"] = ADVISED
    world.apply(raised)
    wait_until(lambda: delay(world) == ADVISED, what="the delay of the manifest")
    wait_until(lambda: "recommendedDelay" not in found(world), what="the recommendation taken back")


def test_with_auto_it_is_raised_within_its_bounds_and_the_datafeed_goes_on(world: World) -> None:
    fill(world.engine)
    world.apply(world.connection(), world.job(), feed(world, policy="Auto", max="220s"))
    wait_until(lambda: delay(world) == "220s", what="a longer delay")
    world.wait_ready("datafeed/feed")
    assert any("queryDelay" in event["note"] for event in world.events("PlanExecuted"))
    wait_until(lambda: "raisedTime" in found(world), what="the time of the raise")
    writes = [call for call in world.proxy.writes() if call.endswith("_update")]
    time.sleep(6)  # what was raised is not drift
    assert delay(world) == "220s"
    assert [call for call in world.proxy.writes() if call.endswith("_update")] == writes
    assert world.engine.datafeed_state(world.datafeed_id) == "started"


def test_a_raise_waits_for_the_maintenance_window(world: World) -> None:
    fill(world.engine)
    closed = {"schedule": "0 3 29 2 *", "duration": "1h"}
    world.apply(world.connection(), world.job(maintenanceWindow=closed), feed(world, policy="Auto"))
    assert wait_until(lambda: found(world).get("recommendedDelay"), what="a recommendation") == ADVISED
    time.sleep(4)
    assert delay(world) == "60s"
    world.apply(world.job())
    wait_until(lambda: delay(world) == ADVISED, what="a longer delay")
