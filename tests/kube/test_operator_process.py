"""The operator as a process: killed anywhere, quiet at rest, honest about its health."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kube_harness.control_plane import ControlPlane
from kube_harness.kubectl import Kubectl
from kube_harness.processes import wait_until
from kube_harness.services import Operator
from kube_harness.world import World

from waiting import PATIENCE_S


@pytest.mark.parametrize("step", ["_stop$", "_close$", "_update$", "_open$", "_start$"])
def test_killed_in_mid_lifecycle_it_goes_on_where_it_was(world: World, step: str) -> None:
    world.start_pair()
    with world.proxy.hold(rf"POST /_ml/.*{step}") as reached:
        world.apply(world.job(analysisLimits={"modelMemoryLimit": "64mb"}))
        assert reached.wait(PATIENCE_S), f"no call {step}"
        world.operator.kill()
    world.operator.start()
    world.wait_ready()
    assert world.engine.job_config(world.job_id)["analysis_limits"]["model_memory_limit"] == "64mb"
    assert world.engine.job_state(world.job_id) == "opened"
    assert world.engine.datafeed_state(world.datafeed_id) == "started"
    assert not world.events("DatafeedStopped")  # it was the operator that had stopped it


def test_killed_in_mid_deletion_it_finishes_the_deletion(world: World) -> None:
    world.start_pair(world.job(deletionPolicy="Delete"), world.datafeed(deletionPolicy="Delete"))
    with world.proxy.hold(r"POST /_ml/.*_close$") as reached:
        world.kubectl("delete", "aj/requests", "adf/feed", "-n", world.namespace, "--wait=false")
        assert reached.wait(PATIENCE_S)
        world.operator.kill()
    world.operator.start()
    world.kubectl.wait_gone("anomalyjob", "requests", world.namespace)
    world.kubectl.wait_gone("datafeed", "feed", world.namespace)
    assert world.engine.job_config(world.job_id) is None


def test_a_restart_changes_nothing_and_reports_nothing(world: World) -> None:
    world.start_pair()
    settle(world)
    writes, events = len(world.proxy.writes()), len(world.events())
    versions = resource_versions(world)
    assert world.operator.stop() == 0
    world.operator.start()
    reads = len(world.proxy.reads())
    wait_until(lambda: len(world.proxy.reads()) > reads + 15, what="some looks after the restart")
    assert len(world.proxy.writes()) == writes
    assert resource_versions(world) == versions
    assert len(world.events()) == events


def test_what_was_changed_meanwhile_does_not_wait_for_the_first_look(world: World) -> None:
    """After a restart all jobs are looked at in one look; what has changed is worked off beside it."""
    world.start_pair()
    assert world.operator.stop() == 0
    world.apply(world.job(description="changed meanwhile"))
    everything = "/_ml/anomaly_detectors/_all"
    looks = len([call for call in world.proxy.calls if call.path == everything])
    with world.proxy.hold(f"GET {everything}$") as held:
        world.operator.start()
        assert held.wait(PATIENCE_S)

        def changed() -> bool:
            return (world.engine.job_config(world.job_id) or {}).get("description") == "changed meanwhile"

        wait_until(changed, what="the change")
        assert len([call for call in world.proxy.calls if call.path == everything]) == looks
    world.wait_ready()


def test_at_rest_it_writes_nothing(world: World) -> None:
    world.start_pair()
    settle(world)
    versions, writes = resource_versions(world), len(world.proxy.writes())
    reads = len(world.proxy.reads())
    wait_until(lambda: len(world.proxy.reads()) > reads + 20, what="some more looks")
    assert resource_versions(world) == versions
    assert len(world.proxy.writes()) == writes


def settle(world: World) -> None:
    """Until the statuses have not changed for three looks: a feed that catches up changes them."""
    last, since = resource_versions(world), time.monotonic()

    def quiet() -> bool:
        nonlocal last, since
        now = resource_versions(world)
        if now != last:
            last, since = now, time.monotonic()
        return time.monotonic() - since > 4

    wait_until(quiet, what="no more changes of status", interval=0.5)


def resource_versions(world: World) -> dict[str, str]:
    items = json.loads(world.kubectl("get", "esc,aj,adf", "-n", world.namespace, "-o", "json"))["items"]
    return {f"{item['kind']}/{item['metadata']['name']}": item["metadata"]["resourceVersion"] for item in items}


def test_every_executed_plan_and_change_of_health_is_an_event(world: World) -> None:
    world.start_pair()
    plans = [event for event in world.events("PlanExecuted") if event["regarding"]["kind"] == "AnomalyJob"]
    assert len(plans) == 1
    for words in ("create job", "open job", "start datafeed"):
        assert words in plans[0]["note"]
    assert plans[0]["regarding"]["name"] == "requests"
    assert plans[0]["reportingController"] == "anomalyops.io/operator"

    world.apply(world.datafeed(queryDelay="90s"))
    world.wait_ready()
    assert "update datafeed" in world.events("PlanExecuted")[-1]["note"]
    world.proxy.down()
    world.condition("anomalyjob", "ConnectionUnavailable")
    wait_until(lambda: world.events("Unreachable"), what="an event about the connection")
    assert {event["type"] for event in world.events("Unreachable")} == {"Warning"}
    described = world.kubectl("describe", "aj", "requests", "-n", world.namespace)
    assert "PlanExecuted" in described


def test_the_health_endpoint_tells_what_is_watched(world: World) -> None:
    world.start_pair()

    def counted() -> bool:
        status, text = world.operator.health()
        facts = json.loads(text)["anomalyops"]
        return bool(status == 200 and facts["anomalyjobs"] >= 1 and facts["usableConnections"] >= 1)

    wait_until(counted, what="the health endpoint counting the job", interval=1)


def test_a_stuck_observer_makes_it_unhealthy_only_after_its_time(world: World) -> None:
    """A server that does not answer is no reason to restart the operator."""
    world.start_pair()
    world.apply(world.connection(requestTimeout="1s"))
    with world.proxy.hold("GET"):
        world.condition("elasticsearchconnection", "Ready", status="False")
        assert world.operator.health()[0] == 200
    world.wait_ready()


def test_sigterm_ends_it_with_exit_code_zero(tmp_path: Path, operator_kubeconfig: Path, operator: Operator) -> None:
    second = Operator(tmp_path, operator_kubeconfig, "--namespace=default", name="second")
    second.start()
    second.process._child.send_signal(signal.SIGTERM)
    assert second.process._child.wait(PATIENCE_S) == 0


def test_json_logs_are_one_object_a_line(tmp_path: Path, operator_kubeconfig: Path) -> None:
    second = Operator(tmp_path, operator_kubeconfig, "--namespace=default", "--log-format=json", name="json")
    second.start()
    second.stop()
    lines = [json.loads(line) for line in second.process.log.read_text().splitlines()]
    assert {"time", "level", "logger", "message"} <= lines[0].keys()


@pytest.fixture
def bare_cluster(tmp_path: Path) -> Iterator[tuple[ControlPlane, Kubectl]]:
    plane = ControlPlane(tmp_path)
    try:
        yield plane, plane.start()
    finally:
        plane.stop()


def test_without_crds_it_ends_and_says_what_to_apply(
    bare_cluster: tuple[ControlPlane, Kubectl], tmp_path: Path
) -> None:
    _, admin = bare_cluster
    lost = Operator(tmp_path, admin.kubeconfig, name="lost")
    lost.process.start()
    wait_until(lambda: not lost.process.running, what="the operator's end")
    assert lost.process._child.returncode == 1
    assert "anomalyops crds | kubectl apply" in lost.process.tail(5)


def test_idle_memory(operator_kubeconfig: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The idle process stays far below the limit of the Deployment."""
    idle = Operator(tmp_path, operator_kubeconfig, "--namespace=default", name="idle")
    idle.start()
    try:
        time.sleep(2)
        memory = idle.process.resident_mebibytes()
    finally:
        idle.stop()
    request.node.user_properties.append(("idle resident MiB", round(memory)))
    print(f"idle operator: {memory:.0f} MiB resident")
    limit = int(re.search(r"memory: (\d+)Mi", _deployment().partition("limits")[2]).group(1))
    assert memory < limit / 2


