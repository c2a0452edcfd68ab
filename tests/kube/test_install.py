"""What applying manifests/install does to a cluster."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml
from kube_harness.kubectl import Kubectl, Manifest

from anomalyops.resources import KINDS

INSTALL = Path(__file__).parent.parent.parent / "manifests" / "install"
RUNNER = "anomalyops-engine-runner"
SERVICE_ACCOUNT = "system:serviceaccount:anomalyops-system:anomalyops"


def may(admin: Kubectl, verb: str, resource: str, *arguments: str) -> bool:
    answer = admin.run("auth", "can-i", verb, resource, f"--as={SERVICE_ACCOUNT}", *arguments, check=False)
    return answer.stdout.strip() == "yes"


def test_everything_is_accepted_without_a_pod_security_warning(admin: Kubectl, installed: str) -> None:
    assert "Warning" not in installed
    deployment = admin.get("deployment", "anomalyops", "anomalyops-system")
    assert deployment["spec"]["strategy"]["type"] == "Recreate"


def test_a_pod_of_the_deployment_passes_the_restricted_profile(admin: Kubectl, installed: str) -> None:
    template = admin.get("deployment", "anomalyops", "anomalyops-system")["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"}, "spec": template["spec"]}
    answer = admin.run("create", "-n", "anomalyops-system", "--dry-run=server", "-f", "-", stdin=json.dumps(pod))
    assert "created (server dry run)" in answer.stdout
    assert "Warning" not in answer.stderr


def test_the_kinds_have_short_names_and_a_category(admin: Kubectl, installed: str) -> None:
    table = admin("api-resources", "--api-group=anomalyops.io", "--no-headers")
    names = {line.split()[1] for line in table.splitlines()}
    assert names == {name for kind in KINDS for name in kind.short_names}
    kinds = admin("api-resources", "--categories=anomalyops", "-o", "name").split()
    assert {kind.partition(".")[0] for kind in kinds} >= {"anomalyjobs", "datafeeds"}


def test_installing_twice_changes_nothing(admin: Kubectl, installed: str) -> None:
    before = admin.get("deployment", "anomalyops", "anomalyops-system")["metadata"]["resourceVersion"]
    admin("apply", "--server-side", "-k", INSTALL)
    assert admin.get("deployment", "anomalyops", "anomalyops-system")["metadata"]["resourceVersion"] == before


@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        ("list", "secrets"),
        ("get", "secrets"),
        ("watch", "secrets"),
        ("create", "anomalyforecasts"),
        ("delete", "anomalycalendars"),
        ("update", "anomalyjobs"),
        ("patch", "elasticsearchconnections"),
        ("list", "namespaces"),
        ("get", "pods"),
        ("create", "customresourcedefinitions"),
        ("get", "leases"),
    ],
)
def test_the_operator_lacks_rights_that_it_does_not_need(
    admin: Kubectl, installed: str, verb: str, resource: str
) -> None:
    assert not may(admin, verb, resource, "--all-namespaces")


def test_secrets_can_be_read_where_the_role_is_bound_and_nowhere_else(admin: Kubectl, installed: str) -> None:
    assert may(admin, "get", "secrets", "-n", "anomalyops-system")
    assert not may(admin, "list", "secrets", "-n", "anomalyops-system")
    assert not may(admin, "get", "secrets", "-n", "default")


def test_editors_of_a_namespace_may_edit_the_kinds(admin: Kubectl, installed: str) -> None:
    role = admin.get("clusterrole", "anomalyops-edit")
    assert role["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-edit"] == "true"
    assert "create" in role["rules"][0]["verbs"]


def test_the_namespaced_installation_has_no_cluster_wide_rights(admin: Kubectl, installed: str) -> None:
    rendered = list(yaml.safe_load_all(admin("kustomize", INSTALL / "namespaced")))
    kinds = {document["kind"] for document in rendered}
    assert kinds == {"Namespace", "ServiceAccount", "Deployment", "Role", "RoleBinding"}
    deployment = next(document for document in rendered if document["kind"] == "Deployment")
    assert "--namespace=anomalyops-system" in deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    admin("apply", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump_all(rendered))


def test_both_installations_give_the_same_rights_on_the_kinds(admin: Kubectl, installed: str) -> None:
    role = next(
        document
        for document in yaml.safe_load_all(admin("kustomize", INSTALL / "namespaced"))
        if document["kind"] == "Role" and document["metadata"]["name"] == "anomalyops"
    )

    def on_kinds(rules: list[dict[str, list[str]]]) -> list[dict[str, list[str]]]:
        return [rule for rule in rules if rule["apiGroups"] != [""]]

    assert on_kinds(role["rules"]) == on_kinds(admin.get("clusterrole", "anomalyops")["rules"])


def rendered(admin: Kubectl, folder: Path) -> list[Manifest]:
    return [one for one in yaml.safe_load_all(admin("kustomize", folder)) if one]


def named(manifests: list[Manifest], kind: str) -> Manifest:
    (found,) = [one for one in manifests if (one["kind"], one["metadata"]["name"]) == (kind, RUNNER)]
    return found


def test_engines_are_allowed_in_a_namespace_by_an_overlay(admin: Kubectl, tmp_path: Path) -> None:
    """The operator of the whole cluster: the role is there, and bound where an overlay says so."""
    overlay = {"namespace": "team-a", "resources": [os.path.relpath(INSTALL / "engines", tmp_path)]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    binding = named(rendered(admin, tmp_path), "RoleBinding")
    assert binding["metadata"]["namespace"] == "team-a"
    assert binding["roleRef"]["name"] == named(rendered(admin, INSTALL), "ClusterRole")["metadata"]["name"]
    account = {"kind": "ServiceAccount", "name": "anomalyops", "namespace": "anomalyops-system"}
    assert binding["subjects"] == [account]


def test_engines_are_allowed_to_a_namespaced_operator(admin: Kubectl) -> None:
    manifests = rendered(admin, INSTALL / "namespaced-engines")
    role, binding = named(manifests, "Role"), named(manifests, "RoleBinding")
    assert role["rules"] == named(rendered(admin, INSTALL), "ClusterRole")["rules"]
    assert role["metadata"]["namespace"] == binding["metadata"]["namespace"] == "anomalyops-system"
    assert binding["subjects"][0]["namespace"] == "anomalyops-system"
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": RUNNER}
    without = rendered(admin, INSTALL / "namespaced")
    assert RUNNER not in {one["metadata"]["name"] for one in without}
    assert len(manifests) == len(without) + 2
