"""Connections with `spec.embedded`: the operator runs the engine, in what stands for a pod here."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from kube_harness.embedded import ENGINE_NAME as NAME
from kube_harness.embedded import ENGINE_RUNNER as RUNNER
from kube_harness.embedded import Pod, pod_template, secret_values
from kube_harness.kubectl import Manifest
from kube_harness.processes import wait_until
from kube_harness.services import Engine
from kube_harness.world import ACCOUNT, World, fill_index

from anomalyops.controllers.embedded.keys import CERTIFICATE_LIFE, keys

SAMPLE = Path(__file__).parent.parent.parent / "manifests" / "samples" / "embedded"
KINDS = ("service", "networkpolicy", "statefulset")


@pytest.fixture
def pod(world: World, tmp_path: Path) -> Iterator[Pod]:
    pod = Pod(world.kubectl, world.namespace, [world.operator], tmp_path)
    try:
        yield pod
    finally:
        pod.stop()


def allow(world: World) -> None:
    """The command that the condition names."""
    arguments = (f"--clusterrole={RUNNER}", f"--serviceaccount={ACCOUNT}")
    world.kubectl("create", "rolebinding", RUNNER, "-n", world.namespace, *arguments)


def connection(world: World, **embedded: Any) -> Manifest:
    made = world.connection()
    intervals = {name: value for name, value in made["spec"].items() if name != "url"}
    return {**made, "spec": {"embedded": embedded, **intervals}}


def values(world: World, name: str) -> dict[str, bytes]:
    return secret_values(world.kubectl, world.namespace, name)


def template(world: World) -> dict[str, Any]:
    return pod_template(world.kubectl, world.namespace)


def versions(world: World) -> dict[str, str]:
    found = {kind: world.kubectl.get(kind, NAME, world.namespace) for kind in KINDS}
    return {kind: one["metadata"]["resourceVersion"] for kind, one in found.items()}


def settled(world: World) -> dict[str, str]:
    """The objects' versions once they have stood still for a second."""

    def still() -> dict[str, str] | None:
        before = versions(world)
        time.sleep(1)
        return before if versions(world) == before else None

    return wait_until(still, what="objects that stand still")


def sample(world: World) -> list[Manifest]:
    manifests = list(yaml.safe_load_all(world.kubectl("kustomize", SAMPLE)))
    for manifest in manifests:
        manifest["metadata"]["namespace"] = world.namespace
        if manifest["kind"] == "ElasticsearchConnection":
            manifest["spec"] |= {"observeInterval": "1s"}
        if manifest["kind"] == "Datafeed":
            manifest["spec"] |= {"start": "2026-11-01T00:00:00Z", "end": "2026-11-11T00:00:00Z"}
    return manifests


def fill_requests(engine: Engine) -> None:
    """Ten days of two services with a daily rhythm; one has ten times its requests for a quarter of an hour."""
    start, documents = datetime(2026, 11, 1, tzinfo=UTC), []
    for number in range(10 * 96):
        at = start + timedelta(minutes=15 * number)
        for service in ("shop", "search"):
            count = 4 + abs(at.hour - 12) % 5 + number % 2
            burst = service == "shop" and at == datetime(2026, 11, 10, 9, 30, tzinfo=UTC)
            documents += [{"@timestamp": at.isoformat(), "service": service}] * (count * (10 if burst else 1))
    engine.index("requests", {"@timestamp": {"type": "date"}, "service": {"type": "keyword"}}, documents)


