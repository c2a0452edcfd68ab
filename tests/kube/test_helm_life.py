"""From kustomize to Helm, and the end of a release: the real helm on a cluster of its own."""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from kube_harness import binaries
from kube_harness.control_plane import ControlPlane
from kube_harness.kubectl import TIMEOUT, Kubectl
from kube_harness.processes import Process, wait_until
from kube_harness.services import COMMAND

from ports import free_port
from waiting import PATIENCE_S

ROOT = Path(__file__).parent.parent.parent
INSTALL = ROOT / "manifests" / "install"
CHART = ROOT / "charts" / "anomalyops"
SYSTEM = "anomalyops-system"
FINALIZER = "anomalyops.io/finalizer"
HOOK = "anomalyops-release"
INTRODUCTION = "anomalyops-introduction"


class Cluster:
    """A control plane, kubectl and helm as its administrator."""

    def __init__(self, folder: Path) -> None:
        self.helm_program = binaries.find(binaries.HELM)["helm"]
        self.plane = ControlPlane(folder)
        self.admin: Kubectl = self.plane.start()

    def helm(self, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        env = os.environ | {"KUBECONFIG": str(self.admin.kubeconfig)}
        command = [str(self.helm_program), *map(str, arguments), "-n", SYSTEM]
        result = subprocess.run(command, capture_output=True, text=True, env=env, check=False, timeout=PATIENCE_S)
        assert not check or result.returncode == 0, result.stdout + result.stderr
        return result

    def rendered(self, *arguments: str) -> list[dict[str, Any]]:
        """What the chart renders without a cluster."""
        fixed = ("--kube-version", binaries.KUBERNETES.version)
        text = self.helm("template", "anomalyops", CHART, *fixed, *arguments).stdout
        return [manifest for manifest in yaml.safe_load_all(text) if manifest]

    def add_job(self, namespace: str, name: str = "web") -> None:
        """An AnomalyJob as a running operator leaves it: with its finalizer, and one of somebody else."""
        manifest = {
            "apiVersion": "anomalyops.io/v1alpha1",
            "kind": "AnomalyJob",
            "metadata": {"name": name, "namespace": namespace, "finalizers": ["example.com/mine", FINALIZER]},
            "spec": {
                "analysisConfig": {"bucketSpan": "15m", "detectors": [{"function": "count"}]},
                "dataDescription": {"timeField": "@timestamp"},
            },
        }
        self.admin.apply(manifest)

    def finalizers(self, namespace: str, name: str = "web") -> list[str]:
        found: list[str] = self.admin.get("anomalyjob", name, namespace)["metadata"]["finalizers"]
        return found

    @contextmanager
    def kubelet(self) -> Iterator[list[str]]:
        """Run the containers of Jobs as a node would: as their service account and with their arguments."""
        done, ended = threading.Event(), list[str]()

        def serve() -> None:
            while not done.wait(0.2):  # meant: between two looks
                for job in self.admin.list("jobs", SYSTEM):
                    if job["metadata"]["uid"] not in ended:
                        ended.append(job["metadata"]["uid"])
                        self._run(job)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield ended
        finally:
            done.set()
            thread.join(PATIENCE_S)

    def _run(self, job: dict[str, Any]) -> None:
        pod = job["spec"]["template"]["spec"]
        token = self.admin("create", "token", pod["serviceAccountName"], "-n", SYSTEM).strip()
        kubeconfig = self.plane.kubectl(token, name="hook").kubeconfig
        command = [*COMMAND, *pod["containers"][0]["args"]]
        result = subprocess.run(
            command, capture_output=True, text=True, env=os.environ | {"KUBECONFIG": str(kubeconfig)}, check=False
        )
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        kinds = ("SuccessCriteriaMet", "Complete") if result.returncode == 0 else ("FailureTarget", "Failed")
        status: dict[str, Any] = {
            "startTime": now,
            "succeeded" if result.returncode == 0 else "failed": 1,
            "conditions": [
                {"type": kind, "status": "True", "lastTransitionTime": now, "reason": "Ended", "message": result.stderr}
                for kind in kinds
            ],
        }
        if result.returncode == 0:
            status["completionTime"] = now
        patch = json.dumps({"status": status})
        name = job["metadata"]["name"]
        self.admin("patch", "job", name, "-n", SYSTEM, "--subresource=status", "--type=merge", "-p", patch)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    try:
        cluster = Cluster(tmp_path)
    except binaries.BinariesUnavailableError as error:
        pytest.skip(str(error))
    try:
        yield cluster
    finally:
        cluster.plane.stop()


def test_from_kustomize_to_helm_and_out_again(cluster: Cluster) -> None:
    """The commands of docs/install.md, in their order; no object of the kinds is touched on the way."""
    admin = cluster.admin
    admin("apply", "--server-side", "-k", INSTALL)
    admin.wait_for_definitions()
    cluster.add_job("default")
    before = admin.get("anomalyjob", "web", "default")["metadata"]["resourceVersion"]

    refused = cluster.helm("install", "anomalyops", CHART, check=False)
    assert "invalid ownership metadata" in refused.stderr  # which is why there is something to do

    admin("label", "-k", INSTALL, "app.kubernetes.io/managed-by=Helm", "--overwrite")
    release = ["meta.helm.sh/release-name=anomalyops", f"meta.helm.sh/release-namespace={SYSTEM}"]
    admin("annotate", "-k", INSTALL, *release, "--overwrite")
    admin("delete", "deployment", "anomalyops", "-n", SYSTEM)
    cluster.helm("install", "anomalyops", CHART)

    status = json.loads(cluster.helm("status", "anomalyops", "-o", "json").stdout)
    assert status["info"]["status"] == "deployed"
    for kind, name in (("crd", "anomalyjobs.anomalyops.io"), ("clusterrole", "anomalyops")):
        metadata = admin.get(kind, name)["metadata"]
        assert metadata["labels"]["app.kubernetes.io/managed-by"] == "Helm"
        assert metadata["annotations"]["meta.helm.sh/release-name"] == "anomalyops"
    assert admin.get("crd", "anomalyjobs.anomalyops.io")["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    cluster.helm("upgrade", "anomalyops", CHART, "--set", "log.level=debug")
    assert admin.get("anomalyjob", "web", "default")["metadata"]["resourceVersion"] == before

    with cluster.kubelet() as ran:
        cluster.helm("uninstall", "anomalyops", "--timeout", "300s")
    assert len(ran) == 1
    assert cluster.finalizers("default") == ["example.com/mine"]
    assert not admin.exists("deployment", "anomalyops", SYSTEM)
    assert admin.get("crd", "anomalyjobs.anomalyops.io")
    for kind in ("clusterrole", "clusterrolebinding"):  # the hook leaves nothing behind
        assert HOOK not in admin("get", kind, "-o", "name")
    left = admin("get", "serviceaccounts,roles,rolebindings,jobs", "-n", SYSTEM, "-o", "name")
    assert HOOK not in left


def test_a_namespaced_release_lets_go_of_its_namespaces_only(cluster: Cluster) -> None:
    admin = cluster.admin
    for namespace in (SYSTEM, "team-a", "team-b", "team-c"):
        admin("create", "namespace", namespace)
    cluster.helm("install", "anomalyops", CHART, "--set", "namespaces={team-a,team-b}")
    admin.wait_for_definitions()
    for namespace in ("team-a", "team-b", "team-c"):
        cluster.add_job(namespace)
    with cluster.kubelet():
        cluster.helm("uninstall", "anomalyops", "--timeout", "300s")
    assert cluster.finalizers("team-a") == cluster.finalizers("team-b") == ["example.com/mine"]
    assert FINALIZER in cluster.finalizers("team-c")


def test_the_operator_is_stopped_before_anything_is_released(cluster: Cluster) -> None:
    """Without a controller no pod ends: the command waits for it and releases nothing."""
    admin = cluster.admin
    admin("create", "namespace", SYSTEM)
    cluster.helm("install", "anomalyops", CHART)
    admin.wait_for_definitions()
    cluster.add_job("default")
    running = json.dumps({"status": {"replicas": 1, "observedGeneration": 1}})
    admin("patch", "deployment", "anomalyops", "-n", SYSTEM, "--subresource=status", "--type=merge", "-p", running)
    env = os.environ | {"KUBECONFIG": str(admin.kubeconfig)}
    command = [*COMMAND, "uninstall", f"--stop={SYSTEM}/anomalyops"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as releasing:
        wait_until(lambda: admin.get("deployment", "anomalyops", SYSTEM)["spec"]["replicas"] == 0, what="scaled")
        assert FINALIZER in cluster.finalizers("default")
        ended = json.dumps({"status": {"replicas": 0}})
        admin("patch", "deployment", "anomalyops", "-n", SYSTEM, "--subresource=status", "--type=merge", "-p", ended)
        said, _ = releasing.communicate(timeout=PATIENCE_S)
    assert "released AnomalyJob default/web" in said
    assert cluster.finalizers("default") == ["example.com/mine"]


def test_the_engine_comes_with_the_release_and_keeps_its_password(cluster: Cluster, tmp_path: Path) -> None:
    """A bare cluster: one installation gives a server, and the connection that leads to it."""
    enabled = ("--set", "engine.enabled=true")
    with cluster.kubelet() as ran:
        cluster.helm("install", "anomalyops", CHART, "--create-namespace", *enabled)
    assert len(ran) == 1
    left = cluster.admin("get", "serviceaccounts,roles,rolebindings,jobs", "-n", SYSTEM, "-o", "name")
    assert INTRODUCTION not in left
    connection = cluster.admin.get("elasticsearchconnection", "default", SYSTEM)
    assert connection["spec"]["url"] == f"https://anomalyops-engine.{SYSTEM}.svc:9200"
    credentials = connection["spec"]["auth"]["basicSecretRef"]["name"]
    tls = connection["spec"]["caSecretRef"]["name"]
    secrets = {name: cluster.admin.get("secret", name, SYSTEM)["data"] for name in (credentials, tls)}

    for _ in range(2):  # the first takes the connection over that the Job made
        cluster.helm("upgrade", "anomalyops", CHART, *enabled)
        assert {name: cluster.admin.get("secret", name, SYSTEM)["data"] for name in secrets} == secrets
        again = cluster.admin.get("elasticsearchconnection", "default", SYSTEM)
        assert again["metadata"]["uid"] == connection["metadata"]["uid"]
        assert again["spec"] == connection["spec"]

    files = {"credentials": secrets[credentials], "tls": secrets[tls]}
    for folder, data in files.items():
        (tmp_path / folder).mkdir()
        for name, value in data.items():
            (tmp_path / folder / name).write_bytes(base64.b64decode(value))
    pod = cluster.admin.get("statefulset", "anomalyops-engine", SYSTEM)["spec"]["template"]["spec"]
    container = pod["containers"][0]
    mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts == {"/data", "/tmp", *(f"/etc/anomalyops/{name}" for name in ("config", "credentials", "tls"))}
    configuration = cluster.admin.get("configmap", "anomalyops-engine", SYSTEM)["data"]["engine.yaml"]
    here = configuration.replace("/etc/anomalyops", str(tmp_path)).replace("data: /data", f"data: {tmp_path}/data")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "engine.yaml").write_text(here)
    port = free_port()
    arguments = [argument.replace("/etc/anomalyops", str(tmp_path)) for argument in container["args"]]
    engine = Process("engine", [*COMMAND, *arguments, f"--port={port}"], folder=tmp_path).start()
    try:
        probe = container["livenessProbe"]["httpGet"]
        assert (probe["scheme"], probe["port"]) == ("HTTPS", "https")
        context = ssl.create_default_context(cafile=str(tmp_path / "tls" / "ca.crt"))
        where = f"https://127.0.0.1:{port}"

        def get(path: str, **headers: str) -> int:
            request = urllib.request.Request(where + path, headers=headers)
            try:
                with urllib.request.urlopen(request, context=context, timeout=5) as answer:  # meant: it is asked again
                    return int(answer.status)
            except urllib.error.HTTPError as error:
                return error.code

        wait_until(lambda: get(probe["path"]) == 200, what="the probe of the pod")
        password = (tmp_path / "credentials" / "password").read_text()
        user = base64.b64encode(f"elastic:{password}".encode()).decode()
        assert get("/_ml/info", Authorization=f"Basic {user}") == 200
        assert get("/_ml/info") == 401
    finally:
        engine.stop()


def test_the_connection_is_made_however_late_its_kind_is_served(cluster: Cluster) -> None:
    """The hook's Job, with its own rights, in a cluster that gets the definitions after it has begun."""
    admin = cluster.admin
    admin("create", "namespace", SYSTEM)
    for manifest in cluster.rendered("--set", "engine.enabled=true"):
        if manifest["metadata"]["name"] == INTRODUCTION:
            admin.apply(manifest)
    (job,) = admin.list("jobs", SYSTEM)
    pod = job["spec"]["template"]["spec"]
    token = admin("create", "token", pod["serviceAccountName"], "-n", SYSTEM).strip()
    hook = cluster.plane.kubectl(token, name="introduction")
    command = [*COMMAND, *pod["containers"][0]["args"], TIMEOUT]
    env = os.environ | {"KUBECONFIG": str(hook.kubeconfig)}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as introducing:
        with pytest.raises(subprocess.TimeoutExpired):
            introducing.wait(5)  # meant: it goes on
        admin("apply", "--server-side", "-k", ROOT / "crds")
        said, _ = introducing.communicate(timeout=PATIENCE_S)
    assert (introducing.returncode, said) == (0, f"made ElasticsearchConnection {SYSTEM}/default\n")
    made = admin.get("elasticsearchconnection", "default", SYSTEM)
    assert made["spec"]["url"] == f"https://anomalyops-engine.{SYSTEM}.svc:9200"
    for denied in (("delete", "elasticsearchconnections/default"), ("get", "elasticsearchconnections/other"),
                   ("create", "anomalyjobs"), ("get", "secrets")):  # fmt: skip
        with pytest.raises(AssertionError):
            hook("auth", "can-i", *denied, "-n", SYSTEM)


def test_an_engine_takes_the_secrets_that_it_is_given(cluster: Cluster) -> None:
    given = ("--set", "engine.enabled=true,engine.credentialsSecret=mine,engine.tlsSecret=certificate")
    manifests = cluster.rendered(*given, "--api-versions", "anomalyops.io/v1alpha1/ElasticsearchConnection")
    assert INTRODUCTION not in {manifest["metadata"]["name"] for manifest in manifests}
    assert "Secret" not in {manifest["kind"] for manifest in manifests}
    connection = next(one for one in manifests if one["kind"] == "ElasticsearchConnection")
    assert connection["spec"]["auth"]["basicSecretRef"]["name"] == "mine"
    assert connection["spec"]["caSecretRef"]["name"] == "certificate"


def test_prometheus_finds_the_engine_and_its_settings_are_those_of_the_values(cluster: Cluster) -> None:
    given = ("--set", "engine.enabled=true,metrics.serviceMonitor=true,log.format=text")
    more = ("--set", "engine.config.database.memory=1gb,engine.config.log.level=info")
    found = {(one["kind"], one["metadata"]["name"]): one for one in cluster.rendered(*given, *more)}
    configuration = yaml.safe_load(found["ConfigMap", "anomalyops-engine"]["data"]["engine.yaml"])
    assert configuration["log"] == {"format": "text", "level": "info"}
    assert configuration["database"] == {"memory": "1gb"}
    port = configuration["metrics"]["port"]
    (endpoint,) = found["ServiceMonitor", "anomalyops-engine"]["spec"]["endpoints"]
    service = found["Service", "anomalyops-engine"]["spec"]
    (served,) = (one for one in service["ports"] if one["name"] == endpoint["port"])
    container = found["StatefulSet", "anomalyops-engine"]["spec"]["template"]["spec"]["containers"][0]
    assert {one["name"]: one["containerPort"] for one in container["ports"]}[served["targetPort"]] == port
    assert endpoint["scheme"] == "https"
    selected = found["ServiceMonitor", "anomalyops-engine"]["spec"]["selector"]["matchLabels"]
    assert selected.items() <= found["Service", "anomalyops-engine"]["metadata"]["labels"].items()
    operators = found["Service", "anomalyops-metrics"]["metadata"]["labels"]
    assert not selected.items() <= operators.items()
