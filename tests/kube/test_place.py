"""A pair lives on one server: it is never found on another unless its manifest says so."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from kube_harness.kubectl import Manifest
from kube_harness.processes import wait_until
from kube_harness.services import Engine
from kube_harness.world import World, fill_index


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Another server, with the same data and nothing else."""
    engine = Engine(tmp_path_factory.mktemp("other"))
    try:
        engine.start()
        fill_index(engine)
        yield engine
    finally:
        engine.stop()


def named(world: World, name: str, **spec: object) -> Manifest:
    connection = world.connection(**spec)
    connection["metadata"]["name"] = name
    return connection


def test_the_place_is_noted_in_both_statuses(world: World) -> None:
    world.start_pair()
    uuid = world.engine.call("GET", "/")["cluster_uuid"]
    for kind, name in (("anomalyjob", "requests"), ("datafeed", "feed")):
        placement = world.kubectl.get(kind, name, world.namespace)["status"]["placement"]
        assert placement == {"connection": f"{world.namespace}/default", "clusterUuid": uuid}


def test_an_edited_address_moves_nothing(world: World, other: Engine) -> None:
    world.start_pair()
    world.apply(world.connection(url=other.url))
    for kind in ("anomalyjob", "datafeed"):
        stalled = world.condition(kind, "Stalled", reason="PlaceChanged")
        assert "movePolicy" in stalled["message"]
    world.apply(world.job(description="an edit meanwhile"))
    world.condition("anomalyjob", "Stalled", reason="PlaceChanged")
    assert other.job_config(world.job_id) is None
    assert world.engine.job_state(world.job_id) == "opened"
    assert world.engine.datafeed_state(world.datafeed_id) == "started"

    world.apply(world.connection())
    world.wait_ready()
    assert world.engine.job_config(world.job_id)["description"] == "an edit meanwhile"


def test_a_pair_that_is_told_to_move_is_stopped_there_and_created_here(world: World, other: Engine) -> None:
    old = named(world, "old")
    job = world.job(connectionRef={"name": "old"})
    world.apply(old, job, world.datafeed())
    world.wait_ready("anomalyjob/requests", "datafeed/feed")
    world.apply(world.connection(url=other.url), world.job(movePolicy="Move"))
    world.wait_ready()
    wait_until(lambda: other.datafeed_state(world.datafeed_id) == "started", timeout=20, what="the new datafeed")
    assert world.engine.job_state(world.job_id) == "closed"
    assert world.engine.datafeed_state(world.datafeed_id) == "stopped"
    assert world.engine.job_config(world.job_id)["custom_settings"]["anomalyops.io/retained"] == "true"
    assert world.events("Moved")


def test_another_name_of_the_same_server_is_no_change(world: World) -> None:
    world.start_pair()
    world.apply(named(world, "same"))
    world.kubectl("wait", "--for=condition=Ready", "--timeout=20s", "-n", world.namespace, "esc/same")
    writes = len(world.proxy.writes())
    world.apply(world.job(connectionRef={"name": "same"}))
    world.wait_ready()
    assert world.proxy.writes()[writes:] == []


def test_a_default_that_appears_does_not_take_pairs_away(world: World, other: Engine) -> None:
    default = world.connection()
    default["metadata"]["namespace"] = "anomalyops-system"
    world.apply(default, world.job(), world.datafeed())
    try:
        world.wait_ready("anomalyjob/requests", "datafeed/feed")
        world.apply(world.connection(url=other.url))
        world.condition("anomalyjob", "Stalled", reason="PlaceChanged")
        assert other.job_config(world.job_id) is None
        world.kubectl("delete", "esc", "default", "-n", world.namespace)
        world.wait_ready("anomalyjob/requests", "datafeed/feed")
        assert world.engine.datafeed_state(world.datafeed_id) == "started"
    finally:
        world.kubectl("delete", "esc", "default", "-n", "anomalyops-system")


def test_a_deletion_is_carried_out_where_the_pair_lives_or_not_at_all(world: World, other: Engine) -> None:
    world.start_pair(job=world.job(deletionPolicy="Delete"), datafeed=world.datafeed(deletionPolicy="Delete"))
    other.call("PUT", f"/_ml/anomaly_detectors/{world.job_id}", world.engine_body())  # of the same name, another's
    world.apply(world.connection(url=other.url))
    world.condition("anomalyjob", "Stalled", reason="PlaceChanged")
    world.kubectl("delete", "anomalyjob/requests", "datafeed/feed", "--wait=false", "-n", world.namespace)
    world.condition("anomalyjob", "Reconciling", reason="Deleting")
    assert other.job_config(world.job_id) is not None
    assert world.engine.job_config(world.job_id) is not None
    world.apply(world.connection())
    world.kubectl.wait_gone("anomalyjob", "requests", world.namespace)
    assert world.engine.job_config(world.job_id) is None
    assert other.job_config(world.job_id) is not None


def test_a_server_that_was_replaced_under_its_address_is_not_filled_anew(world: World, other: Engine) -> None:
    """A data folder that was lost is no reason to create jobs without their models and call that success."""
    world.start_pair()
    world.proxy.target = urlsplit(other.url)
    world.condition("anomalyjob", "Stalled", reason="PlaceChanged")
    assert other.job_config(world.job_id) is None
    world.proxy.target = urlsplit(world.engine.url)
    world.wait_ready()


def test_a_datafeed_without_a_job_waits_for_it_wherever_connections_lead(world: World, other: Engine) -> None:
    """Which connection it will use is its job's to say: the present one leading elsewhere is no trouble."""
    world.start_pair()
    world.kubectl("delete", "anomalyjob/requests", "-n", world.namespace)
    world.condition("datafeed", "Ready", status="False", reason="WaitingForJob")
    world.apply(world.connection(url=other.url))
    world.kubectl(
        "wait",
        "--for=jsonpath={.status.clusterUuid}=" + other.call("GET", "/")["cluster_uuid"],
        "--timeout=20s",
        "-n",
        world.namespace,
        "esc/default",
    )
    world.apply(world.datafeed(scrollSize=500))
    world.wait_observed("datafeed/feed")
    ready = world.condition("datafeed", "Ready", status="False", reason="WaitingForJob")
    assert "requests" in ready["message"]
    assert world.kubectl.condition("datafeed", "feed", world.namespace, "Stalled") is None
