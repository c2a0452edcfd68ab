"""A cluster, two operators of which one leads, two servers, each behind a proxy that can be made to fail, and an engine
that the operator asks for."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kube_harness.control_plane import ControlPlane
from kube_harness.embedded import ENGINE_NAME, ENGINE_RUNNER, Pod
from kube_harness.kubectl import Kubectl, Manifest
from kube_harness.processes import wait_until
from kube_harness.proxy import EngineProxy
from kube_harness.services import Engine, Operator
from kube_harness.world import fill_index

from anomalyops.resources import API_VERSION
from chaos.things import ALIAS, EMBEDDED, INDEX, NAMESPACES, OTHER, PLURALS

INSTALL = Path(__file__).parent.parent.parent.parent / "manifests" / "install"
SYSTEM = "anomalyops-system"
ACCOUNT = f"{SYSTEM}:anomalyops"
LEASE_SECONDS = 6
# What the operator makes for an engine, with the group that has it.
ENGINE_KINDS = {
    "statefulset": "apis/apps/v1",
    "service": "api/v1",
    "networkpolicy": "apis/networking.k8s.io/v1",
    "secret": "api/v1",
}


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
            _fill(engine)
            self.proxies.append(EngineProxy(engine.url, credentials=("elastic", self.password)))
        self.servers: dict[str, Engine] = {_uuid(engine): engine for engine in self.engines()}
        self.kubectl("apply", "--server-side", "-k", INSTALL)
        self.kubectl.wait_for_definitions()
        for namespace in (*NAMESPACES, EMBEDDED):
            self.kubectl("create", "namespace", namespace)
        self.operators = {name: self._operator(folder, name) for name in ("left", "right")}
        self.paused: dict[str, float] = {}  # the operators that stand still, and until when
        self.engine_spec: dict[str, Any] = {}  # of the connection whose engine the operator asks for
        self.pod = Pod(self.kubectl, EMBEDDED, self.operators.values(), folder / "c")
        self._runs: dict[str, Any] | None = None  # the template that the pod was started with
        self.embedded_uuid = ""
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
            other = self.connection(namespace, self.proxies[1].url, name=OTHER)
            self.kubectl.apply(self.secret(namespace), self.connection(namespace), other)
        self.allow_engine()
        self.kubectl.apply(self.embedded())

    # -- what a namespace needs ----------------------------------------------------------------------------

    def allow(self, namespace: str) -> None:
        role = ("--clusterrole=anomalyops-secret-reader", f"--serviceaccount={ACCOUNT}")
        self.kubectl.run("create", "rolebinding", "secrets", "-n", namespace, *role, check=False)

    def secret(self, namespace: str) -> Manifest:
        data = {"username": "elastic", "password": self.password}
        metadata = {"name": "elastic", "namespace": namespace}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}

    def connection(self, namespace: str, url: str = "", *, name: str = "default") -> Manifest:
        spec = {
            "url": url or self.proxies[0].url,
            "observeInterval": "1s",
            "resyncInterval": "3s",
            "requestTimeout": "3s",
            "auth": {"basicSecretRef": {"name": "elastic"}},
        }
        return _connection(namespace, name, spec)

    def allow_engine(self) -> None:
        role = (f"--clusterrole={ENGINE_RUNNER}", f"--serviceaccount={ACCOUNT}")
        self.kubectl.run("create", "rolebinding", "engines", "-n", EMBEDDED, *role, check=False)

    def embedded(self) -> Manifest:
        intervals = {"observeInterval": "1s", "resyncInterval": "3s", "requestTimeout": "3s"}
        return _connection(EMBEDDED, "default", {"embedded": self.engine_spec, **intervals})

    # -- the servers ---------------------------------------------------------------------------------------

    def where(self, item: Manifest) -> Engine | None:
        """The server that an object lives on, as its status tells."""
        return self.servers.get(item.get("status", {}).get("placement", {}).get("clusterUuid", ""))

    def leads_to(self, item: Manifest, objects: list[Manifest]) -> str:
        """The cluster uuid of the server that an object's connection leads to when all is mended."""
        namespace, reference = item["metadata"]["namespace"], item["spec"].get("connectionRef")
        if item["kind"] != "AnomalyJob" and "jobRef" in item["spec"]:
            named = item["spec"]["jobRef"]["name"], namespace
            jobs = [one for one in objects if one["kind"] == "AnomalyJob"]
            found = [one for one in jobs if (one["metadata"]["name"], one["metadata"]["namespace"]) == named]
            if not found:  # where it will be its job is going to say
                return str(item.get("status", {}).get("placement", {}).get("clusterUuid", ""))
            reference = found[0]["spec"].get("connectionRef")
        if namespace == EMBEDDED:
            return self.embedded_uuid
        return _uuid(self.engine if reference is None else self.other)

    def kill_server(self, number: int) -> None:
        """Ends a server without a chance to tidy up, and starts it again with what it has written."""
        engine = self.engines()[number]
        engine.process.kill()
        (engine.data / "engine.json").unlink(missing_ok=True)
        engine.start()
        self.proxies[number].target = urlsplit(engine.url)

    def look_after_engine(self, objects: list[Manifest]) -> None:
        """What a cluster does for an engine: what belonged to a connection that is gone goes, and the pod runs that is
        asked for, with the Secret as it was at its start.
        """
        there = {one["metadata"]["uid"] for one in objects}
        found: dict[tuple[str, str], Manifest] = {}
        for one in self.engine_objects():
            owners = {owner["uid"] for owner in one["metadata"].get("ownerReferences", [])}
            if owners and not there & owners:
                self.delete(one["kind"].lower(), one["metadata"]["name"], EMBEDDED)
            else:
                found[one["kind"], one["metadata"]["name"]] = one
        stateful_set = found.get(("StatefulSet", ENGINE_NAME))
        if stateful_set is None:
            self.pod.stop()
            self._runs = None
        elif ("Secret", ENGINE_NAME) in found:  # a pod does not start without what it mounts, and runs on without it
            self._run(stateful_set["spec"]["template"])

    def _run(self, template: dict[str, Any]) -> None:
        if self._runs == template and self.pod.engine is not None and self.pod.engine.process.running:
            return
        self._runs = template
        engine = self.pod.start()
        _fill(engine)
        self.embedded_uuid = _uuid(engine)
        self.servers[self.embedded_uuid] = engine

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
        paths = (f"/apis/{API_VERSION}/{plural}" for plural in ("elasticsearchconnections", *PLURALS.values()))
        return [one for path in paths for one in self.plane.items(path)]

    def collect_garbage(self, objects: list[Manifest]) -> None:
        """Deletes what belonged to a set that is gone, as Kubernetes' controllers do, of which there are none here."""
        there = {one["metadata"]["uid"] for one in objects}
        for one in objects:
            owners = [owner["uid"] for owner in one["metadata"].get("ownerReferences", [])]
            if owners and not there & set(owners) and "deletionTimestamp" not in one["metadata"]:
                self.delete(PLURALS[one["kind"]], one["metadata"]["name"], one["metadata"]["namespace"])
        self.look_after_engine(objects)

    def engine_objects(self) -> list[Manifest]:
        """What the operator has made for an engine."""
        return [one for kind, group in ENGINE_KINDS.items() for one in self.plane.items(_path(kind, group))]

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
        self.pod.stop()
        self.plane.stop()


def _connection(namespace: str, name: str, spec: dict[str, Any]) -> Manifest:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": API_VERSION, "kind": "ElasticsearchConnection", "metadata": metadata, "spec": spec}


def _path(kind: str, group: str) -> str:
    plural = f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"
    return f"/{group}/namespaces/{EMBEDDED}/{plural}"


def _fill(engine: Engine) -> None:
    fill_index(engine)
    engine.call("PUT", f"/{INDEX}/_alias/{ALIAS}")


def _uuid(engine: Engine) -> str:
    return str(engine.call("GET", "/")["cluster_uuid"])


def condition(item: Manifest, type_: str) -> dict[str, Any]:
    """A condition of an object; nothing where it has none."""
    found = item.get("status", {}).get("conditions", [])
    return next((one for one in found if one["type"] == type_), {})
