"""A kubelet for engines that the operator asks for: no kubelet and no controller of StatefulSets is here.

`Pod` stands for them. It starts the real engine with the arguments and the files that the pod of the StatefulSet would
have, and nothing else.
"""

from __future__ import annotations

import base64
import ssl
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kube_harness.kubectl import Kubectl
from kube_harness.processes import wait_until
from kube_harness.services import Engine, Operator, Protection
from ports import free_port

ENGINE_NAME = "default-engine"  # of the connection `default`
ENGINE_RUNNER = "anomalyops-engine-runner"
NO_LOOPBACK = "--host=0.0.0.0"


def secret_values(kubectl: Kubectl, namespace: str, name: str) -> dict[str, bytes]:
    """What a Secret holds."""
    data = kubectl.get("secret", name, namespace)["data"]
    return {key: base64.b64decode(value) for key, value in data.items()}


def pod_template(kubectl: Kubectl, namespace: str) -> dict[str, Any]:
    """What the StatefulSet asks for now."""
    found: dict[str, Any] = kubectl.get("statefulset", ENGINE_NAME, namespace)["spec"]["template"]
    return found


class Mounted(Protection):
    """What the pod's volumes hold, as files, and its arguments with their paths."""

    def __init__(self, kubectl: Kubectl, namespace: str, template: dict[str, Any], folder: Path):
        pod = template["spec"]
        (container,) = pod["containers"]
        (secret,) = [volume["secret"] for volume in pod["volumes"] if "secret" in volume]
        self.data = secret_values(kubectl, namespace, secret["secretName"])
        for item in secret["items"]:
            (folder / item["path"]).write_bytes(self.data[item["key"]])
        (mount,) = [one["mountPath"] for one in container["volumeMounts"] if one["name"] == "secrets"]
        assert container["args"][0] == "engine"
        assert NO_LOOPBACK in container["args"]
        self.names = (f"{ENGINE_NAME}.{namespace}.svc",)
        self._arguments = [
            argument.replace(mount, str(folder))
            for argument in container["args"][1:]
            if not argument.startswith(("--data", "--host", "--port", "--metrics-port"))  # this machine's own
        ]
        self.metrics_port = free_port() if any(one.startswith("--metrics-port=") for one in container["args"]) else None
        if self.metrics_port is not None:
            self._arguments.append(f"--metrics-port={self.metrics_port}")

    @property
    def options(self) -> tuple[str | Path, ...]:
        return (*self._arguments, "--allow-host", *self.names)

    @property
    def authorization(self) -> str:
        login = self.data["username"] + b":" + self.data["password"]
        return "Basic " + base64.b64encode(login).decode()

    @property
    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.data["ca.crt"].decode())


class Pod:
    """The engine that a kubelet would run, and starts anew when the StatefulSet's template changes.

    Args:
        kubectl: The cluster, as an administrator.
        namespace: The connection's.
        operators: To whom the engine's Service leads.
        folder: Where the engine's data are, which outlive it as those on a volume do.
    """

    def __init__(self, kubectl: Kubectl, namespace: str, operators: Iterable[Operator], folder: Path):
        self._kubectl, self._namespace, self._folder, self._number = kubectl, namespace, folder, 0
        self._operators = tuple(operators)
        self.engine: Engine | None = None
        self.mounted: Mounted | None = None

    def start(self) -> Engine:
        """Run what the StatefulSet asks for now, with the data that are there."""
        self.stop()
        self._number += 1
        mounted = self._folder / f"mounted-{self._number}"
        mounted.mkdir(parents=True)
        (self._folder / "engine-data" / "engine.json").unlink(missing_ok=True)
        template = wait_until(self._template, what="the StatefulSet")
        self.mounted = Mounted(self._kubectl, self._namespace, template, mounted)
        self.engine = Engine(self._folder, self.mounted).start()
        for operator in self._operators:
            operator.serve(f"{ENGINE_NAME}.{self._namespace}.svc:9200", self.engine.url)
        return self.engine

    def _template(self) -> dict[str, Any]:
        return pod_template(self._kubectl, self._namespace)

    def scrape(self, path: str) -> str:
        """What the port for Prometheus answers to who knows the authority and no password."""
        assert self.mounted is not None
        url = f"https://127.0.0.1:{self.mounted.metrics_port}{path}"
        with urllib.request.urlopen(url, context=self.mounted.context, timeout=60) as answer:
            return str(answer.read().decode())

    def stop(self) -> None:
        if self.engine is not None:
            self.engine.stop()
