"""The validating webhook, as the chart configures it and as a kube-apiserver calls it."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kube_harness import binaries
from kube_harness.kubectl import TIMEOUT, Manifest
from kube_harness.processes import wait_until
from kube_harness.services import Operator, Protection
from kube_harness.world import World

from ports import free_port

ROOT = Path(__file__).parent.parent.parent


def rendered(*values: str) -> dict[str, Manifest]:
    """What the chart makes for the webhook, by kind."""
    try:
        helm = binaries.find(binaries.HELM)["helm"]
    except binaries.BinariesUnavailableError as error:
        pytest.skip(str(error))
    command = [helm, "template", "anomalyops", ROOT / "charts" / "anomalyops", "-n", "anomalyops-system"]
    command += ["--kube-version", binaries.KUBERNETES.version, "-s", "templates/webhook.yaml"]
    command += [part for value in ("webhook.enabled=true", *values) for part in ("--set", value)]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=dict(os.environ), check=True)
    return {one["kind"]: one for one in yaml.safe_load_all(done.stdout) if one}


class Judged:
    """A namespace whose manifests are judged by an operator of its own."""

    def __init__(self, world: World, folder: Path, kubeconfig: Path) -> None:
        self.world = world
        self.folder = folder
        self.certificate = folder / "webhook"
        self.certificate.mkdir()
        self.port = free_port()
        arguments = (f"--webhook-port={self.port}", f"--webhook-certificate={self.certificate}")
        self.operator = Operator(folder, kubeconfig, f"--namespace={world.namespace}", *arguments, name="webhook")
        self.configuration = rendered(f"namespaces={{{world.namespace}}}")["ValidatingWebhookConfiguration"]
        self.configuration["metadata"]["name"] = f"webhook-{world.namespace}"
        (webhook,) = self.configuration["webhooks"]
        webhook["clientConfig"] = {"url": f"https://127.0.0.1:{self.port}/validate"}

    def renew(self) -> None:
        """Another certificate of another authority."""
        made = self.folder / "made"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        protection = Protection(made)
        for source, name in ((protection.key, "tls.key"), (protection.certificate, "tls.crt")):
            source.replace(self.certificate / name)
        bundle = base64.b64encode((self.certificate / "tls.crt").read_bytes()).decode()
        self.configuration["webhooks"][0]["clientConfig"]["caBundle"] = bundle

    def configure(self) -> None:
        self.world.apply(self.configuration)

    def said(self, manifest: Manifest, *options: str) -> str:
        """What kubectl says when it is to apply a manifest: empty where it has been admitted in silence."""
        manifest = json.loads(json.dumps(manifest))
        manifest["metadata"]["namespace"] = self.world.namespace
        result = self.world.kubectl.run("apply", "-f", "-", *options, stdin=json.dumps(manifest), check=False)
        return result.stderr if result.returncode or "Warning" in result.stderr else ""

    def denied(self, manifest: Manifest) -> str:
        text = self.said(manifest, "--dry-run=server")
        assert f'The {manifest["kind"]} "{manifest["metadata"]["name"]}" is invalid' in text, text
        return text


@pytest.fixture
def judged(world: World, tmp_path: Path, operator_kubeconfig: Path) -> Iterator[Judged]:
    found = Judged(world, tmp_path, operator_kubeconfig)
    found.renew()
    try:
        found.operator.start()
        found.configure()
        world.apply(world.connection())
        bad = world.calendar({"description": "a", "start": "2026-12-24", "end": "2026-12-20"})
        wait_until(lambda: "is invalid" in found.said(bad, "--dry-run=server"), what="the webhook at work")
        yield found
    finally:
        world.kubectl.run("delete", "validatingwebhookconfiguration", f"webhook-{world.namespace}", check=False)
        found.operator.stop()


def cases() -> list[Any]:
    """The manifests that the CRDs' own rules let pass and the models refuse."""
    path = ROOT / "tests" / "unit" / "resources" / "invalid_manifests.py"
    spec = importlib.util.spec_from_file_location("invalid_manifests_of_webhook", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return [case for case in module.REFUSED if case.only == "operator"]


def test_what_admission_alone_cannot_see_is_refused_with_its_field(judged: Judged) -> None:
    found = cases()
    assert len(found) > 5
    for case in found:
        text = judged.denied(case.manifest)
        assert case.message in text, case.id
        assert f"{case.field}: " in text, case.id


def test_manifests_are_judged_among_others(judged: Judged) -> None:
    world = judged.world
    world.apply(world.filter("a"))
    world.wait_ready("anomalyfilter/hosts")
    second = world.filter("b")
    second["metadata"]["name"] = "more-hosts"
    text = judged.denied(second)
    assert f"spec.filterId: AnomalyFilter hosts of namespace {world.namespace} has this id" in text

    assert "Warning: spec.jobRef.name: AnomalyJob requests does not exist yet" in judged.said(world.datafeed())
    assert judged.said(world.job()) == ""
    window = {"enabled": True, "checkWindow": "1m"}
    text = judged.denied(world.datafeed(delayedDataCheckConfig=window))
    assert "spec.delayedDataCheckConfig.checkWindow: checkWindow '1m' must not be shorter than the job's" in text
    other = world.datafeed(datafeedId=f"{world.namespace}-other")
    other["metadata"]["name"] = "other"
    assert "the job has Datafeed feed already, and a job has one" in judged.denied(other)


def test_nothing_that_is_wrong_is_held_and_nobody_waits_for_who_does_not_answer(judged: Judged) -> None:
    world = judged.world
    bad = world.calendar({"description": "a", "start": "2026-12-24", "end": "2026-12-20"}, deletionPolicy="Delete")
    world.kubectl("delete", "validatingwebhookconfiguration", f"webhook-{world.namespace}")

    def eventually(check: Callable[[], bool], what: str) -> None:
        wait_until(check, what=what)

    eventually(lambda: judged.said(bad) == "", "it without a webhook")  # the API server takes a moment
    judged.configure()
    again = world.calendar({"description": "a", "start": "2026-12-24", "end": "2026-12-20"}, calendarId="another")
    again["metadata"]["name"] = "another"
    eventually(lambda: "is invalid" in judged.said(again, "--dry-run=server"), "the webhook at work again")
    world.kubectl("label", "anomalycalendar/holidays", "a=b", "-n", world.namespace)
    world.kubectl("delete", "anomalycalendar/holidays", "-n", world.namespace, TIMEOUT)

    judged.renew()  # as cert-manager does, with the authority in the configuration
    judged.configure()
    eventually(lambda: "is invalid" in judged.said(again, "--dry-run=server"), "the new certificate")
    judged.operator.stop()
    assert judged.said(again, "--dry-run=server") == ""  # failurePolicy: Ignore

    world.apply(world.filter("a", deletionPolicy="Retain"))
    judged.configuration["webhooks"][0]["failurePolicy"] = "Fail"
    judged.configure()
    eventually(
        lambda: "failed calling webhook" in judged.said(again, "--dry-run=server"), "refusals without an operator"
    )
    assert "failed calling webhook" in judged.said(world.filter("b"), "--dry-run=server")
    world.kubectl("label", "anomalyfilter/hosts", "a=b", "-n", world.namespace)
    world.kubectl("delete", "anomalyfilter/hosts", "-n", world.namespace, TIMEOUT)


def test_the_chart_makes_what_the_webhook_needs(world: World) -> None:
    off = rendered_all()
    assert not [one for one in off if one["kind"] == "ValidatingWebhookConfiguration"]
    assert "webhook" not in json.dumps([one for one in off if one["kind"] == "Deployment"])

    made = rendered()
    (webhook,) = made["ValidatingWebhookConfiguration"]["webhooks"]
    assert (webhook["failurePolicy"], webhook["sideEffects"]) == ("Ignore", "None")
    assert webhook["clientConfig"]["caBundle"] == made["Secret"]["data"]["ca.crt"]
    assert webhook["clientConfig"]["service"]["name"] == made["Service"]["metadata"]["name"]
    configuration = json.dumps(made["ValidatingWebhookConfiguration"])
    world.kubectl.run("apply", "--dry-run=server", "-f", "-", stdin=configuration)

    issued = rendered("webhook.certManager=true")
    assert set(issued) == {"Issuer", "Certificate", "Service", "ValidatingWebhookConfiguration"}
    annotations = issued["ValidatingWebhookConfiguration"]["metadata"]["annotations"]
    certificate = issued["Certificate"]
    assert annotations["cert-manager.io/inject-ca-from"] == f"anomalyops-system/{certificate['metadata']['name']}"
    service = webhook["clientConfig"]["service"]
    assert f"{service['name']}.{service['namespace']}.svc" in certificate["spec"]["dnsNames"]
    own = rendered("webhook.certManager=true", "webhook.issuerRef.name=company", "webhook.issuerRef.kind=ClusterIssuer")
    assert own["Certificate"]["spec"]["issuerRef"] == {"name": "company", "kind": "ClusterIssuer"}
    assert "Issuer" not in own

    given = rendered("webhook.tlsSecret=mine", "webhook.caBundle=-----BEGIN CERTIFICATE-----")
    assert set(given) == {"Service", "ValidatingWebhookConfiguration"}
    pod = next(one for one in rendered_all("webhook.enabled=true") if one["kind"] == "Deployment")["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    assert "--webhook-port=9443" in container["args"]
    assert pod["spec"]["volumes"][0]["secret"]["secretName"] == made["Secret"]["metadata"]["name"]
    for wrong in (["webhook.tlsSecret=mine"], ["webhook.issuerRef.name=company"], ["webhook.failurePolicy=Maybe"]):
        with pytest.raises(subprocess.CalledProcessError):
            rendered(*wrong)


def rendered_all(*values: str) -> list[Manifest]:
    helm = binaries.find(binaries.HELM)["helm"]
    command = [helm, "template", "anomalyops", ROOT / "charts" / "anomalyops", "-n", "anomalyops-system"]
    command += ["--kube-version", binaries.KUBERNETES.version]
    command += [part for value in values for part in ("--set", value)]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=dict(os.environ), check=True)
    return [one for one in yaml.safe_load_all(done.stdout) if one]