def test_from_nothing_to_the_first_anomaly(world: World, pod: Pod) -> None:
    """The sample in a bare namespace: what is missing is said, what is allowed is done, and an anomaly is found."""
    manifests = sample(world)
    world.apply(*manifests)
    refused = world.condition("elasticsearchconnection", "Stalled", reason="EngineForbidden")
    command = refused["message"].partition("allow it with: kubectl ")[2]
    world.kubectl(*command.split())
    started = world.condition("elasticsearchconnection", "Reconciling", reason="EngineStarting")
    assert started["message"]
    fill_requests(pod.start())
    world.wait_ready("esc/default", "aj/request-rate", "adf/request-rate")
    ready = world.kubectl.condition("datafeed", "request-rate", world.namespace, "Ready")
    assert ready is not None
    assert ready["reason"] == "LookbackComplete"
    assert pod.engine is not None
    path = "/_ml/anomaly_detectors/request-rate/results/records?sort=record_score&desc=true"
    worst = pod.engine.call("GET", path)["records"][0]
    assert datetime.fromtimestamp(worst["timestamp"] / 1000, UTC) == datetime(2026, 11, 10, 9, 30, tzinfo=UTC)
    assert worst["partition_field_value"] == "shop"
    assert worst["record_score"] > 75
    status = world.kubectl.get("esc", "default", world.namespace)["status"]
    assert status["embedded"]["statefulSet"] == status["embedded"]["secret"] == NAME
    assert status["embedded"]["volumeClaim"] == f"data-{NAME}-0"
    assert status["embedded"]["volumeDeletion"].startswith("Retain: it stays")
    assert {event["reason"] for event in world.events()} >= {"EngineForbidden", "EngineChanged", "Connected"}
    say_no_secret(world)


def say_no_secret(world: World) -> None:
    """No value of the Secrets is in the operator's log, in a status, or in an Event."""
    said = world.operator.process.log.read_text()
    for kind in ("esc", "events.events.k8s.io", "statefulset", "service", "networkpolicy"):
        said += json.dumps(world.kubectl.list(kind, world.namespace))
    for name in (NAME, f"{NAME}-authority"):
        for key, value in values(world, name).items():
            if key in {"password", "tls.key"}:
                text = value.decode().replace("-----BEGIN PRIVATE KEY-----\n", "")
                assert text[:30] not in said
                assert base64.b64encode(value).decode() not in said


def test_the_pod_is_accepted_by_the_restricted_profile(world: World) -> None:
    allow(world)
    profile = "pod-security.kubernetes.io/enforce=restricted"
    world.kubectl("label", "namespace", world.namespace, profile)
    world.kubectl("create", "serviceaccount", "default", "-n", world.namespace)
    world.apply(connection(world, tolerations=[{"operator": "Exists"}], nodeSelector={"disk": "ssd"}))
    made = wait_until(lambda: template(world), what="the StatefulSet")
    volumes = [*made["spec"]["volumes"], {"name": "data", "emptyDir": {}}]  # of the claim
    spec = {**made["spec"], "volumes": volumes}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"}, "spec": spec}
    answer = world.kubectl.run(
        "create", "-n", world.namespace, "--dry-run=server", "-f", "-", stdin=json.dumps(manifest)
    )
    assert "created (server dry run)" in answer.stdout
    assert "Warning" not in answer.stderr


def test_what_the_pod_waits_for_is_said(world: World) -> None:
    allow(world)
    world.kubectl("create", "serviceaccount", "default", "-n", world.namespace)
    world.apply(connection(world))
    wait_until(lambda: template(world), what="the StatefulSet")
    spec = {"containers": [{"name": "engine", "image": "none"}], "automountServiceAccountToken": False}
    metadata = {"name": f"{NAME}-0", "namespace": world.namespace}
    world.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    state = {"name": "engine", "image": "none", "imageID": "", "ready": False, "restartCount": 0, "state": waiting}
    patch = json.dumps({"status": {"containerStatuses": [state]}})
    world.kubectl(
        "patch", "pod", f"{NAME}-0", "-n", world.namespace, "--subresource=status", "--type=merge", "-p", patch
    )

    def said() -> bool:
        found = world.condition("elasticsearchconnection", "Reconciling", reason="EngineStarting")
        return "ImagePullBackOff: no such image" in found["message"]

    wait_until(said, what="what the pod waits for")


