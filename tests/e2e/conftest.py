"""A kind cluster with the operator's and the engine's images in it. Needs Docker, kind, kubectl and helm."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

CLUSTER = "anomalyops-e2e"
ROOT = Path(__file__).parent.parent.parent
IMAGES = {"anomalyops:e2e": "operator", "anomalyops-engine:e2e": "engine"}


def shell(*command: str, stdin: str | None = None, timeout: float = 600) -> str:
    """Runs a program and returns its output; a failure shows all that it printed."""
    result = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
    assert result.returncode == 0, f"{' '.join(command)}:\n{result.stdout}{result.stderr}"
    return result.stdout


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.kind)


@pytest.fixture(scope="session")
def run() -> Callable[..., str]:
    """Runs a program that must succeed, and gives what it printed."""
    return shell


@pytest.fixture(scope="session")
def kind_cluster() -> Iterator[str]:
    """The name of kubectl's context for a fresh cluster with both images loaded."""
    missing = [name for name in ("docker", "kind", "kubectl", "helm") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)} on PATH")
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode != 0:
        pytest.skip("needs a running Docker engine: `docker info` fails")
    for image, target in IMAGES.items():
        shell("docker", "build", "--target", target, "--tag", image, str(ROOT), timeout=1800)
    shell("kind", "create", "cluster", "--name", CLUSTER, "--wait", "180s")
    try:
        for image in IMAGES:
            shell("kind", "load", "docker-image", image, "--name", CLUSTER)
        yield f"kind-{CLUSTER}"
    finally:
        subprocess.run(["kind", "delete", "cluster", "--name", CLUSTER], check=False)
