"""The example repository for GitOps: rendered, applied in waves as Argo CD does, and checked as a pull request is."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from kube_harness import binaries
from kube_harness.control_plane import ControlPlane
from kube_harness.kubectl import TIMEOUT, Kubectl, Manifest
from kube_harness.processes import wait_until
from kube_harness.world import World

from anomalyops.demo import weblogs
from argocd_health import health_of

ROOT = Path(__file__).parent.parent.parent
REPOSITORY = ROOT / "manifests" / "gitops"
WORKFLOW = REPOSITORY / ".github" / "workflows" / "anomaly-plan.yaml"
WAVE = "argocd.argoproj.io/sync-wave"
ARGOCD = "github.com/argoproj/argo-cd/v2@v2.14.11"
SCRIPTS = Path(sys.executable).parent


def rendered(kubectl: Kubectl, folder: Path) -> list[Manifest]:
    return list(yaml.safe_load_all(kubectl("kustomize", folder)))


def waves(manifests: list[Manifest]) -> dict[int, list[Manifest]]:
    found: dict[int, list[Manifest]] = {}
    for one in sorted(manifests, key=lambda one: int(one["metadata"]["annotations"][WAVE])):
        found.setdefault(int(one["metadata"]["annotations"][WAVE]), []).append(one)
    return found


@pytest.mark.parametrize("overlay", ["staging", "production"])
def test_each_wave_needs_only_what_came_before_it(admin: Kubectl, overlay: str) -> None:
    found = waves(rendered(admin, REPOSITORY / "overlays" / overlay))
    order = [[one["kind"] for one in members] for members in found.values()]
    assert order == [["ElasticsearchConnection"], ["AnomalyFilter"], ["AnomalyJob"], ["Datafeed"], ["AnomalyCalendar"]]
    for one in (one for members in found.values() for one in members):
        assert one["metadata"]["labels"]["app.kubernetes.io/part-of"] == "web-anomalies"
        assert one["metadata"]["namespace"] == f"web-{overlay}"


def test_the_applications_are_what_argo_cd_takes_and_lead_to_what_is_here(
    admin: Kubectl, tmp_path: Path, installed: str
) -> None:
    go = shutil.which("go")
    if go is None:
        pytest.skip("Go, which fetches the CustomResourceDefinition of Argo CD, is not here")
    (tmp_path / "go.mod").write_text("module argocd\n\ngo 1.24\n")
    command = [go, "mod", "download", "-json", ARGOCD]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280, check=False)
    if done.returncode != 0:
        pytest.skip(f"Argo CD's module cannot be fetched: {done.stdout}{done.stderr}"[:300])
    crd = Path(json.loads(done.stdout)["Dir"]) / "manifests" / "crds" / "application-crd.yaml"
    admin("apply", "--server-side", "-f", crd)
    admin.wait_for_definitions("applications.argoproj.io")
    admin("create", "namespace", "argocd")
    try:
        admin("apply", "--server-side", "--validate=strict", "-k", REPOSITORY / "argocd")
        found = {one["metadata"]["name"]: one for one in admin.list("applications.argoproj.io", "argocd")}
        # Argo CD would take less than its schema does: what the files say is what is stored.
        for manifest in rendered(admin, REPOSITORY / "argocd"):
            assert found[manifest["metadata"]["name"]]["spec"] == manifest["spec"]
        chart, jobs = found["anomalyops"]["spec"]["source"], found["web-anomalies"]["spec"]["source"]
        assert (REPOSITORY / jobs["path"] / "kustomization.yaml").is_file()
        values = tmp_path / "values.yaml"
        values.write_text(yaml.safe_dump(chart["helm"]["valuesObject"]))
        helm = binaries.find(binaries.HELM)["helm"]
        command = [helm, "template", chart["helm"]["releaseName"], ROOT / chart["path"], "--values", values]
        command += ["--kube-version", binaries.KUBERNETES.version]
        command += ["-n", found["anomalyops"]["spec"]["destination"]["namespace"]]
        text = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        assert text.returncode == 0, text.stderr
        (deployment,) = (one for one in yaml.safe_load_all(text.stdout) if one and one["kind"] == "Deployment")
        assert deployment["spec"]["replicas"] == 2
        settings = yaml.safe_load((ROOT / "manifests" / "argocd" / "argocd-cm.yaml").read_text())
        admin("apply", "-f", "-", stdin=yaml.safe_dump(settings))
    finally:
        admin("delete", "namespace", "argocd", "--wait=false")
        admin("delete", "crd", "applications.argoproj.io")


def fitted(world: World, manifests: list[Manifest]) -> list[Manifest]:
    """The manifests in this test's namespace, led to its engine."""
    for one in manifests:
        one["metadata"]["namespace"] = world.namespace
        if one["kind"] == "ElasticsearchConnection":
            one["spec"] = {"url": world.proxy.url, "observeInterval": "1s", "resyncInterval": "3s"}
        else:
            one["spec"]["deletionPolicy"] = "Delete"
    return manifests


