"""Two namespaces that want the same job or datafeed of one server: who has it, in words, and how it changes hands."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import pytest
from kube_harness.kubectl import Kubectl
from kube_harness.processes import wait_until
from kube_harness.services import Engine, Operator
from kube_harness.world import World

_numbers = itertools.count(1)


@pytest.fixture
def neighbour(admin: Kubectl, engine: Engine, operator: Operator) -> Iterator[World]:
    """A second namespace on the same server."""
    world = World(admin, engine, operator, namespace=f"neighbour-{next(_numbers)}")
    try:
        world.set_up()
        yield world
    finally:
        world.tear_down()


def test_a_datafeed_id_in_use_is_a_conflict_that_names_its_owner(world: World, neighbour: World) -> None:
    world.start_pair()
    neighbour.apply(neighbour.connection(), neighbour.job(), neighbour.datafeed(datafeedId=world.datafeed_id))
    stalled = neighbour.condition("datafeed", "Stalled", status="True", reason="Conflict")
    assert f"datafeed of job {world.job_id}, managed by AnomalyJob {world.namespace}/requests" in stalled["message"]
    assert "spec.datafeedId" in stalled["message"]
    neighbour.condition("anomalyjob", "Ready", status="False", reason="Conflict")
    assert world.engine.datafeed_state(world.datafeed_id) == "started"

    world.kubectl("delete", "-n", world.namespace, "datafeed/feed", "--wait=true")
    world.engine.request("DELETE", f"/_ml/datafeeds/{world.datafeed_id}")  # Retain left it there
    neighbour.wait_ready("anomalyjob/requests", "datafeed/feed")
    neighbour.kubectl("delete", "-n", neighbour.namespace, "datafeed/feed", "--wait=true")
    neighbour.engine.request("DELETE", f"/_ml/datafeeds/{world.datafeed_id}")


def test_a_job_changes_hands_by_name_alone(world: World, neighbour: World) -> None:
    world.start_pair()
    job, datafeed = neighbour.job(jobId=world.job_id), neighbour.datafeed(datafeedId=world.datafeed_id)
    job["spec"]["adoptionPolicy"] = "Always"
    neighbour.apply(neighbour.connection(), job, datafeed)
    stalled = neighbour.condition("anomalyjob", "Stalled", status="True", reason="NotOwned")
    assert f"managed by AnomalyJob {world.namespace}/requests of cluster" in stalled["message"]
    assert " since 20" in stalled["message"]
    named = stalled["message"].partition("spec.takeOverFrom: ")[2].split(" ")[0]
    assert world.engine.job_config(world.job_id)["custom_settings"]["anomalyops.io/namespace"] == world.namespace

    job["spec"]["takeOverFrom"] = named
    neighbour.apply(job)
    neighbour.wait_ready("anomalyjob/requests", "datafeed/feed")
    settings = world.engine.job_config(world.job_id)["custom_settings"]
    assert settings["anomalyops.io/namespace"] == neighbour.namespace
    world.condition("anomalyjob", "Stalled", status="True", reason="NotOwned")
    world.kubectl("delete", "-n", world.namespace, "anomalyjob/requests", "datafeed/feed", "--wait=true")
    wait_until(lambda: world.engine.datafeed_state(world.datafeed_id) == "started", what="the datafeed runs on")


@pytest.mark.parametrize("feed_of_both", [True, False])
def test_what_may_not_be_managed_says_the_same_at_every_look(
    world: World, neighbour: World, *, feed_of_both: bool
) -> None:
    world.start_pair()
    datafeed = neighbour.datafeed(**({"datafeedId": world.datafeed_id} if feed_of_both else {}))
    neighbour.apply(neighbour.connection(), neighbour.job(jobId=world.job_id), datafeed)
    neighbour.condition("anomalyjob", "Stalled", status="True", reason="NotOwned")
    neighbour.condition("datafeed", "Ready", status="False")
    time.sleep(2)
    versions, told = _versions(neighbour), len(neighbour.events())
    time.sleep(8)  # several looks, with configurations and without
    assert _versions(neighbour) == versions
    assert len(neighbour.events()) == told


def _versions(world: World) -> dict[str, object]:
    objects = ("anomalyjob/requests", "datafeed/feed")
    found = [world.kubectl.get(*name.split("/"), world.namespace) for name in objects]
    return {one["kind"]: (one["metadata"]["resourceVersion"], one["status"]["conditions"]) for one in found}
