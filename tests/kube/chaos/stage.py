"""A cluster, two operators of which one leads, and two servers, each behind a proxy that can be made to fail."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Any

from kube_harness.control_plane import ControlPlane
from kube_harness.kubectl import Kubectl, Manifest
from kube_harness.processes import wait_until
from kube_harness.proxy import EngineProxy
from kube_harness.services import Engine, Operator
from kube_harness.world import fill_index

from anomalyops.resources import API_VERSION
from chaos.things import NAMESPACES, PLURALS

INSTALL = Path(__file__).parent.parent.parent.parent / "manifests" / "install"
SYSTEM = "anomalyops-system"
ACCOUNT = f"{SYSTEM}:anomalyops"
LEASE_SECONDS = 6


class Stage:
    """All processes; what is broken on purpose is mended by `mend`."""

    def __init__(self, folder: Path) -> None:
        self.plane = ControlPlane(folder)
        self.kubectl: Kubectl = self.plane.start()
        self.engine, self.other = Engine(folder / "a"), Engine(folder / "b")
        self.password = "first"
        self.proxies: list[EngineProxy] = []
        for place, engine in (("a", self.engine), ("b", self.other)):
            (folder / place).mkdir(exist_ok=True)
            engine.start()
            fill_index(engine)
            self.proxies.append(EngineProxy(engine.url, credentials=("elastic", self.password)))
        self.uuid = self.engine.call("GET", "/")["cluster_uuid"]
        self.kubectl("apply", "--server-side", "-k", INSTALL)
        self.kubectl.wait_for_definitions()
        for namespace in NAMESPACES:
            self.kubectl("create", "namespace", namespace)
        self.operators = {name: self._operator(folder, name) for name in ("left", "right")}
        self.paused: dict[str, float] = {}  # the operators that stand still, and until when
        self.mend()
        for operator in self.operators.values():
            operator.start()

    def _operator(self, folder: Path, name: str) -> Operator:
        token = self.kubectl("create", "token", "anomalyops", "-n", SYSTEM, "--duration=4h").strip()
        kubeconfig = self.plane.kubectl(token, name=f"operator-{name}").kubeconfig
        lease = (f"--lease={SYSTEM}/anomalyops", f"--identity={name}", f"--lease-seconds={LEASE_SECONDS}")
        arguments = (*lease, "--relist-after=10", "--release-after=15", "--log-level=info")
        return Operator(folder, kubeconfig, *arguments, name=f"operator-{name}")

    def engines(self) -> tuple[Engine, Engine]:
        return self.engine, self.other

    def mend(self) -> None:
        """Everything is there and works."""
        for proxy in self.proxies:
            proxy.answer_with = proxy.cut = None
            proxy.read_only = False
            proxy.credentials = ("elastic", self.password)
        for engine in self.engines():
            engine.call("POST", "/_ml/set_upgrade_mode?enabled=false")
        for namespace in NAMESPACES:
            self.allow(namespace)
            self.kubectl.apply(self.secret(namespace), self.connection(namespace))

    # -- what a namespace needs ----------------------------------------------------------------------------

    def allow(self, namespace: str) -> None:
        role = ("--clusterrole=anomalyops-secret-reader", f"--serviceaccount={ACCOUNT}")
        self.kubectl.run("create", "rolebinding", "secrets", "-n", namespace, *role, check=False)

    def secret(self, namespace: str) -> Manifest:
        data = {"username": "elastic", "password": self.password}
        metadata = {"name": "elastic", "namespace": namespace}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}

    def connection(self, namespace: str, url: str = "") -> Manifest:
        spec = {
            "url": url or self.proxies[0].url,
            "observeInterval": "1s",
            "resyncInterval": "3s",
            "requestTimeout": "3s",
            "auth": {"basicSecretRef": {"name": "elastic"}},
        }
        metadata = {"name": "default", "namespace": namespace}
        return {"apiVersion": API_VERSION, "kind": "ElasticsearchConnection", "metadata": metadata, "spec": spec}

    # -- the operators -------------------------------------------------------------------------------------

    def leader(self) -> str:
        """Who holds the lease, or any of them while nobody does."""
        lease = self.kubectl.run(
            "get", "lease", "anomalyops", "-n", SYSTEM, "-o", "jsonpath={.spec.holderIdentity}", check=False
        )
        return lease.stdout if lease.stdout in self.operators else "left"

    def kill(self, name: str) -> None:
        """Ends an operator without a chance to tidy up, and starts it again."""
        self.paused.pop(name, None)
        self.operators[name].kill()
        self.operators[name].process.start()

    def pause(self, name: str, seconds: float) -> None:
        """Lets an operator stand still for some time."""
        os.kill(self.operators[name].process.pid, signal.SIGSTOP)
        self.paused[name] = time.monotonic() + seconds

    def go_on(self, *, all_of_them: bool = False) -> None:
        """Lets those go on whose time is over."""
        for name, until in list(self.paused.items()):
            if all_of_them or time.monotonic() > until:
                os.kill(self.operators[name].process.pid, signal.SIGCONT)
                del self.paused[name]

    def restart_apiserver(self) -> None:
        self.plane.apiserver.stop(timeout=10)
        self.plane.apiserver.start()
        wait_until(self.plane._ready, timeout=60, what="kube-apiserver ready again")

    # -- looking -------------------------------------------------------------------------------------------

    def objects(self) -> list[Manifest]:
        """All objects of all namespaces."""
        kinds = ",".join(("elasticsearchconnections", *PLURALS.values()))
        return self.kubectl.list(kinds)

    def collect_garbage(self, objects: list[Manifest]) -> None:
        """Deletes what belonged to a set that is gone, as Kubernetes' controllers do, of which there are none here."""
        there = {one["metadata"]["uid"] for one in objects}
        for one in objects:
            owners = [owner["uid"] for owner in one["metadata"].get("ownerReferences", [])]
            if owners and not there & set(owners) and "deletionTimestamp" not in one["metadata"]:
                self.delete(PLURALS[one["kind"]], one["metadata"]["name"], one["metadata"]["namespace"])

    def delete(self, plural: str, name: str, namespace: str) -> None:
        self.kubectl.run("delete", plural, name, "-n", namespace, "--wait=false", "--ignore-not-found", check=False)

    def end(self) -> None:
        self.go_on(all_of_them=True)
        for operator in self.operators.values():
            with contextlib.suppress(AssertionError):
                operator.stop()
        for proxy in self.proxies:
            proxy.down()
        for engine in self.engines():
            engine.stop()
        self.plane.stop()


def condition(item: Manifest, type_: str) -> dict[str, Any]:
    """A condition of an object; nothing where it has none."""
    found = item.get("status", {}).get("conditions", [])
    return next((one for one in found if one["type"] == type_), {})
