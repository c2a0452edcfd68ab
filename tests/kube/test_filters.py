"""AnomalyFilters: made, changed, healed, taken over, deleted; and the jobs whose rules name them."""

from __future__ import annotations

from typing import Any

from kube_harness.kubectl import TIMEOUT
from kube_harness.processes import wait_until
from kube_harness.world import World


def on_server(world: World) -> dict[str, Any] | None:
    status, answer = world.engine.request("GET", f"/_ml/filters/{world.filter_id}")
    return answer["filters"][0] if status == 200 else None


def items(world: World) -> list[str] | None:
    found = on_server(world)
    return None if found is None else found.get("items", [])


def wait_for_items(world: World, *wanted: str) -> None:
    wait_until(lambda: items(world) == sorted(wanted), what=f"the items {wanted}, not {items(world)}")


def start(world: World, *values: str, **spec: Any) -> None:
    world.apply(world.connection(), world.filter(*values, **spec))
    world.wait_ready("elasticsearchconnection/default", "anomalyfilter/hosts")


def delete(world: World, *names: str) -> None:
    world.kubectl("delete", *names, "-n", world.namespace, TIMEOUT)


def rule(world: World) -> dict[str, Any]:
    return {
        "bucketSpan": "15m",
        "detectors": [
            {
                "function": "mean",
                "fieldName": "value",
                "partitionFieldName": "host",
                "customRules": [{"scope": {"host": {"filterId": world.filter_id}}}],
            }
        ],
    }


def test_a_filter_is_made_changed_and_healed(world: World) -> None:
    start(world, "web-1", "web-2", description="Loud hosts.")
    found = on_server(world)
    assert found is not None
    assert found["items"] == ["web-1", "web-2"]
    assert found["description"].startswith("Loud hosts. [anomalyops.io {")
    assert f'"namespace": "{world.namespace}"' in found["description"]
    table = world.kubectl("get", "afl", "hosts", "-n", world.namespace).splitlines()
    assert table[0].split() == ["NAME", "FILTER", "ITEMS", "READY", "SYNCED", "REASON", "AGE"]
    assert table[1].split()[1:6] == [world.filter_id, "2", "True", "True", "Ready"]

    world.apply(world.filter("web-2", "web-3"))
    world.wait_ready("anomalyfilter/hosts")
    found = on_server(world)
    assert found is not None
    assert found["items"] == ["web-2", "web-3"]
    assert found["description"].startswith("[anomalyops.io {")  # the description that is given no more is taken back
    assert any("add web-3, remove web-1" in event["note"] for event in world.events("PlanExecuted"))

    world.engine.call(
        "POST", f"/_ml/filters/{world.filter_id}/_update", {"add_items": ["x"], "remove_items": ["web-2"]}
    )
    wait_for_items(world, "web-2", "web-3")
    world.engine.request("DELETE", f"/_ml/filters/{world.filter_id}")
    wait_for_items(world, "web-2", "web-3")


def test_a_job_waits_for_the_filter_of_its_rule_and_holds_it(world: World) -> None:
    world.apply(world.connection(), world.job(analysisConfig=rule(world), deletionPolicy="Delete"), world.datafeed())
    waits = world.condition("anomalyjob", "Reconciling", status="True", reason="WaitingForFilter")
    assert world.filter_id in waits["message"]
    assert world.engine.job_config(world.job_id) is None

    world.apply(world.filter("web-1", deletionPolicy="Delete"))
    world.wait_ready("anomalyfilter/hosts", "anomalyjob/requests", "datafeed/feed")

    world.kubectl("delete", "anomalyfilter/hosts", "-n", world.namespace, "--wait=false")
    held = world.condition("anomalyfilter", "Ready", status="False", reason="Retrying")
    assert f"used by jobs [{world.job_id}]" in held["message"]
    assert items(world) == ["web-1"]
    delete(world, "anomalyjob/requests", "datafeed/feed")
    wait_until(lambda: items(world) is None, what="the deletion of the filter")
    world.kubectl("wait", "--for=delete", "anomalyfilter/hosts", "-n", world.namespace, TIMEOUT)


def test_each_deletion_policy(world: World) -> None:
    start(world, "a", description="mine")
    delete(world, "anomalyfilter/hosts")
    found = on_server(world)
    assert found is not None
    assert '"retained": true' in found["description"]

    start(world, "a", "b")  # the same manifest takes it up again
    wait_for_items(world, "a", "b")
    world.apply(world.filter("a", "b", deletionPolicy="Orphan"))
    world.wait_ready("anomalyfilter/hosts")
    delete(world, "anomalyfilter/hosts")
    found = on_server(world)
    assert found is not None
    assert found["items"] == ["a", "b"]
    assert "anomalyops" not in found.get("description", "")

    start(world, "a", "b", deletionPolicy="Delete")
    delete(world, "anomalyfilter/hosts")
    assert on_server(world) is None


def test_a_filter_that_somebody_made_is_not_emptied_in_silence(world: World) -> None:
    path = f"/_ml/filters/{world.filter_id}"
    world.engine.call("PUT", path, {"items": ["theirs"], "description": "by hand"})
    world.apply(world.connection(), world.filter("ours"))
    refused = world.condition("anomalyfilter", "Stalled", status="True", reason="AlreadyExists")
    assert "has what the manifest lacks (items theirs)" in refused["message"]
    assert on_server(world) == {"filter_id": world.filter_id, "items": ["theirs"], "description": "by hand"}
    delete(world, "anomalyfilter/hosts")
    assert items(world) == ["theirs"]  # it was never ours to delete

    start(world, "ours", "theirs")
    found = on_server(world)
    assert found is not None
    assert found["description"].startswith("by hand [anomalyops.io {")


def test_two_manifests_cannot_have_one_filter(world: World) -> None:
    start(world, "a")
    second = world.filter("b", adoptionPolicy="Always")
    second["metadata"]["name"] = "more-hosts"
    world.apply(second)
    refused = world.kubectl.wait_condition(
        "anomalyfilter", "more-hosts", world.namespace, "Stalled", status="True", reason="NotOwned"
    )
    assert f"managed by AnomalyFilter {world.namespace}/hosts of cluster" in refused["message"]
    assert items(world) == ["a"]
    delete(world, "anomalyfilter/more-hosts")
    assert items(world) == ["a"]


def test_a_filter_on_a_server_that_is_away_says_so_and_is_let_go(world: World) -> None:
    start(world, "a")
    world.proxy.down()
    world.condition("anomalyfilter", "Ready", status="Unknown", reason="Unreachable")
    delete(world, "anomalyfilter/hosts")  # Retain: it gives up waiting for the server
    assert items(world) == ["a"]
