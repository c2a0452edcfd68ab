"""A real kube-apiserver, the embedded engine and the operator, once a session; a namespace of its own a test."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # tests have no packages; the harness is one

from kube_harness import binaries
from kube_harness.control_plane import ControlPlane
from kube_harness.kubectl import Kubectl
from kube_harness.processes import Process
from kube_harness.services import Engine, Operator
from kube_harness.world import World

ROOT = Path(__file__).parent.parent.parent
SERVICE_ACCOUNT = "anomalyops"
SYSTEM_NAMESPACE = "anomalyops-system"

_processes: list[Process] = []  # whose logs a failing test shows


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.kube)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build missing binaries now: it takes minutes, and no test's time limit counts here."""
    if session.config.option.collectonly or not any(item.get_closest_marker("kube") for item in session.items):
        return
    for component in binaries.COMPONENTS:
        # The fixtures that need the programs ask again, and skip or fail with the reason.
        with contextlib.suppress(binaries.BinariesUnavailableError, binaries.BuildFailedError):
            binaries.find(component)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.failed:
        for process in _processes:
            report.sections.append((f"the end of {process.name}.log", process.tail()))
    return report


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    try:
        plane = ControlPlane(tmp_path_factory.mktemp("control-plane"))
    except binaries.BinariesUnavailableError as error:
        pytest.skip(str(error))
    _processes.extend([plane.etcd, plane.apiserver])
    try:
        yield plane
    finally:
        plane.stop()


@pytest.fixture(scope="session")
def admin(control_plane: ControlPlane) -> Kubectl:
    """kubectl as the administrator of a fresh cluster."""
    return control_plane.start()


@pytest.fixture(scope="session")
def installed(admin: Kubectl) -> str:
    """What applying manifests/install printed, warnings included."""
    result = admin.run("apply", "--server-side", "-k", ROOT / "manifests" / "install")
    admin.wait_for_definitions()
    return result.stdout + result.stderr


@pytest.fixture(scope="session")
def operator_kubeconfig(control_plane: ControlPlane, admin: Kubectl, installed: str) -> Path:
    """A kubeconfig for the operator's service account, with exactly the rights that the manifests give it."""
    token = admin("create", "token", SERVICE_ACCOUNT, "-n", SYSTEM_NAMESPACE, "--duration=1h").strip()
    return control_plane.kubectl(token, name="operator").kubeconfig


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(tmp_path_factory.mktemp("engine"))
    _processes.append(engine.process)
    try:
        yield engine.start()
    finally:
        engine.stop()


@pytest.fixture(scope="session")
def operator(operator_kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    operator = Operator(
        tmp_path_factory.mktemp("operator"),
        operator_kubeconfig,
        f"--default-connection={SYSTEM_NAMESPACE}/default",
        "--release-after=12",
    )
    _processes.append(operator.process)
    try:
        yield operator.start()
    finally:
        operator.stop()


_numbers = itertools.count(1)


@pytest.fixture
def world(admin: Kubectl, engine: Engine, operator: Operator) -> Iterator[World]:
    """A namespace with a connection named `default` that leads through a proxy of its own to the engine."""
    operator.process.must_run()
    world = World(admin, engine, operator, namespace=f"test-{next(_numbers)}")
    try:
        world.set_up()
        yield world
    finally:
        world.tear_down()