def test_edits_by_hand_are_healed_and_nothing_is_written_at_rest(world: World) -> None:
    allow(world)
    world.apply(connection(world))
    before = settled(world)
    port = [{"op": "replace", "path": "/spec/ports/0/targetPort", "value": 1}]
    world.kubectl("patch", "service", NAME, "-n", world.namespace, "--type=json", "-p", json.dumps(port))
    patch_secret(world, NAME, {"theirs": b"kept"})  # what others add stays, and is written over by nobody
    secret = world.kubectl.get("secret", NAME, world.namespace)["metadata"]["resourceVersion"]
    image = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "other"}]
    world.kubectl("patch", "statefulset", NAME, "-n", world.namespace, "--type=json", "-p", json.dumps(image))
    world.kubectl("delete", "networkpolicy", NAME, "-n", world.namespace)

    def healed() -> bool:
        service = world.kubectl.get("service", NAME, world.namespace)
        container = template(world)["spec"]["containers"][0]
        there = world.kubectl.exists("networkpolicy", NAME, world.namespace)
        return service["spec"]["ports"][0]["targetPort"] == "https" and container["image"] != "other" and there

    wait_until(healed, what="the objects as they were")
    after = settled(world)
    assert all(after[kind] != before[kind] for kind in KINDS)
    time.sleep(3)
    assert versions(world) == after
    assert world.kubectl.get("secret", NAME, world.namespace)["metadata"]["resourceVersion"] == secret


def test_each_change_goes_where_it_belongs_and_the_volume_stays(world: World, pod: Pod) -> None:
    allow(world)
    world.apply(connection(world))
    fill_index(pod.start())
    world.apply(world.job(), world.datafeed())
    world.wait_ready("esc/default", "anomalyjob/requests", "datafeed/feed")
    before = settled(world)

    world.apply(connection(world, image="registry.example/engine:2", tolerations=[{"operator": "Exists"}]))
    wait_until(
        lambda: template(world)["spec"]["containers"][0]["image"] == "registry.example/engine:2",
        what="the image",
    )
    after = settled(world)
    assert {kind for kind in KINDS if after[kind] != before[kind]} == {"statefulset"}
    world.apply(connection(world))
    wait_until(lambda: "tolerations" not in template(world)["spec"], what="no tolerations")

    world.apply(connection(world, storage={"size": "5Gi", "whenDeleted": "Delete"}))
    refused = world.condition("elasticsearchconnection", "Stalled", reason="EngineStorageFixed")
    assert "asks for 5Gi of the default class" in refused["message"]
    assert "has 10Gi of the default class" in refused["message"]
    policy = world.kubectl.get("statefulset", NAME, world.namespace)["spec"]["persistentVolumeClaimRetentionPolicy"]
    assert policy["whenDeleted"] == "Delete"  # all else is done
    time.sleep(2)
    ready = world.kubectl.condition("anomalyjob", "requests", world.namespace, "Ready")
    assert ready is not None
    assert ready["status"] == "True"  # and what runs there goes on
    world.apply(connection(world, storage={"size": "10240Mi"}))
    world.wait_ready("esc/default")


def test_a_volume_grows_where_its_class_allows_it(world: World, pod: Pod) -> None:
    """The claim is the API server's to judge: it refuses what the class does not allow, and takes it when it does."""
    allow(world)
    fixed = f"fixed-{world.namespace}"
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": fixed}}
    world.kubectl.apply({**kind, "provisioner": "example.com/volumes", "allowVolumeExpansion": False})
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": f"data-{NAME}-0", "namespace": world.namespace},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": fixed,
            "volumeName": "volume",
            "resources": {"requests": {"storage": "10Gi"}},
        },
    }
    world.apply(claim, connection(world, storage={"className": fixed}))
    bound(world, "10Gi")
    pod.start()
    world.wait_ready("esc/default")
    world.apply(connection(world, storage={"className": fixed, "size": "20Gi"}))
    refused = world.condition("elasticsearchconnection", "Stalled", reason="EngineStorageFixed")
    assert f"does not let PersistentVolumeClaim data-{NAME}-0 grow from 10Gi" in refused["message"]
    assert "allowVolumeExpansion" in refused["message"]
    assert requested(world) == "10Gi"

    world.kubectl("patch", "storageclass", fixed, "-p", '{"allowVolumeExpansion": true}')
    wait_until(lambda: requested(world) == "20Gi", what="a larger claim")

    def said(words: str) -> bool:
        ready = world.kubectl.condition("esc", "default", world.namespace, "Ready")
        return ready is not None and ready["status"] == "True" and words in ready["message"]

    wait_until(lambda: said("its volume grows from 10Gi to 20Gi"), what="that it grows")
    bound(world, "20Gi")
    wait_until(lambda: said("is available") and not said("grows"), what="that it has grown")
    assert world.kubectl.get("esc", "default", world.namespace)["status"]["embedded"]["volumeSize"] == "20Gi"
    assert any("asks for 20Gi instead of 10Gi" in event["note"] for event in world.events("EngineChanged"))