def _deployment() -> str:
    root = Path(__file__).parent.parent.parent
    return (root / "manifests" / "install" / "base" / "deployment.yaml").read_text()


def test_one_namespace_with_a_role_in_it_is_enough(
    admin: Kubectl, control_plane: ControlPlane, installed: str, world: World, tmp_path: Path
) -> None:
    """The namespaced installation: the same rights in one namespace, no cluster-wide ones."""
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    base = Path(__file__).parent.parent.parent / "manifests" / "install" / "namespaced" / "role.yaml"
    (overlay / "role.yaml").write_text(base.read_text())
    kustomization = {"namespace": world.namespace, "resources": ["role.yaml"]}
    (overlay / "kustomization.yaml").write_text(json.dumps(kustomization))
    admin("create", "serviceaccount", "anomalyops", "-n", world.namespace)
    admin("apply", "-k", overlay)
    token = admin("create", "token", "anomalyops", "-n", world.namespace).strip()
    kubeconfig = control_plane.kubectl(token, name=f"{world.namespace}-operator").kubeconfig

    world.operator.stop()
    narrow = Operator(tmp_path, kubeconfig, f"--namespace={world.namespace}", name="narrow")
    try:
        narrow.start()
        world.start_pair()
        world.apply(world.job(analysisLimits={"modelMemoryLimit": "64mb"}))
        world.wait_ready()
    finally:
        narrow.stop()
        world.operator.start()
