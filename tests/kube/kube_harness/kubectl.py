"""kubectl as a user would call it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from kube_harness.processes import wait_until
from waiting import PATIENCE_S

Manifest = dict[str, Any]
TIMEOUT = f"--timeout={PATIENCE_S}s"  # of a kubectl that waits


class Kubectl:
    """kubectl with one kubeconfig."""

    def __init__(self, program: Path, kubeconfig: Path):
        self.program = program
        self.kubeconfig = kubeconfig

    def run(
        self, *arguments: str | Path, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Runs kubectl; with `check`, a failure is an AssertionError that holds what it printed."""
        command = [str(self.program), f"--kubeconfig={self.kubeconfig}", *map(str, arguments)]
        env = os.environ | {"KUBECACHEDIR": str(self.kubeconfig.parent / "kubectl-cache")}
        result = subprocess.run(
            command, input=stdin, capture_output=True, text=True, env=env, timeout=PATIENCE_S + 60, check=False
        )
        assert not check or result.returncode == 0, (
            f"kubectl {' '.join(map(str, arguments))}:\n{result.stdout}{result.stderr}"
        )
        return result

    def __call__(self, *arguments: str | Path, stdin: str | None = None) -> str:
        return self.run(*arguments, stdin=stdin).stdout

    def wait_for_definitions(self, *names: str) -> None:
        """Waits until CustomResourceDefinitions are served; all of them without names.

        `kubectl wait` fails at once where one has no conditions yet, so it is asked again.
        """
        asked = ("wait", "--for=condition=Established", TIMEOUT, "crd", *(names or ("--all",)))
        wait_until(lambda: self.run(*asked), what="the definitions")

    def apply(self, *manifests: Manifest, namespace: str | None = None) -> str:
        scope = ["-n", namespace] if namespace else []
        return self("apply", *scope, "-f", "-", stdin=yaml.safe_dump_all(manifests))

    def refuse(self, *manifests: Manifest, namespace: str) -> str:
        """Applies what must be refused, and returns the apiserver's message."""
        result = self.run("apply", "-n", namespace, "-f", "-", stdin=yaml.safe_dump_all(manifests), check=False)
        assert result.returncode != 0, f"accepted: {result.stdout}"
        return result.stderr

    def get(self, kind: str, name: str, namespace: str | None = None) -> Manifest:
        scope = ["-n", namespace] if namespace else []
        document: Manifest = json.loads(self("get", kind, name, *scope, "-o", "json"))
        return document

    def list(self, kind: str, namespace: str | None = None, *arguments: str) -> list[Manifest]:
        scope = ["-n", namespace] if namespace else ["-A"]
        items: list[Manifest] = json.loads(self("get", kind, *scope, "-o", "json", *arguments))["items"]
        return items

    def exists(self, kind: str, name: str, namespace: str) -> bool:
        return bool(self("get", kind, name, "-n", namespace, "--ignore-not-found", "-o", "name"))

    def wait_ready(self, namespace: str, *names: str, timeout: float = PATIENCE_S) -> None:
        """`kubectl wait --for=condition=Ready` for `kind/name` each; `timeout` in seconds."""
        self("wait", "--for=condition=Ready", f"--timeout={timeout:g}s", "-n", namespace, *names)

    def condition(self, kind: str, name: str, namespace: str, type_: str) -> Manifest | None:
        conditions = self.get(kind, name, namespace).get("status", {}).get("conditions", [])
        return next((condition for condition in conditions if condition["type"] == type_), None)

    def wait_condition(
        self,
        kind: str,
        name: str,
        namespace: str,
        type_: str,
        *,
        status: str = "True",
        reason: str | None = None,
        timeout: float = PATIENCE_S,
    ) -> Manifest:
        """Waits until the condition has this status (and reason), and returns it."""

        def met() -> Manifest | None:
            found = self.condition(kind, name, namespace, type_)
            assert found is not None, f"no condition {type_} on {kind}/{name}"
            good = found["status"] == status and reason in {None, found["reason"]}
            assert good, f"{kind}/{name} {found}"
            return found

        return wait_until(met, timeout=timeout, what=f"{kind}/{name} {type_}={status} {reason or ''}", interval=0.2)

    def wait_gone(self, kind: str, name: str, namespace: str, *, timeout: float = PATIENCE_S) -> None:
        wait_until(
            lambda: not self.exists(kind, name, namespace),
            timeout=timeout,
            what=f"{kind}/{name} gone",
            interval=0.2,
        )
