"""A pair lives on one server: it is never found on another unless its manifest says so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from kube_harness.kubectl import TIMEOUT, Manifest
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
    wait_until(lambda: other.datafeed_state(world.datafeed_id) == "started", what="the new datafeed")
    assert world.engine.job_state(world.job_id) == "closed"
    assert world.engine.datafeed_state(world.datafeed_id) == "stopped"
    assert world.engine.job_config(world.job_id)["custom_settings"]["anomalyops.io/retained"] == "true"
    assert world.events("Moved")


def test_what_jobs_share_moves_when_it_is_told_to(world: World, other: Engine) -> None:
    """Refuse says so and does nothing; Move leaves it as with Retain, and makes it where the connection leads."""
    event = {"description": "Christmas", "start": "2026-12-24", "end": "2026-12-27"}
    world.apply(named(world, "old"), world.connection(url=other.url))
    there: dict[str, object] = {"connectionRef": {"name": "old"}}
    world.apply(world.filter("a", "b", **there), world.calendar(event, jobIds=["some-job"], **there))
    world.wait_ready("anomalyfilter/hosts", "anomalycalendar/holidays")
    paths = f"/_ml/filters/{world.filter_id}", f"/_ml/calendars/{world.calendar_id}"

    world.apply(world.filter("a", "b"), world.calendar(event, jobIds=["some-job"]))
    for kind in ("anomalyfilter", "anomalycalendar"):
        assert "movePolicy" in world.condition(kind, "Stalled", reason="PlaceChanged")["message"]
    assert [other.request("GET", path)[0] for path in paths] == [404, 404]

    world.apply(
        world.filter("a", "b", movePolicy="Move"), world.calendar(event, jobIds=["some-job"], movePolicy="Move")
    )
    world.wait_ready("anomalyfilter/hosts", "anomalycalendar/holidays")
    uuid = other.call("GET", "/")["cluster_uuid"]
    for kind, name in (("anomalyfilter", "hosts"), ("anomalycalendar", "holidays")):
        assert world.kubectl.get(kind, name, world.namespace)["status"]["placement"]["clusterUuid"] == uuid
    assert len(world.events("Moved")) == 2
    kept, made = (server.call("GET", paths[0])["filters"][0] for server in (world.engine, other))
    assert kept["items"] == made["items"] == ["a", "b"]
    assert '"retained": true' in kept["description"]
    assert "retained" not in made["description"]
    for server, retained in ((world.engine, True), (other, False)):
        assert server.call("GET", paths[1])["calendars"][0]["job_ids"] == ["some-job"]
        told = [one["description"] for one in server.call("GET", f"{paths[1]}/events")["events"]]
        assert "Christmas" in told
        assert any('"retained": true' in one for one in told) is retained

    world.kubectl("patch", "anomalyfilter", "hosts", "-n", world.namespace, "--type=merge", "-p",
                  '{"spec": {"deletionPolicy": "Delete"}}')  # fmt: skip
    world.kubectl("delete", "anomalyfilter/hosts", "-n", world.namespace, TIMEOUT)
    assert other.request("GET", paths[0])[0] == 404  # where it lives now
    assert world.engine.request("GET", paths[0])[0] == 200


@pytest.mark.parametrize("pause", [0.0, 0.15, 0.4])
def test_an_operator_that_is_killed_while_a_filter_moves_ends_the_move(
    world: World, other: Engine, pause: float
) -> None:
    """It is kept on one server and managed on the other, whenever that was."""
    path = f"/_ml/filters/{world.filter_id}"
    world.apply(named(world, "old"), world.connection(url=other.url))
    world.apply(world.filter("a", connectionRef={"name": "old"}))
    world.wait_ready("anomalyfilter/hosts")
    world.apply(world.filter("a", "b", movePolicy="Move"))
    time.sleep(pause)
    world.operator.kill()
    world.operator.start()
    world.wait_ready("anomalyfilter/hosts")
    kept, made = (server.call("GET", path)["filters"][0] for server in (world.engine, other))
    assert (kept["items"], made["items"]) == (["a"], ["a", "b"])
    assert '"retained": true' in kept["description"]
    assert "retained" not in made["description"]
    placement = world.kubectl.get("anomalyfilter", "hosts", world.namespace)["status"]["placement"]
    assert placement["clusterUuid"] == other.call("GET", "/")["cluster_uuid"]


def test_requests_go_with_their_job(world: World, other: Engine) -> None:
    """What was made once stays made; a schedule goes on where its job is."""
    two_days_ago = (datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    job = world.job(connectionRef={"name": "old"})
    world.apply(named(world, "old"), job, world.datafeed(start=two_days_ago))
    world.wait_ready("anomalyjob/requests", "datafeed/feed")
    stats = f"/_ml/anomaly_detectors/{world.job_id}/_stats"
    wait_until(
        lambda: world.engine.call("GET", stats)["jobs"][0]["data_counts"]["processed_record_count"] > 500,
        what="almost two days of data",
    )
    daily = world.forecast(schedule="0 0 1 1 *")
    daily["metadata"]["name"] = "yearly"
    world.apply(world.forecast(), daily)
    world.condition("anomalyforecast", "Ready", status="True", reason="ForecastFinished")
    before = world.kubectl.get("anomalyforecast", "half-day", world.namespace)["status"]

    world.apply(world.connection(url=other.url), world.job(movePolicy="Move"))
    wait_until(lambda: other.datafeed_state(world.datafeed_id) == "started", what="the new datafeed")
    uuid = other.call("GET", "/")["cluster_uuid"]

    def lives() -> str:
        status = world.kubectl.get("anomalyforecast", "yearly", world.namespace)["status"]
        return str(status["placement"]["clusterUuid"])

    wait_until(lambda: lives() == uuid, what="the schedule's new place")
    after = world.kubectl.get("anomalyforecast", "half-day", world.namespace)["status"]
    assert after["history"] == before["history"]
    assert after["placement"] == before["placement"]
    for name in ("half-day", "yearly"):
        assert world.kubectl.condition("anomalyforecast", name, world.namespace, "Stalled") is None


def test_another_name_of_the_same_server_is_no_change(world: World) -> None:
    world.start_pair()
    world.apply(named(world, "same"))
    world.kubectl("wait", "--for=condition=Ready", TIMEOUT, "-n", world.namespace, "esc/same")
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
        TIMEOUT,
        "-n",
        world.namespace,
        "esc/default",
    )
    world.apply(world.datafeed(scrollSize=500))
    world.wait_observed("datafeed/feed")
    ready = world.condition("datafeed", "Ready", status="False", reason="WaitingForJob")
    assert "requests" in ready["message"]
    assert world.kubectl.condition("datafeed", "feed", world.namespace, "Stalled") is None
