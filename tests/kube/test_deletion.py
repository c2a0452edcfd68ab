"""Deleting resources: each policy, and what must not hang."""

from __future__ import annotations

import json

import pytest
from kube_harness.kubectl import TIMEOUT
from kube_harness.processes import wait_until
from kube_harness.world import World


def delete(world: World, *names: str) -> None:
    world.kubectl("delete", *names, "-n", world.namespace, TIMEOUT)


def wait_for_results(world: World) -> int:
    """Until the job has analysed the two days of the index; how many buckets it has."""
    path = f"/_ml/anomaly_detectors/{world.job_id}/results/buckets"
    return wait_until(lambda: world.engine.call("GET", path)["count"], what="results")


def test_retain_stops_and_closes_and_keeps_the_results(world: World) -> None:
    world.start_pair()
    wait_for_results(world)
    delete(world, "anomalyjob/requests", "datafeed/feed")
    assert world.engine.datafeed_state(world.datafeed_id) == "stopped"
    assert world.engine.job_state(world.job_id) == "closed"
    assert wait_for_results(world) > 0


def test_what_was_retained_is_taken_up_again_by_the_same_manifests(world: World) -> None:
    world.start_pair()
    buckets = wait_for_results(world)
    delete(world, "anomalyjob/requests", "datafeed/feed")
    world.apply(world.job(), world.datafeed())
    world.wait_ready()
    assert world.engine.datafeed_state(world.datafeed_id) == "started"
    assert wait_for_results(world) >= buckets


def test_delete_removes_job_datafeed_and_results(world: World) -> None:
    world.start_pair(world.job(deletionPolicy="Delete"), world.datafeed(deletionPolicy="Delete"))
    wait_for_results(world)
    delete(world, "anomalyjob/requests", "datafeed/feed")
    assert world.engine.job_config(world.job_id) is None
    assert world.engine.datafeed_config(world.datafeed_id) is None
    query = {"query": {"term": {"job_id": world.job_id}}}
    found = world.engine.call("POST", "/.ml-anomalies-*/_search", query)
    assert found["hits"]["total"]["value"] == 0


def test_orphan_leaves_everything_running_without_our_mark(world: World) -> None:
    world.start_pair(world.job(deletionPolicy="Orphan"), world.datafeed(deletionPolicy="Orphan"))
    delete(world, "anomalyjob/requests", "datafeed/feed")
    assert world.engine.datafeed_state(world.datafeed_id) == "started"
    assert world.engine.job_state(world.job_id) == "opened"
    settings = world.engine.job_config(world.job_id).get("custom_settings") or {}
    assert not any(key.startswith("anomalyops") for key in settings)


def test_deleting_the_datafeed_alone_leaves_the_job(world: World) -> None:
    world.start_pair(datafeed=world.datafeed(deletionPolicy="Delete"))
    delete(world, "datafeed/feed")
    assert world.engine.datafeed_config(world.datafeed_id) is None
    assert world.engine.job_state(world.job_id) == "opened"
    world.wait_ready("anomalyjob/requests")


def test_the_order_of_deletion_does_not_matter(world: World) -> None:
    """The job first and with its own policy; the datafeed then has no job, and goes too."""
    world.start_pair(world.job(deletionPolicy="Delete"), world.datafeed(deletionPolicy="Delete"))
    delete(world, "anomalyjob/requests")
    assert world.engine.job_config(world.job_id) is None
    world.condition("datafeed", "Ready", status="False", reason="WaitingForJob")
    delete(world, "datafeed/feed")


def test_a_datafeed_that_never_had_a_job_goes_at_once(world: World) -> None:
    world.apply(world.connection(), world.datafeed(deletionPolicy="Delete"))
    world.condition("datafeed", "Ready", status="False", reason="WaitingForJob")
    delete(world, "datafeed/feed")


def test_everything_at_once_connection_first(world: World) -> None:
    """As when a namespace is deleted: the connection has no finalizer and is gone before the rest."""
    world.start_pair()
    world.kubectl("delete", "esc,aj,adf", "--all", "-n", world.namespace, TIMEOUT)
    assert world.engine.datafeed_state(world.datafeed_id) == "stopped"
    assert world.engine.job_state(world.job_id) == "closed"