def requested(world: World) -> str:
    claim = world.kubectl.get("pvc", f"data-{NAME}-0", world.namespace)
    return str(claim["spec"]["resources"]["requests"]["storage"])


def bound(world: World, capacity: str) -> None:
    """As who provisions volumes leaves a claim."""
    status = json.dumps({"status": {"phase": "Bound", "capacity": {"storage": capacity}}})
    world.kubectl(
        "patch", "pvc", f"data-{NAME}-0", "-n", world.namespace, "--subresource=status", "--type=merge", "-p", status
    )


def test_a_pod_that_cannot_start_makes_way_for_a_newer_one(world: World) -> None:
    """A StatefulSet leaves a pod whose image does not exist as it is, whatever image is wanted by now."""
    allow(world)
    world.kubectl("create", "serviceaccount", "default", "-n", world.namespace)
    world.apply(connection(world, image="registry.example/wrong:1"))
    wait_until(lambda: template(world), what="the StatefulSet")
    metadata = {"name": f"{NAME}-0", "namespace": world.namespace, "labels": {"controller-revision-hash": "first"}}
    spec = {"containers": [{"name": "engine", "image": "none"}], "automountServiceAccountToken": False}
    world.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    state = {"name": "engine", "image": "none", "imageID": "", "ready": False, "restartCount": 0}
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    patched(world, "pod", f"{NAME}-0", {"containerStatuses": [{**state, "state": waiting}]})
    rolls(world, "first")
    world.condition("elasticsearchconnection", "Reconciling", reason="EngineStarting")
    assert world.kubectl.exists("pod", f"{NAME}-0", world.namespace)  # it has the newest template

    world.apply(connection(world, image="registry.example/right:1"))
    wait_until(lambda: template(world)["spec"]["containers"][0]["image"].endswith("right:1"), what="the image")
    rolls(world, "second")
    wait_until(lambda: not world.kubectl.exists("pod", f"{NAME}-0", world.namespace), what="no older pod")
    wait_until(
        lambda: any("makes way for the newest template: ImagePullBackOff" in one["note"] for one in world.events()),
        what="that it is told",
    )


def rolls(world: World, revision: str) -> None:
    """As the controller of StatefulSets says that it has seen a template."""
    seen = world.kubectl.get("statefulset", NAME, world.namespace)["metadata"]["generation"]
    patched(world, "statefulset", NAME, {"observedGeneration": seen, "updateRevision": revision, "replicas": 1})


def patched(world: World, kind: str, name: str, status: Any) -> None:
    patch = json.dumps({"status": status})
    world.kubectl("patch", kind, name, "-n", world.namespace, "--subresource=status", "--type=merge", "-p", patch)


def test_metrics_are_where_prometheus_looks_for_them(world: World, pod: Pod) -> None:
    """By the Service's annotations, with the engine's own certificate, and without its password."""
    allow(world)
    world.apply(connection(world, metrics={}))
    pod.start()
    world.wait_ready("esc/default")
    service = world.kubectl.get("service", NAME, world.namespace)
    told = {key: value for key, value in service["metadata"]["annotations"].items() if key.startswith("prometheus.io/")}
    (container,) = template(world)["spec"]["containers"]
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    served = {one["name"]: one["targetPort"] for one in service["spec"]["ports"]}
    assert served["metrics"] == "metrics"
    assert told["prometheus.io/port"] == str(ports["metrics"])
    assert f"--metrics-port={ports['metrics']}" in container["args"]
    rules = world.kubectl.get("networkpolicy", NAME, world.namespace)["spec"]["ingress"]
    assert rules[1]["ports"] == [{"port": ports["metrics"], "protocol": "TCP"}]
    assert "anomalyops_engine_requests_total" in pod.scrape(told["prometheus.io/path"])


