"""The console in the Helm chart: what is rendered, what is refused, and that a console starts with it."""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kube_harness import binaries
from kube_harness.kubectl import Kubectl

from console_process import ConsoleProcess

CHART = Path(__file__).parent.parent.parent / "charts" / "anomalyops"
NAME = "anomalyops-console"
OVER_THE_ENGINE = ("--set", "console.enabled=true,engine.enabled=true,networkPolicy.enabled=true")
OVER_A_SERVER = ("--values", str(CHART / "ci" / "console-values.yaml"))

Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def helm() -> Path:
    try:
        return binaries.find(binaries.HELM)["helm"]
    except binaries.BinariesUnavailableError as error:
        pytest.skip(str(error))


def template(helm: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    fixed = ("-n", "watching", "--kube-version", binaries.KUBERNETES.version, "--no-hooks")
    command = [str(helm), "template", "anomalyops", str(CHART), *fixed, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not check or result.returncode == 0, result.stderr
    return result


def manifests(helm: Path, *arguments: str) -> dict[tuple[str, str], Manifest]:
    documents = yaml.safe_load_all(template(helm, *arguments).stdout)
    return {(one["kind"], one["metadata"]["name"]): one for one in documents if one}


def pod(rendered: dict[tuple[str, str], Manifest]) -> Manifest:
    return rendered["Deployment", NAME]["spec"]["template"]


def test_it_is_left_out_until_it_is_asked_for(helm: Path) -> None:
    for arguments in ((), ("--set", "engine.enabled=true,networkPolicy.enabled=true")):
        assert "console" not in template(helm, *arguments, "--set", "crds.install=false").stdout


def test_it_changes_nothing_else_but_who_may_reach_the_engine(helm: Path) -> None:
    def others(*arguments: str) -> dict[tuple[str, str], Manifest]:
        rendered = manifests(helm, *arguments, "--set", "engine.credentialsSecret=given,engine.tlsSecret=given")
        return {key: value for key, value in rendered.items() if key[1] not in {NAME, f"{NAME}-tls"}}

    without = others("--set", "engine.enabled=true,networkPolicy.enabled=true")
    with_it = others(*OVER_THE_ENGINE)
    peers = with_it["NetworkPolicy", "anomalyops-engine"]["spec"]["ingress"][0]["from"]
    assert peers.pop() == {"podSelector": {"matchLabels": labels("console")}}
    assert with_it == without


def labels(component: str) -> dict[str, str]:
    prefix = "app.kubernetes.io"
    return {
        f"{prefix}/name": "anomalyops",
        f"{prefix}/instance": "anomalyops",
        f"{prefix}/component": component,
    }


@pytest.mark.parametrize("values", [OVER_THE_ENGINE, OVER_A_SERVER], ids=["engine", "server"])
def test_it_has_no_rights_no_credentials_and_little_room(helm: Path, values: tuple[str, ...]) -> None:
    rendered = manifests(helm, *values)
    spec = pod(rendered)["spec"]
    (container,) = spec["containers"]
    assert spec["automountServiceAccountToken"] is False
    assert rendered["ServiceAccount", NAME]["automountServiceAccountToken"] is False
    bound = [one["subjects"] for key, one in rendered.items() if key[0].endswith("RoleBinding")]
    assert NAME not in json.dumps(bound)
    operator = rendered["Deployment", "anomalyops"]["spec"]["template"]["spec"]
    assert container["securityContext"] == operator["containers"][0]["securityContext"]
    assert operator["securityContext"].items() <= spec["securityContext"].items()
    assert container["resources"]["limits"]["memory"]
    assert "env" not in container
    assert "envFrom" not in container
    keys = {item["key"] for volume in spec["volumes"] for item in volume["secret"]["items"]}
    assert keys <= {"tls.crt", "tls.key", "ca.crt"}
    for volume in spec["volumes"]:
        if volume["secret"]["secretName"] != f"{NAME}-tls":
            assert [item["key"] for item in volume["secret"]["items"]] == ["ca.crt"], "no key of somebody else"
    service = rendered["Service", NAME]["spec"]
    assert service["type"] == "ClusterIP"
    assert service["selector"].items() <= pod(rendered)["metadata"]["labels"].items()
    assert service["ports"][0]["targetPort"] == container["ports"][0]["name"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["scheme"].lower() == service["ports"][0]["name"]


def test_values_become_options(helm: Path) -> None:
    arguments = pod(manifests(helm, *OVER_THE_ENGINE))["spec"]["containers"][0]["args"]
    assert "--url=https://anomalyops-engine.watching.svc:9200" in arguments
    assert "--allow-writes" not in arguments
    rendered = manifests(helm, *OVER_A_SERVER)
    arguments = pod(rendered)["spec"]["containers"][0]["args"]
    assert {"--url=https://elasticsearch.example:9200", "--allow-writes", "--tls-in-front"} < set(arguments)
    assert "--allow-host=console.example" in arguments
    assert ("Secret", f"{NAME}-tls") not in rendered
    plain = manifests(helm, "--set", "console.enabled=true,console.url=http://es.example:9200,console.tlsSecret=mine")
    assert [volume["secret"]["secretName"] for volume in pod(plain)["spec"]["volumes"]] == ["mine"]
    assert not [one for one in pod(plain)["spec"]["containers"][0]["args"] if one.startswith("--ca")]


def test_who_reaches_it_and_whom_it_reaches(helm: Path) -> None:
    rendered = manifests(helm, *OVER_THE_ENGINE)
    policy = rendered["NetworkPolicy", NAME]["spec"]
    assert policy["podSelector"]["matchLabels"] == labels("console")
    assert policy["ingress"] == [], "no rule: nobody; a rule without peers would be everybody"
    engine = {"podSelector": {"matchLabels": labels("engine")}}
    assert policy["egress"][1:] == [{"ports": [{"port": 9200}], "to": [engine]}]
    policy = manifests(helm, *OVER_A_SERVER)["NetworkPolicy", NAME]["spec"]
    assert [list(peer) for peer in policy["ingress"][0]["from"]] == [["namespaceSelector"]]
    assert policy["egress"][1:] == [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]
    free = ("--set", "console.enabled=true,console.url=https://es.example,networkPolicy.enabled=true")
    assert manifests(helm, *free)["NetworkPolicy", NAME]["spec"]["policyTypes"] == ["Ingress"]


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("console.enabled=true", "give console.url"),
        ("console.url=es:9200", "/console/url"),
        ("console.url=https://user:password@es.example", "/console/url"),
        ("console.caSecret=mine", "/console/url"),
        ("console.caSecret=mine,console.url=http://es.example", "/console/url"),
        ("console.allowHosts={https://console.example}", "/console/allowHosts"),
        ("console.tls=none", "/console/tls"),
        ("console.tls=front,console.tlsSecret=mine", "/console/tlsSecret"),
        ("console.allowWrite=true", "allowWrite"),
        ("console.allowWrites=yes", "/console/allowWrites"),
    ],
)
def test_wrong_values_are_refused_by_name(helm: Path, setting: str, named: str) -> None:
    result = template(helm, "--set", setting, check=False)
    assert result.returncode != 0
    assert named in result.stderr


@contextlib.contextmanager
def started(rendered: dict[tuple[str, str], Manifest], folder: Path) -> Iterator[ConsoleProcess]:
    """A console with the arguments and files of the pod, on a port of its own."""
    (container,) = pod(rendered)["spec"]["containers"]
    volumes = {volume["name"]: volume["secret"] for volume in pod(rendered)["spec"]["volumes"]}
    for mount in container["volumeMounts"]:
        place = folder / mount["mountPath"].removeprefix("/")
        place.mkdir(parents=True)
        secret = rendered["Secret", volumes[mount["name"]]["secretName"]]["data"]
        for item in volumes[mount["name"]]["items"]:
            (place / item["path"]).write_bytes(base64.b64decode(secret[item["key"]]))
    command, *arguments = container["args"]
    assert command == "console"
    assert arguments.pop(1) == f"--port={container['ports'][0]['containerPort']}"
    own = rendered["Secret", f"{NAME}-tls"]["data"]
    trusted = ssl.create_default_context(cadata=base64.b64decode(own["ca.crt"]).decode())
    here = [argument.replace("=/etc/anomalyops/", f"={folder}/etc/anomalyops/") for argument in arguments]
    with ConsoleProcess(*here, environment={}, trusted=trusted) as console:
        yield console


def test_a_console_starts_with_what_the_pod_is_given(helm: Path, tmp_path: Path) -> None:
    rendered = manifests(helm, *OVER_THE_ENGINE)
    with started(rendered, tmp_path) as console:
        probe = pod(rendered)["spec"]["containers"][0]["readinessProbe"]["httpGet"]
        assert console.ask(probe["path"].removeprefix("/"), host="10.1.2.3:9300")[0] == 200, "as a kubelet asks"
        for host in ("localhost:9300", f"{NAME}.watching.svc", f"{NAME}.watching.svc.cluster.local"):
            assert console.ask("_console/", host=host)[0] == 200
        assert console.ask("_console/", host="10.1.2.3:9300")[0] == 403
        assert console.ask("_ml/anomaly_detectors")[0] == 401


def test_it_is_installed_and_keeps_its_certificate(helm: Path, admin: Kubectl, installed: str) -> None:
    """The API server takes all of it, its pod in a namespace that is restricted."""
    namespace = "chart-console"
    admin("create", "namespace", namespace)
    admin("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")

    def run(*arguments: str) -> str:
        command = [str(helm), *arguments, "-n", namespace, "--kubeconfig", str(admin.kubeconfig)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    settings = ["--set", f"crds.install=false,namespaces={{{namespace}}},networkPolicy.enabled=true"]
    settings += ["--set", "console.enabled=true,console.url=https://es.example:9200"]
    name = f"fifth-{NAME}"
    try:
        told = run("install", "fifth", str(CHART), *settings)
        assert f"port-forward service/{name} 9300:443" in told
        assert "https://localhost:9300/_console/" in told
        secret = admin.get("secret", f"{name}-tls", namespace)["data"]
        made = admin.get("deployment", name, namespace)["spec"]["template"]
        alone = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "alone", "namespace": namespace}}
        admin("create", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump({**alone, "spec": made["spec"]}))
        run("upgrade", "fifth", str(CHART), *settings, "--set", "console.allowWrites=true")
        assert admin.get("secret", f"{name}-tls", namespace)["data"] == secret
        assert "--allow-writes" in json.dumps(admin.get("deployment", name, namespace))
        told = run("upgrade", "fifth", str(CHART), *settings, "--set", "console.enabled=false")
        assert "_console" not in told
        assert not admin.exists("deployment", name, namespace)
    finally:
        subprocess.run(
            [str(helm), "uninstall", "fifth", "--no-hooks", "-n", namespace, "--kubeconfig", str(admin.kubeconfig)],
            check=False,
            capture_output=True,
        )
