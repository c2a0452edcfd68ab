"""The Helm chart, with the real helm: what it renders, what it refuses, and an installation."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from kube_harness import binaries
from kube_harness.kubectl import Kubectl

from anomalyops.resources import KINDS

ROOT = Path(__file__).parent.parent.parent
CHART = ROOT / "charts" / "anomalyops"
CRDS = ROOT / "crds"
RELEASE = "anomalyops"
NAMESPACE = "anomalyops-system"

Manifest = dict[str, Any]


class Helm:
    def __init__(self, program: Path, kubeconfig: Path | None = None):
        self.program = program
        self.kubeconfig = kubeconfig

    def run(self, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        env = dict(os.environ)
        if self.kubeconfig is not None:
            env["KUBECONFIG"] = str(self.kubeconfig)
        result = subprocess.run(
            [str(self.program), *map(str, arguments)], capture_output=True, text=True, env=env, check=False
        )
        assert not check or result.returncode == 0, result.stdout + result.stderr
        return result

    def template(self, *arguments: str) -> list[Manifest]:
        """The rendered manifests, as `helm template` of the release the install manifests describe, without hooks."""
        fixed = ("-n", NAMESPACE, "--kube-version", binaries.KUBERNETES.version, "--no-hooks")
        text = self.run("template", RELEASE, CHART, *fixed, *arguments).stdout
        return [document for document in yaml.safe_load_all(text) if document]


@pytest.fixture(scope="module")
def helm() -> Helm:
    try:
        return Helm(binaries.find(binaries.HELM)["helm"])
    except binaries.BinariesUnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def rendered(helm: Helm) -> list[Manifest]:
    return helm.template()


@pytest.fixture(scope="module")
def installation(admin: Kubectl, installed: str) -> list[Manifest]:
    """What `kubectl apply -k manifests/install` applies."""
    return list(yaml.safe_load_all(admin("kustomize", ROOT / "manifests" / "install")))


def one(manifests: list[Manifest], kind: str, name: str = RELEASE) -> Manifest:
    found = [m for m in manifests if m["kind"] == kind and m["metadata"]["name"] == name]
    assert len(found) == 1, f"{len(found)} of {kind} {name}"
    return found[0]


@pytest.mark.parametrize("values", [None, *sorted((CHART / "ci").glob("*.yaml"))], ids=str)
def test_lint_is_clean(helm: Helm, values: Path | None) -> None:
    arguments = ["--values", str(values)] if values else []
    version = binaries.KUBERNETES.version
    assert "0 chart(s) failed" in helm.run("lint", "--strict", CHART, "--kube-version", version, *arguments).stdout


def test_it_holds_the_generated_crds_and_keeps_them(rendered: list[Manifest]) -> None:
    generated = [yaml.safe_load(path.read_text()) for path in sorted(CRDS.glob("anomalyops.io_*.yaml"))]
    templated = [m for m in rendered if m["kind"] == "CustomResourceDefinition"]
    for crd in templated:
        assert crd["metadata"]["annotations"].pop("helm.sh/resource-policy") == "keep"
        if not crd["metadata"]["annotations"]:
            del crd["metadata"]["annotations"]
    assert len(generated) == len(KINDS)
    assert sorted(templated, key=str) == sorted(generated, key=str)


def test_crds_can_be_left_out(helm: Helm) -> None:
    kinds = {m["kind"] for m in helm.template("--set", "crds.install=false")}
    assert "CustomResourceDefinition" not in kinds


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("ClusterRole", "anomalyops"),
        ("ClusterRole", "anomalyops-secret-reader"),
        ("ClusterRole", "anomalyops-config-map-reader"),
        ("ClusterRole", "anomalyops-engine-runner"),
        ("ClusterRole", "anomalyops-view"),
        ("ClusterRole", "anomalyops-edit"),
        ("Role", "anomalyops-lease"),
    ],
)
def test_it_gives_the_rights_of_the_install_manifests(
    rendered: list[Manifest], installation: list[Manifest], kind: str, name: str
) -> None:
    def rules(manifests: list[Manifest]) -> list[Manifest]:
        return sorted(one(manifests, kind, name)["rules"], key=lambda rule: json.dumps(rule, sort_keys=True))

    assert rules(rendered) == rules(installation)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("ClusterRoleBinding", "anomalyops"),
        ("RoleBinding", "anomalyops-secret-reader"),
        ("RoleBinding", "anomalyops-lease"),
    ],
)
def test_it_binds_them_to_the_same_account(
    rendered: list[Manifest], installation: list[Manifest], kind: str, name: str
) -> None:
    ours, theirs = one(rendered, kind, name), one(installation, kind, name)
    assert (ours["subjects"], ours["roleRef"]) == (theirs["subjects"], theirs["roleRef"])
    assert ours["metadata"].get("namespace") == theirs["metadata"].get("namespace")


def test_its_pod_is_that_of_the_install_manifests(rendered: list[Manifest], installation: list[Manifest]) -> None:
    ours = one(rendered, "Deployment")["spec"]
    theirs = one(installation, "Deployment")["spec"]
    for field in ("replicas", "strategy"):
        assert ours[field] == theirs[field]
    pod, other = ours["template"]["spec"], theirs["template"]["spec"]
    container, other_container = pod.pop("containers")[0], other.pop("containers")[0]
    assert pod == other
    assert set(other_container.pop("args")) <= set(container.pop("args"))
    assert container.pop("imagePullPolicy") == "IfNotPresent"
    assert container == other_container


def test_a_namespaced_release_has_rights_in_its_namespaces_only(helm: Helm) -> None:
    manifests = helm.template("--set", "namespaces={team-a,team-b}", "--set", "rbac.aggregate=false")
    kinds = [m["kind"] for m in manifests if m["kind"] != "CustomResourceDefinition"]
    assert sorted(kinds) == ["Deployment", *["Role"] * 3, *["RoleBinding"] * 3, "ServiceAccount"]
    roles = {m["metadata"]["namespace"]: m["metadata"]["name"] for m in manifests if m["kind"] == "Role"}
    assert roles == {"team-a": "anomalyops", "team-b": "anomalyops", NAMESPACE: "anomalyops-lease"}
    arguments = one(manifests, "Deployment")["spec"]["template"]["spec"]["containers"][0]["args"]
    assert arguments[-2:] == ["--namespace=team-a", "--namespace=team-b"]


def test_rights_for_embedded_engines_are_given_where_they_are_asked_for(
    helm: Helm, rendered: list[Manifest], installation: list[Manifest]
) -> None:
    """Nowhere by default, in single namespaces of a cluster-wide installation, in served ones of a namespaced one."""
    name = "anomalyops-engine-runner"
    for manifests in (rendered, installation):
        assert [m["kind"] for m in manifests if m["metadata"]["name"] == name] == ["ClusterRole"]  # bound nowhere
    asked = ("--set", "rbac.engineNamespaces={team-a,team-b}", "--set", "engine.image.repository=registry.example/e")
    manifests = helm.template(*asked)
    role = one(manifests, "ClusterRole", name)
    assert role["rules"] == one(installation, "ClusterRole", name)["rules"]
    kept = {"create", "get", "patch", "watch"}
    assert {resource: set(rule["verbs"]) for rule in role["rules"] for resource in rule["resources"]} == {
        **dict.fromkeys(("statefulsets", "services", "secrets", "networkpolicies"), kept),
        "pods": {"get", "delete"},  # of an engine that cannot start
        "persistentvolumeclaims": {"get", "patch"},  # that shall become larger
    }
    bindings = [m for m in manifests if m["kind"] == "RoleBinding" and m["metadata"]["name"] == name]
    assert [m["metadata"]["namespace"] for m in bindings] == ["team-a", "team-b"]
    assert {m["roleRef"]["name"] for m in bindings} == {name}
    arguments = one(manifests, "Deployment")["spec"]["template"]["spec"]["containers"][0]["args"]
    assert [a for a in arguments if a.startswith("--engine-image=registry.example/e:")]
    manifests = helm.template("--set", "namespaces={team-a,team-b}", "--set", "rbac.engineNamespaces={team-b}")
    rules = {m["metadata"]["namespace"]: m["rules"] for m in manifests if m["kind"] == "Role"}
    assert [rule for rule in rules["team-b"] if rule not in rules["team-a"]] == role["rules"]
    assert not [m for m in manifests if m["kind"] == "ClusterRole" and m["metadata"]["name"] == name]
    arguments = ("--set", "namespaces={team-a}", "--set", "rbac.engineNamespaces={team-c}")
    version = ("--kube-version", binaries.KUBERNETES.version)
    refused = helm.run("template", RELEASE, CHART, "-n", NAMESPACE, *version, *arguments, check=False)
    assert refused.returncode != 0
    assert "rbac.engineNamespaces names team-c, which is not one of namespaces" in refused.stderr


def test_monitoring_is_left_out_until_it_is_asked_for(helm: Helm, rendered: list[Manifest]) -> None:
    kinds = {"Service", "ServiceMonitor", "PrometheusRule", "ConfigMap"}
    assert not kinds & {m["kind"] for m in rendered}
    manifests = helm.template("--values", str(CHART / "ci" / "monitored-values.yaml"))
    service, monitor = one(manifests, "Service", "anomalyops-metrics"), one(manifests, "ServiceMonitor")
    pod = one(manifests, "Deployment")["spec"]["template"]
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    ports = {port["name"]: port["containerPort"] for port in pod["spec"]["containers"][0]["ports"]}
    assert ports[service["spec"]["ports"][0]["targetPort"]] == 8081
    assert monitor["spec"]["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]
    board = one(manifests, "ConfigMap", "anomalyops-board")
    assert json.loads(board["data"]["anomalyops.json"])["panels"]
    assert board["metadata"]["labels"]["release"] == "prometheus"


def test_alerts_link_to_their_runbooks_and_page_from_the_score_that_is_asked_for(helm: Helm) -> None:
    def alerts(*arguments: str) -> dict[str, Manifest]:
        rule = one(helm.template("--set", "metrics.alerts=true", *arguments), "PrometheusRule")
        return {alert["alert"]: alert for group in rule["spec"]["groups"] for alert in group["rules"]}

    assert alerts()["AnomalyFound"]["expr"] == "anomalyops_job_record_score >= 75"
    assert "runbook_url" not in alerts()["AnomalyFound"]["annotations"]
    chosen = alerts("--set", "metrics.anomalyScore=90,metrics.runbooksUrl=https://docs.example/runbooks")
    assert chosen["AnomalyFound"]["expr"].endswith(">= 90")
    assert chosen["AnomalyJobFailed"]["annotations"]["runbook_url"] == "https://docs.example/runbooks#anomalyjobfailed"
    assert "AnomalyFound" not in alerts("--set", "metrics.anomalyScore=0")


def test_the_hook_may_stop_its_operator_and_take_finalizers_off_and_nothing_else(helm: Helm) -> None:
    version = binaries.KUBERNETES.version
    text = helm.run("template", RELEASE, CHART, "-n", NAMESPACE, "--kube-version", version).stdout
    hooks = [m for m in yaml.safe_load_all(text) if m and "helm.sh/hook" in m["metadata"].get("annotations", {})]
    assert {m["metadata"]["annotations"]["helm.sh/hook"] for m in hooks} == {"pre-delete"}
    rules = [rule for m in hooks if m["kind"] in {"Role", "ClusterRole"} for rule in m["rules"]]
    held = [kind.plural for kind in KINDS if kind.finalized]
    assert sorted(rules, key=str) == sorted(
        [
            {
                "apiGroups": ["anomalyops.io"],
                "resources": held,
                "verbs": ["list", "patch"],
            },
            {
                "apiGroups": ["apps"],
                "resources": ["deployments/scale"],
                "resourceNames": ["anomalyops"],
                "verbs": ["get", "patch"],
            },
        ],
        key=str,
    )
    pod = one(hooks, "Job", "anomalyops-release")["spec"]["template"]["spec"]
    deployment = one(helm.template(), "Deployment")["spec"]["template"]["spec"]
    assert pod["securityContext"] == deployment["securityContext"]
    for field in ("image", "securityContext"):
        assert pod["containers"][0][field] == deployment["containers"][0][field]
    for setting in ("releaseOnUninstall=false", "rbac.create=false"):
        text = helm.run("template", RELEASE, CHART, "--kube-version", version, "--set", setting).stdout
        assert "helm.sh/hook" not in text


def test_secrets_of_further_namespaces_are_opted_into(helm: Helm) -> None:
    manifests = helm.template("--set", "rbac.secretNamespaces={team-a}")
    bound = {m["metadata"]["namespace"] for m in manifests if m["kind"] == "RoleBinding"}
    assert bound == {NAMESPACE, "team-a"}


def test_config_maps_of_further_namespaces_are_opted_into(helm: Helm) -> None:
    manifests = helm.template("--set", "rbac.configMapNamespaces={team-a}")
    bound = {
        m["metadata"]["namespace"]
        for m in manifests
        if m["kind"] == "RoleBinding" and m["roleRef"]["name"] == "anomalyops-config-map-reader"
    }
    assert bound == {"team-a"}


def test_replicas_share_a_lease_and_are_spread_and_kept_from_going_at_once(
    helm: Helm, rendered: list[Manifest]
) -> None:
    assert not [m for m in rendered if m["kind"] == "PodDisruptionBudget"]
    assert "topologySpreadConstraints" not in one(rendered, "Deployment")["spec"]["template"]["spec"]
    manifests = helm.template("--values", str(CHART / "ci" / "replicated-values.yaml"))
    deployment = one(manifests, "Deployment")["spec"]
    assert deployment["replicas"] == 2
    container = deployment["template"]["spec"]["containers"][0]
    assert {"--lease=$(POD_NAMESPACE)/anomalyops", "--identity=$(POD_NAME)", "--lease-seconds=15"} <= set(
        container["args"]
    )
    fields = {entry["name"]: entry["valueFrom"]["fieldRef"]["fieldPath"] for entry in container["env"]}
    assert fields == {"POD_NAME": "metadata.name", "POD_NAMESPACE": "metadata.namespace"}
    labels = deployment["template"]["metadata"]["labels"]
    budget = one(manifests, "PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] == 1
    spread = deployment["template"]["spec"]["topologySpreadConstraints"][0]
    for selector in (budget["selector"], spread["labelSelector"]):
        assert selector["matchLabels"].items() <= labels.items()


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("replicas=0", "replicas"),
        ("leaseSeconds=1", "leaseSeconds"),
        ("image.tga=1", "tga"),
        ("image.repository=", "repository"),
        ("log.format=xml", "format"),
        ("defaultConnection=default", "defaultConnection"),
        ("namespaces={Team_A}", "namespaces"),
        ("namespaces=team-a", "namespaces"),
        ("crds.keep=maybe", "keep"),
        ("releaseOnUninstall=later", "releaseOnUninstall"),
        ("metrics.anomalyScore=101", "anomalyScore"),
        ("metrics.interval=often", "interval"),
        ("metrics.runbooksUrl=wiki", "runbooksUrl"),
    ],
)
def test_wrong_values_are_refused_by_name(helm: Helm, setting: str, named: str) -> None:
    version = binaries.KUBERNETES.version
    result = helm.run("template", RELEASE, CHART, "--kube-version", version, "--set", setting, check=False)
    assert result.returncode != 0
    assert named in result.stderr


@pytest.fixture
def cluster_helm(helm: Helm, admin: Kubectl, installed: str) -> Helm:
    """helm with a cluster that has the CRDs; what it installs goes into a namespace of its own."""
    return Helm(helm.program, admin.kubeconfig)


def test_install_upgrade_and_uninstall(cluster_helm: Helm, admin: Kubectl) -> None:
    admin("create", "namespace", "chart-test")
    # The cluster's CRDs and roles belong to the install manifests of this session.
    settings = ["-n", "chart-test", "--set", "crds.install=false"]
    result = cluster_helm.run("install", "second", CHART, *settings)
    assert "serves all namespaces" in result.stdout
    assert "Warning" not in result.stderr
    assert admin.get("deployment", "second-anomalyops", "chart-test")["spec"]["replicas"] == 1
    cluster_helm.run("upgrade", "second", CHART, *settings, "--set", "log.level=debug")
    pod = admin.get("deployment", "second-anomalyops", "chart-test")["spec"]["template"]["spec"]
    assert "--log-level=debug" in pod["containers"][0]["args"]
    cluster_helm.run("uninstall", "second", "-n", "chart-test", "--no-hooks")  # there is no node to run them
    assert not admin.exists("deployment", "second-anomalyops", "chart-test")
    assert admin.get("crd", "anomalyjobs.anomalyops.io")


def test_the_certificate_of_the_webhook_is_made_once(cluster_helm: Helm, admin: Kubectl) -> None:
    """By the real helm, which finds on an upgrade what it made before; the configuration trusts who signed it."""
    namespace = "chart-webhook"
    admin("create", "namespace", namespace)
    settings = [
        "-n",
        namespace,
        "--set",
        "crds.install=false,webhook.enabled=true",
        "--set",
        f"namespaces={{{namespace}}}",
    ]
    configuration = f"third-anomalyops-webhook.{namespace}"

    def made() -> tuple[dict[str, str], str]:
        secret = admin.get("secret", "third-anomalyops-webhook-tls", namespace)["data"]
        (webhook,) = admin.get("validatingwebhookconfiguration", configuration)["webhooks"]
        assert webhook["namespaceSelector"]["matchExpressions"][0]["values"] == [namespace]
        return secret, webhook["clientConfig"]["caBundle"]

    try:
        cluster_helm.run("install", "third", CHART, *settings)
        secret, bundle = made()
        assert bundle == secret["ca.crt"]
        pod = admin.get("deployment", "third-anomalyops", namespace)["spec"]["template"]["spec"]
        assert pod["volumes"][0]["secret"]["secretName"] == "third-anomalyops-webhook-tls"
        cluster_helm.run("upgrade", "third", CHART, *settings, "--set", "webhook.timeoutSeconds=3")
        assert made() == (secret, bundle)
    finally:
        cluster_helm.run("uninstall", "third", "-n", namespace, "--no-hooks", check=False)
    assert not admin.exists("validatingwebhookconfiguration", configuration, namespace)


def test_network_policies_are_left_out_until_they_are_asked_for(helm: Helm, rendered: list[Manifest]) -> None:
    assert not [m for m in rendered if m["kind"] == "NetworkPolicy"]
    manifests = helm.template("--values", str(CHART / "ci" / "isolated-values.yaml"), "--set", "metrics.service=true")
    operator = one(manifests, "NetworkPolicy")["spec"]
    pod = one(manifests, "Deployment")["spec"]["template"]
    assert operator["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    names = {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
    assert {rule["ports"][0]["port"] for rule in operator["ingress"]} == names
    assert operator["policyTypes"] == ["Ingress", "Egress"]
    assert [port["port"] for rule in operator["egress"] for port in rule["ports"]] == [53, 53, 443, 9200]
    engine = one(manifests, "NetworkPolicy", "anomalyops-engine")["spec"]
    served = one(manifests, "StatefulSet", "anomalyops-engine")["spec"]["template"]
    assert engine["podSelector"]["matchLabels"].items() <= served["metadata"]["labels"].items()
    assert engine["egress"] == []
    ports = [port["name"] for port in served["spec"]["containers"][0]["ports"]]
    assert ports == ["https", "metrics"]
    assert [rule["ports"][0]["port"] for rule in engine["ingress"]] == [9200, "metrics"]
    assert engine["ingress"][0]["from"][0]["podSelector"] == operator["podSelector"]
    free = one(helm.template("--set", "networkPolicy.enabled=true"), "NetworkPolicy")["spec"]
    assert free["policyTypes"] == ["Ingress"], "without rules, the operator may send anywhere"


def test_network_policies_are_accepted(cluster_helm: Helm, admin: Kubectl) -> None:
    manifests = cluster_helm.template("--values", str(CHART / "ci" / "isolated-values.yaml"))
    policies = [m for m in manifests if m["kind"] in {"NetworkPolicy", "PodDisruptionBudget"}]
    admin("apply", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump_all(policies))
