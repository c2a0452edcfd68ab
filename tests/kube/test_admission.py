"""Wrong manifests are refused by `kubectl apply`, with a message that says what to write instead.

The table is that of the resource models' own tests, so that models and CRDs cannot drift apart.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from kube_harness.kubectl import Kubectl
from kube_harness.processes import wait_until

NAMESPACE = "admission"


def _table() -> ModuleType:
    path = Path(__file__).parent.parent / "unit" / "resources" / "invalid_manifests.py"
    spec = importlib.util.spec_from_file_location("invalid_manifests", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


TABLE = _table()
REFUSED = [case for case in TABLE.REFUSED if case.only != "operator"]


@pytest.fixture(scope="module")
def namespace(admin: Kubectl, installed: str) -> Iterator[str]:
    admin("create", "namespace", NAMESPACE)
    yield NAMESPACE
    admin("delete", "anomalyjobs,datafeeds,elasticsearchconnections", "--all", "-n", NAMESPACE)


@pytest.fixture(scope="module")
def answers(admin: Kubectl, namespace: str) -> dict[str, str]:
    """What kubectl says to each case of the table; they are independent, so they are asked side by side."""

    def create(case: Any) -> str:
        manifest = json.dumps(case.manifest)
        command = ("create", "-n", namespace, "--dry-run=server", "-f", "-")
        result = admin.run(*command, stdin=manifest, check=False)
        return "" if result.returncode == 0 else result.stderr

    with ThreadPoolExecutor(4) as pool:
        return dict(zip([case.id for case in REFUSED], pool.map(create, REFUSED), strict=True))


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.id)
def test_a_wrong_manifest_is_refused_in_words(answers: dict[str, str], case: Any) -> None:
    assert answers[case.id], "it was accepted"
    assert case.admission_message in answers[case.id]
    assert case.field.partition("[")[0] in answers[case.id]


def test_good_manifests_are_accepted(admin: Kubectl, namespace: str) -> None:
    documents = "\n---\n".join(
        json.dumps(manifest | {"metadata": {"name": f"good-{number}"}})
        for number, manifest in enumerate(TABLE.ACCEPTED)
    )
    output = admin("create", "-n", namespace, "--dry-run=server", "-f", "-", stdin=documents)
    assert output.count("created") == len(TABLE.ACCEPTED)


@pytest.mark.parametrize(("detectors", "influencers"), [(1000, 0), (1, 1000), (1000, 1000)])
def test_a_thousand_detectors_and_influencers_are_accepted(
    admin: Kubectl, namespace: str, detectors: int, influencers: int
) -> None:
    """The rules of admission have a budget for each object: none of them may use it up, neither now nor at a change."""
    analysis = {
        "bucketSpan": "15m",
        "detectors": [
            {
                "function": "mean",
                "fieldName": f"metrics.value_{number}",
                "partitionFieldName": f"labels.partition_{number}",
                "byFieldName": f"labels.by_{number}",
                "detectorDescription": f"the mean of value {number}",
                "customRules": [{"conditions": [{"appliesTo": "actual", "operator": "lt", "value": number}]}],
            }
            for number in range(detectors)
        ],
        "influencers": [f"labels.influencer_{number}" for number in range(influencers)],
    }
    name = f"large-{detectors}-{influencers}"
    manifest = {
        "apiVersion": "anomalyops.io/v1alpha1",
        "kind": "AnomalyJob",
        "metadata": {"name": name},
        "spec": {"analysisConfig": analysis, "dataDescription": {"timeField": "@timestamp"}},
    }
    admin("create", "-n", namespace, "-f", "-", stdin=json.dumps(manifest))
    functions = itertools.cycle(("max", "min"))

    def changed() -> subprocess.CompletedProcess[str]:
        """The operator writes statuses too: where it comes between, the job is not known as opened, or has changed."""
        state = {"status": {"jobState": "opened"}}  # now its detectors and influencers are fixed
        admin("patch", "aj", name, "-n", namespace, "--subresource=status", "--type=merge", "-p", json.dumps(state))
        return admin.run("replace", "-n", namespace, "-f", "-", stdin=json.dumps(manifest), check=False)

    def accepted() -> bool:
        return changed().returncode == 0

    def refused() -> bool:
        analysis["detectors"][-1]["function"] = next(functions)
        return "detectors cannot change in number, order, function or fields" in changed().stderr

    manifest["spec"]["description"] = "changed"
    wait_until(accepted, what="a change of the description")
    wait_until(refused, what="the refusal of another function")


@pytest.mark.parametrize("case", TABLE.CHANGES, ids=lambda case: case.id)
def test_changes_of_what_exists(admin: Kubectl, namespace: str, case: Any) -> None:
    before, after, name = case.before, case.after, case.before["metadata"]["name"]
    admin("delete", before["kind"], name, "-n", namespace, "--ignore-not-found")
    admin("create", "-n", namespace, "-f", "-", stdin=json.dumps(before))
    if case.status:
        kind = before["kind"].lower()
        patch = json.dumps({"status": case.status})
        admin("patch", kind, name, "-n", namespace, "--subresource=status", "--type=merge", "-p", patch)
    command = ("replace", "-n", namespace, "-f", "-")
    result = admin.run(*command, stdin=json.dumps(after), check=False)
    if not case.message:
        assert result.returncode == 0, result.stderr
        return
    assert result.returncode != 0, "it was accepted"
    assert case.message in result.stderr