def is_healthy(world: World, manifest: Manifest) -> bool:
    live = world.kubectl.get(manifest["kind"], manifest["metadata"]["name"], world.namespace)
    health = health_of(live)
    assert health[0] == "Healthy", f"{manifest['kind']}: {health}"
    return True


def script_of(step: str) -> str:
    steps = yaml.safe_load(WORKFLOW.read_text())["jobs"]["plan"]["steps"]
    (found,) = (one["run"] for one in steps if one.get("name") == step)
    return str(found)


class PullRequest:
    """The workflow's own step on a copy of the repository, with the rights of its service account."""

    def __init__(self, world: World, folder: Path, kubeconfig: Path) -> None:
        self.world, self.folder = world, folder
        self.environment = folder / "environment"
        self.tree = folder / "overlays" / "production"
        self.tree.mkdir(parents=True)
        self.variables = {
            **os.environ,
            "PATH": f"{folder / 'bin'}{os.pathsep}{SCRIPTS}{os.pathsep}{os.environ['PATH']}",
            "KUBECONFIG": str(kubeconfig),
            "RUNNER_TEMP": str(folder),
            "GITHUB_ENV": str(self.environment),
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        }
        (folder / "bin").mkdir()
        (folder / "bin" / "kubectl").symlink_to(world.kubectl.program)

    def check(self, *manifests: Manifest, may_lose: bool = False) -> tuple[str, str]:
        """The comment, and why the check fails; empty when it does not."""
        (self.tree / "all.yaml").write_text(yaml.safe_dump_all(manifests))
        (self.tree / "kustomization.yaml").write_text("resources: [all.yaml]\n")
        self.environment.write_text("")
        script = script_of("Plan").replace("-n web-production", f"-n {self.world.namespace}")
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self.folder,
            env=self.variables | {"MAY_LOSE": str(may_lose).lower()},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        failure = self.environment.read_text().partition("failure=")[2]
        return (self.folder / "plan.md").read_text(), failure.strip()


def reviewer(world: World, plane: ControlPlane) -> Path:
    """The kubeconfig of the service account that the example gives to the check."""
    documents = list(yaml.safe_load_all((REPOSITORY / "cluster" / "reviewer.yaml").read_text()))
    for one in documents:
        one["metadata"]["namespace"] = world.namespace
        for subject in one.get("subjects", []):
            subject["namespace"] = world.namespace
    world.apply(*documents)
    token = world.kubectl("create", "token", "anomaly-plan", "-n", world.namespace, "--duration=1h").strip()
    return plane.kubectl(token, name=f"plan-{world.namespace}").kubeconfig


def test_waves_become_healthy_one_by_one_and_a_pull_request_is_checked(
    world: World, control_plane: ControlPlane, tmp_path: Path
) -> None:
    if world.engine.request("GET", f"/{weblogs.INDEX}/_count")[0] != 200:
        world.engine.index(weblogs.INDEX, weblogs.MAPPING["properties"], list(weblogs.generate()))
    manifests = fitted(world, rendered(world.kubectl, REPOSITORY / "overlays" / "production"))
    for members in waves(manifests).values():
        world.apply(*members)
        for one in members:
            wait_until(lambda one=one: is_healthy(world, one), what=f"{one['kind']} healthy", interval=0.5)
    assert world.engine.call("GET", "/_ml/calendars/days-off")["calendars"][0]["job_ids"] == ["scanners"]

    pull_request = PullRequest(world, tmp_path, reviewer(world, control_plane))
    comment, failure = pull_request.check(*manifests)
    assert "0 created, 0 changed, 0 removed, 5 unchanged" in comment
    assert failure == ""

    by_kind: dict[str, Any] = {one["kind"]: one for one in manifests}
    job = by_kind["AnomalyJob"]
    as_merged = copy.deepcopy(job["spec"])
    job["spec"]["analysisLimits"]["modelMemoryLimit"] = "96mb"
    comment, failure = pull_request.check(*manifests)
    assert "spec.analysisLimits.modelMemoryLimit: 64mb -> 96mb" in comment
    assert "model: kept" in comment
    assert failure == ""

    job["spec"]["analysisConfig"]["bucketSpan"] = "2h"
    assert "Only a person" in pull_request.check(*manifests)[1]
    job["spec"]["replacePolicy"] = "Recreate"
    comment, failure = pull_request.check(*manifests)
    assert "Loses models" in comment
    assert "loses-a-model" in failure
    assert pull_request.check(*manifests, may_lose=True)[1] == ""

    job["spec"] = as_merged
    without = [one for one in manifests if one["kind"] != "AnomalyCalendar"]
    comment, failure = pull_request.check(*without)
    assert "- AnomalyCalendar/days-off is removed in the cluster" in comment
    assert failure == ""
    for kind in ("anomalycalendars", "datafeeds", "anomalyjobs", "anomalyfilters"):  # as Argo CD: the last wave first
        world.kubectl("delete", kind, "--all", "-n", world.namespace, TIMEOUT)
    assert world.engine.job_config("scanners") is None
