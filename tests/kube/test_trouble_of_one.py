"""What befalls one tenant, one kind or the API server's own store stops nobody else, is named, and passes by itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from kube_harness import binaries
from kube_harness.control_plane import ControlPlane
from kube_harness.kubectl import TIMEOUT, Kubectl
from kube_harness.processes import wait_until
from kube_harness.services import COMMAND, Engine, Operator
from kube_harness.world import World, fill_index

ROOT = Path(__file__).parent.parent.parent
INSTALL = ROOT / "manifests" / "install"


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    """A cluster of its own: these tests break it."""
    try:
        plane = ControlPlane(tmp_path)
    except binaries.BinariesUnavailableError as error:
        pytest.skip(str(error))
    try:
        yield plane
    finally:
        plane.stop()


@pytest.fixture
def cluster(plane: ControlPlane) -> Kubectl:
    kubectl = plane.start()
    kubectl("apply", "--server-side", "-k", INSTALL)
    kubectl.wait_for_definitions()
    return kubectl


@pytest.fixture
def operator(plane: ControlPlane, cluster: Kubectl, tmp_path: Path) -> Iterator[Operator]:
    """An operator with rights in the namespaces that bind them, serving `one` and `two`."""
    for namespace in ("one", "two"):
        cluster("create", "namespace", namespace)
    cluster("create", "serviceaccount", "tenants", "-n", "one")
    token = cluster("create", "token", "tenants", "-n", "one", "--duration=1h").strip()
    served = ("--namespace=one", "--namespace=two", "--cluster-id=tenants", "--relist-after=2")
    operator = Operator(tmp_path, plane.kubectl(token, name="tenants").kubeconfig, *served)
    try:
        yield operator
    finally:
        operator.stop()


def allow(cluster: Kubectl, namespace: str) -> None:
    account = "--serviceaccount=one:tenants"
    cluster("create", "rolebinding", "operator", "-n", namespace, "--clusterrole=anomalyops", account)


def world_in(cluster: Kubectl, engine: Engine, operator: Operator, namespace: str) -> World:
    fill_index(engine)
    world = World(cluster, engine, operator, namespace=namespace)
    world.job_id, world.datafeed_id = f"tenant-{namespace}-requests", f"tenant-{namespace}-feed"
    return world


def troubles(operator: Operator) -> dict[str, str]:
    status, text = operator.health()
    assert status == 200, text
    found: dict[str, str] = json.loads(text)["anomalyops"]["troubles"]
    return found


def test_rights_that_one_namespace_lacks_stop_no_other(cluster: Kubectl, engine: Engine, operator: Operator) -> None:
    one, two = (world_in(cluster, engine, operator, namespace) for namespace in ("one", "two"))
    allow(cluster, "one")
    operator.start()
    two.apply(two.connection(), two.job(), two.datafeed())
    one.start_pair()
    assert {scope.rpartition(" ")[2] for scope in troubles(operator)} == {"two"}
    assert all("forbidden" in why for why in troubles(operator).values())
    assert operator.metrics()['anomalyops_scope_trouble{kind="anomalyjobs",namespace="two"}'] == 1
    assert operator.metrics()['anomalyops_scope_trouble{kind="anomalyjobs",namespace="one"}'] == 0
    assert operator.metrics()['anomalyops_connection_usable{connection="default",namespace="one"}'] == 1

    allow(cluster, "two")
    two.wait_ready()
    wait_until(lambda: troubles(operator) == {}, what="no trouble any more")
    assert operator.metrics()['anomalyops_scope_trouble{kind="anomalyjobs",namespace="two"}'] == 0

    cluster("delete", "rolebinding", "operator", "-n", "two")
    wait_until(lambda: troubles(operator), what="the trouble named again")
    one.apply(one.job(description="still served"))
    one.wait_ready()
    assert engine.job_config(one.job_id)["description"] == "still served"
    two.apply(two.job(description="later"))
    allow(cluster, "two")
    two.wait_ready()
    assert engine.job_config(two.job_id)["description"] == "later"


def test_a_kind_that_is_removed_and_comes_back(cluster: Kubectl, engine: Engine, operator: Operator) -> None:
    one = world_in(cluster, engine, operator, "one")
    for namespace in ("one", "two"):
        allow(cluster, namespace)
    operator.start()
    one.start_pair()
    one.kubectl("delete", "adf/feed", "-n", "one")
    cluster("delete", "crd", "datafeeds.anomalyops.io")
    wait_until(lambda: troubles(operator), what="the trouble named")
    one.apply(one.job(description="jobs are served"))
    wait_until(lambda: engine.job_config(one.job_id)["description"] == "jobs are served", what="the job's edit")
    cluster("apply", "--server-side", "-k", INSTALL)
    cluster.wait_for_definitions("datafeeds.anomalyops.io")
    one.apply(one.datafeed())
    one.wait_ready()
    wait_until(lambda: troubles(operator) == {}, what="no trouble any more")


def test_after_a_restore_of_etcd_nothing_stays_unseen(
    plane: ControlPlane, cluster: Kubectl, engine: Engine, operator: Operator, tmp_path: Path
) -> None:
    """Versions go back: watches wait for ones that may never come, and a cache takes the past for the present."""
    one = world_in(cluster, engine, operator, "one")
    for namespace in ("one", "two"):
        allow(cluster, namespace)
    operator.start()
    one.start_pair(job=one.job(description="as saved"))
    plane.stop()
    shutil.copytree(tmp_path / "etcd", tmp_path / "saved")
    plane.start()
    one.apply(one.job(description="lost with the restore"))
    wait_until(lambda: engine.job_config(one.job_id)["description"] == "lost with the restore", what="the edit")
    for number in range(30):  # the versions that the restored cluster must pass again
        cluster("create", "configmap", f"noise-{number}", "-n", "one")

    plane.stop()
    shutil.rmtree(tmp_path / "etcd")
    shutil.move(tmp_path / "saved", tmp_path / "etcd")
    plane.start()
    wait_until(lambda: engine.job_config(one.job_id)["description"] == "as saved", what="the restored manifest")
    one.apply(one.job(description="after the restore"))
    one.wait_ready()
    assert engine.job_config(one.job_id)["description"] == "after the restore"
    one.apply(one.connection(observeInterval="2s"))  # what looks at servers lives on when the watches begin anew
    one.wait_observed("elasticsearchconnection/default")


def test_uninstall_releases_everything_and_nothing_hangs(
    plane: ControlPlane, cluster: Kubectl, engine: Engine, operator: Operator
) -> None:
    one = world_in(cluster, engine, operator, "one")
    for namespace in ("one", "two"):
        allow(cluster, namespace)
    operator.start()
    one.start_pair(job=one.job(deletionPolicy="Delete"))
    refused = uninstall(cluster)
    assert refused.returncode == 1, "it is told that an operator still runs"
    assert "Stop it first" in refused.stderr
    operator.stop()
    released = json.loads(uninstall(cluster, "-o", "json").stdout)["released"]
    assert {(entry["kind"], entry["name"]) for entry in released} == {("AnomalyJob", "requests"), ("Datafeed", "feed")}
    cluster("delete", "crd", "--all", TIMEOUT)  # with all of their objects
    assert engine.datafeed_state(one.datafeed_id) == "started", "nothing is done on any server"


def uninstall(cluster: Kubectl, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"KUBECONFIG": str(cluster.kubeconfig)}
    command = [*COMMAND, "uninstall", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_without_any_right_it_ends_with_one_line(operator: Operator) -> None:
    operator.process.start()
    assert wait_until(lambda: not operator.process.running, what="the end")
    lines = [line for line in operator.process.log.read_text().splitlines() if line.startswith("anomalyops run:")]
    assert len(lines) == 1
    assert "forbidden" in lines[0]
    assert "Traceback" not in operator.process.log.read_text()