def test_what_ends_soon_or_is_lost_is_made_anew_and_the_engine_restarts_with_it(world: World, pod: Pod) -> None:
    allow(world)
    world.apply(connection(world))
    pod.start()
    world.wait_ready("esc/default")
    engine, authority, mark = values(world, NAME), values(world, f"{NAME}-authority"), marked(world)
    # The same authority's certificate of seventy days ago: it ends in twenty.
    names = (f"{NAME}.{world.namespace}.svc", NAME, f"{NAME}.{world.namespace}")
    then = datetime.now(UTC) - CERTIFICATE_LIFE + timedelta(days=20)
    past = keys(None, None, (*names, f"{names[0]}.cluster.local"), then)
    patch_secret(world, f"{NAME}-authority", past.authority)
    patch_secret(world, NAME, past.engine)
    renewed = wait_until(
        lambda: (
            values(world, NAME)["tls.crt"] not in {engine["tls.crt"], past.engine["tls.crt"]} and values(world, NAME)
        ),
        what="another certificate",
    )
    assert values(world, f"{NAME}-authority")["tls.crt"] != authority["tls.crt"]
    wait_until(lambda: marked(world) != mark, what="a restart")
    assert past.engine["ca.crt"].strip() in renewed["ca.crt"]
    assert any("the certificate" in event["note"] for event in world.events("CertificateRenewed"))
    world.condition("elasticsearchconnection", "Reconciling", reason="EngineStarting")  # it has the older ones yet
    pod.start()
    world.wait_ready("esc/default")

    world.kubectl("delete", "secret", NAME, "-n", world.namespace)
    wait_until(lambda: values(world, NAME)["password"] != renewed["password"], what="another password")
    world.condition("elasticsearchconnection", "Reconciling", reason="EngineStarting")
    pod.start()
    world.wait_ready("esc/default")
    say_no_secret(world)


def marked(world: World) -> str:
    return str(template(world)["metadata"]["annotations"]["anomalyops.io/secrets"])


def patch_secret(world: World, name: str, data: Any) -> None:
    patch = {"data": {key: base64.b64encode(value).decode() for key, value in data.items()}}
    world.kubectl("patch", "secret", name, "-n", world.namespace, "--type=merge", "-p", json.dumps(patch))


def test_what_is_somebody_elses_is_left_alone(world: World) -> None:
    allow(world)
    theirs = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": NAME, "namespace": world.namespace},
        "spec": {"ports": [{"port": 1}]},
    }
    world.apply(theirs, connection(world))
    taken = world.condition("elasticsearchconnection", "Stalled", reason="EngineNameTaken")
    assert f"Service {world.namespace}/{NAME} is not this connection's" in taken["message"]
    assert not world.kubectl.exists("statefulset", NAME, world.namespace)
    world.kubectl("delete", "service", NAME, "-n", world.namespace)
    wait_until(lambda: template(world), what="the StatefulSet")


@pytest.mark.parametrize("pause", [0.0, 0.1, 0.3, 0.6])
def test_an_operator_that_is_killed_while_it_makes_an_engine_makes_one(world: World, pause: float) -> None:
    allow(world)
    world.apply(connection(world))
    time.sleep(pause)
    world.operator.kill()
    first = values(world, NAME) if world.kubectl.exists("secret", NAME, world.namespace) else {}
    world.operator.start()
    wait_until(lambda: template(world), what="the StatefulSet")
    settled(world)
    after = values(world, NAME)
    assert all(after[key] == value for key, value in first.items())  # nothing that a client may have read is lost
    for kind in (*KINDS, "secret"):
        (owner,) = world.kubectl.get(kind, NAME, world.namespace)["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["controller"]) == ("ElasticsearchConnection", "default", True)
