"""AnomalyJobSets: one pair for each value, changed and healed with the template, and pruned as the policy says."""

from __future__ import annotations

from typing import Any

import pytest
from kube_harness.kubectl import TIMEOUT
from kube_harness.processes import wait_until
from kube_harness.world import INDEX, World

TERMS = {"indices": [INDEX], "field": "host"}


def jobs(world: World) -> dict[str, dict[str, Any]]:
    """The AnomalyJobs of the set by their value, whoever they belong to now."""
    found = world.kubectl.list("anomalyjobs", world.namespace)
    return {one["metadata"]["annotations"]["anomalyops.io/value"]: one for one in found}


def feeds(world: World) -> set[str]:
    found = world.kubectl.list("datafeeds", world.namespace)
    return {one["metadata"]["annotations"]["anomalyops.io/value"] for one in found}


def ready(world: World, readiness: str) -> None:
    world.condition("anomalyjobset", "Ready", status="True", reason="Ready")
    wait_until(lambda: status(world)["readiness"] == readiness, what=f"{readiness} ready")


def status(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.kubectl.get("anomalyjobset", "hosts", world.namespace)["status"]
    return found


def start(world: World, *values: str, **spec: Any) -> None:
    world.apply(world.connection(), world.job_set(*values, **spec))
    world.wait_ready("elasticsearchconnection/default", "anomalyjobset/hosts")


def test_a_pair_is_made_for_each_value_and_follows_the_template(world: World) -> None:
    start(world, "web-0", "web-1")
    table = world.kubectl("get", "ajs", "hosts", "-n", world.namespace).splitlines()
    assert table[0].split() == ["NAME", "JOBS", "READY", "REASON", "AGE"]
    assert table[1].split()[1:4] == ["2/2", "True", "Ready"]
    made = jobs(world)
    assert set(made) == feeds(world) == {"web-0", "web-1"}
    job = made["web-0"]
    assert job["metadata"]["labels"] == {"host": "web-0", "anomalyops.io/job-set": "hosts"}
    (owner,) = job["metadata"]["ownerReferences"]
    set_ = world.kubectl.get("anomalyjobset", "hosts", world.namespace)
    assert (owner["kind"], owner["name"], owner["uid"]) == ("AnomalyJobSet", "hosts", set_["metadata"]["uid"])
    config = world.engine.job_config(job["status"]["jobId"])
    assert config is not None
    assert config["description"] == "Requests of web-0"
    feed = world.engine.datafeed_config(job["metadata"]["name"])
    assert feed is not None
    assert feed["query"] == {"term": {"host": "web-0"}}

    changed = world.job_set("web-0", "web-1", "web-2")
    changed["spec"]["template"]["job"]["description"] = "Load of {{value}}"
    world.apply(changed)
    world.wait_observed("anomalyjobset/hosts")
    ready(world, "3/3")
    config = world.engine.job_config(job["status"]["jobId"])
    assert config is not None
    assert config["description"] == "Load of web-0"
    assert jobs(world)["web-0"]["metadata"]["uid"] == job["metadata"]["uid"]

    # What hands do to what it made is set back.
    name = job["metadata"]["name"]
    patch = '{"spec": {"description": "by hand"}}'
    world.kubectl("patch", "aj", name, "-n", world.namespace, "--type=merge", "-p", patch)
    wait_until(lambda: jobs(world)["web-0"]["spec"]["description"] == "Load of web-0", what="the old words")
    world.kubectl("delete", f"adf/{name}", "-n", world.namespace, TIMEOUT)
    wait_until(lambda: "web-0" in feeds(world), what="the datafeed anew")
    ready(world, "3/3")


@pytest.mark.parametrize("policy", ["Retain", "Orphan", "Delete"])
def test_each_prune_policy(world: World, policy: str) -> None:
    start(world, "web-0", "web-1", prunePolicy=policy)
    gone = jobs(world)["web-1"]["status"]["jobId"]
    world.apply(world.job_set("web-0", prunePolicy=policy))
    world.wait_observed("anomalyjobset/hosts")
    ready(world, "1/1")
    if policy == "Delete":
        wait_until(lambda: set(jobs(world)) == feeds(world) == {"web-0"}, what="the pruning")
        assert world.engine.job_config(gone) is None
        return
    kept = jobs(world)["web-1"]
    assert world.engine.job_state(gone) == "opened"
    assert status(world)["retained"] == (1 if policy == "Retain" else 0)
    assert ("ownerReferences" in kept["metadata"]) == (policy == "Retain")
    assert ("anomalyops.io/job-set" in kept["metadata"]["labels"]) == (policy == "Retain")
    world.apply(world.job_set("web-0", "web-1", prunePolicy=policy))
    if policy == "Retain":
        world.wait_observed("anomalyjobset/hosts")
        ready(world, "2/2")
        assert jobs(world)["web-1"]["metadata"]["uid"] == kept["metadata"]["uid"]
    else:  # somebody else's now
        said = world.condition("anomalyjobset", "Stalled", status="True", reason="Conflict")
        assert kept["metadata"]["name"] in said["message"]


def test_values_of_a_field_come_and_a_query_that_fails_prunes_nothing(world: World) -> None:
    start(world, terms=TERMS, prunePolicy="Delete")
    ready(world, "3/3")
    assert set(jobs(world)) == {"web-0", "web-1", "web-2"}
    uids = {one["metadata"]["uid"] for one in jobs(world).values()}

    world.apply(world.job_set(terms={"indices": ["no-such-index"], "field": "host"}, prunePolicy="Delete"))
    said = world.condition("anomalyjobset", "Ready", status="False")
    wait_until(
        lambda: "nothing is pruned" in world.condition("anomalyjobset", "Ready", status="False")["message"],
        what=f"the failure, not {said}",
    )
    world.apply(world.job_set(terms=TERMS | {"query": {"term": {"host": "nobody"}}}, prunePolicy="Delete"))
    said = world.condition("anomalyjobset", "Stalled", status="True", reason="ValuesRefused")
    assert "nothing is pruned for that" in said["message"]
    world.apply(world.job_set(terms=TERMS, limit=2, prunePolicy="Delete"))
    wait_until(
        lambda: "spec.limit" in world.condition("anomalyjobset", "Stalled", status="True")["message"],
        what="the limit",
    )
    world.proxy.down()
    world.apply(world.job_set(terms=TERMS | {"query": {"term": {"host": "web-0"}}}, prunePolicy="Delete"))
    world.condition("anomalyjobset", "Ready", status="False", reason="Unreachable")
    assert {one["metadata"]["uid"] for one in jobs(world).values()} == uids
    world.proxy.up()
    world.wait_ready("anomalyjobset/hosts")
    wait_until(lambda: set(jobs(world)) == {"web-0"}, what="the pruning")


def test_what_the_template_gives_is_checked(world: World) -> None:
    wrong = world.job_set("web-0")
    wrong["spec"]["template"]["job"]["analysisConfig"]["bucketSpan"] = "{{value}}"
    world.apply(world.connection(), wrong)
    said = world.condition("anomalyjobset", "Stalled", status="True", reason="InvalidSpec")
    assert "web-0: AnomalyJob spec.analysisConfig.bucketSpan: 'web-0' is not a duration" in said["message"]
    assert jobs(world) == {}
    start(world, "web-0")
    refused = world.job_set("web-0")
    refused["spec"]["template"]["job"]["analysisConfig"]["bucketSpan"] = "30m"
    world.apply(refused)
    said = world.condition("anomalyjobset", "Stalled", status="True", reason="Rejected")
    assert "bucketSpan cannot be changed in place" in said["message"]