@pytest.mark.parametrize("policy", ["Retain", "Orphan"])
def test_without_a_connection_resources_go_when_nothing_is_lost(world: World, policy: str) -> None:
    manifests = [world.job(deletionPolicy=policy), world.datafeed(deletionPolicy=policy)]
    for manifest in manifests:
        manifest["metadata"]["finalizers"] = ["anomalyops.io/finalizer"]
    world.apply(*manifests)
    world.condition("anomalyjob", "Ready", status="Unknown")
    delete(world, "anomalyjob/requests", "datafeed/feed")
    notes = [event["note"] for event in world.events("Released")]
    assert any("no connection" in note for note in notes)


def test_without_a_connection_a_deletion_with_delete_waits(world: World) -> None:
    job = world.job(deletionPolicy="Delete")
    job["metadata"]["finalizers"] = ["anomalyops.io/finalizer"]
    world.apply(job)
    world.condition("anomalyjob", "ConnectionUnavailable", reason="ConnectionNotFound")
    world.kubectl("delete", "anomalyjob", "requests", "-n", world.namespace, "--wait=false")
    patch = json.dumps({"spec": {"deletionPolicy": "Orphan"}})
    assert world.kubectl.exists("anomalyjob", "requests", world.namespace)
    world.kubectl("patch", "anomalyjob", "requests", "-n", world.namespace, "--type=merge", "-p", patch)
    world.kubectl.wait_gone("anomalyjob", "requests", world.namespace)


@pytest.mark.parametrize("policy", ["Retain", "Orphan"])
def test_a_server_that_never_answers_is_not_waited_for_without_end(world: World, policy: str) -> None:
    world.start_pair(world.job(deletionPolicy=policy), world.datafeed(deletionPolicy=policy))
    world.proxy.down()
    world.kubectl("delete", "anomalyjob/requests", "datafeed/feed", "-n", world.namespace, "--wait=false")
    if policy == "Retain":
        waiting = world.condition("anomalyjob", "Reconciling", reason="Deleting")
        assert "waits a while for the server" in waiting["message"]
    world.kubectl.wait_gone("anomalyjob", "requests", world.namespace)
    world.kubectl.wait_gone("datafeed", "feed", world.namespace)
    notes = [event["note"] for event in world.events("Released")]
    assert any(f"job {world.job_id}" in note and "could not be reached" in note for note in notes)
    assert any(f"datafeed {world.datafeed_id}" in note for note in notes)


def test_a_secret_that_goes_first_holds_nothing_up(world: World) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "key", "namespace": world.namespace},
        "stringData": {"username": "u", "password": "p"},
    }
    connection = world.connection(auth={"basicSecretRef": {"name": "key"}})
    world.allow_secrets()
    world.kubectl.apply(secret)
    world.apply(connection, world.job(), world.datafeed())
    world.wait_ready()
    world.kubectl("delete", "secret", "key", "-n", world.namespace)
    world.condition("anomalyjob", "ConnectionUnavailable", reason="SecretNotFound")
    delete(world, "anomalyjob/requests", "datafeed/feed")
    notes = [event["note"] for event in world.events("Released")]
    assert any(f"Secret {world.namespace}/key was deleted" in note for note in notes)


def test_a_deletion_with_delete_says_what_it_waits_for_and_the_way_out(world: World) -> None:
    world.start_pair(world.job(deletionPolicy="Delete"), world.datafeed(deletionPolicy="Delete"))
    world.proxy.down()
    world.kubectl("delete", "anomalyjob/requests", "datafeed/feed", "-n", world.namespace, "--wait=false")
    waiting = world.condition("anomalyjob", "Reconciling", reason="Deleting")
    assert "set spec.deletionPolicy to Retain or Orphan" in waiting["message"]
    world.proxy.up()
    world.kubectl.wait_gone("anomalyjob", "requests", world.namespace)
    assert world.engine.job_config(world.job_id) is None
