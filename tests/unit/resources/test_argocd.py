"""What Argo CD makes of every kind's status, in a Lua interpreter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from anomalyops.resources import KINDS, Reason
from anomalyops.resources.argocd import generate_argocd_settings
from argocd_health import SCRIPT, health_of

SETTINGS = Path(__file__).parents[3] / "manifests" / "argocd" / "argocd-cm.yaml"
KEY = "resource.customizations.health.anomalyops.io_"


def condition(type_: str, status: str, reason: str = "Ready", message: str = "words") -> dict[str, Any]:
    return {"type": type_, "status": status, "reason": reason, "message": message}


@st.composite
def objects(draw: Any) -> dict[str, Any]:
    generation = draw(st.integers(1, 3))
    truth = st.sampled_from(["True", "False", "Unknown", None])
    reason = st.sampled_from([one.value for one in Reason])
    found = [
        condition(type_, status, draw(reason), draw(st.text(max_size=5)))
        for type_ in draw(st.permutations(["Ready", "Synced", "Reconciling", "Stalled", "DataDelayed"]))
        if (status := draw(truth)) is not None
    ]
    metadata: dict[str, Any] = {"generation": generation}
    if draw(st.booleans()):
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    status = {"observedGeneration": draw(st.integers(1, generation)), "conditions": found}
    manifest = {"metadata": metadata, "spec": {"suspend": True} if draw(st.integers(0, 3)) == 0 else {}}
    return manifest | draw(st.sampled_from([{}, {"status": {}}, *[{"status": status}] * 6]))


def is_true(manifest: dict[str, Any], type_: str) -> bool:
    found = manifest.get("status", {}).get("conditions", [])
    return any(one["type"] == type_ and one["status"] == "True" for one in found)


@given(objects())
def test_healthy_is_what_the_operator_has_seen_and_says_is_ready(manifest: dict[str, Any]) -> None:
    health, message = health_of(manifest)
    assert health in {"Healthy", "Progressing", "Degraded", "Suspended"}
    assert isinstance(message, str)
    metadata, status = manifest["metadata"], manifest.get("status", {})
    seen = status.get("observedGeneration") == metadata["generation"] and "conditions" in status
    if health in {"Healthy", "Suspended"}:
        assert seen
        assert "deletionTimestamp" not in metadata
        assert not is_true(manifest, "Stalled")
        assert not is_true(manifest, "Reconciling")
    if health == "Healthy":
        assert is_true(manifest, "Ready")
        assert not manifest["spec"].get("suspend")
    if seen and is_true(manifest, "Stalled"):
        assert health == "Degraded"
    if not seen:
        assert health == "Progressing"


def test_the_settings_judge_every_kind_with_the_script() -> None:
    text = SCRIPT.read_text(encoding="utf-8")
    assert SETTINGS.read_text(encoding="utf-8") == generate_argocd_settings(text)
    data = yaml.safe_load(SETTINGS.read_text(encoding="utf-8"))["data"]
    assert {name.removeprefix(KEY) for name in data} == {kind.name for kind in KINDS}
    ready = {
        "metadata": {"generation": 1},
        "status": {"observedGeneration": 1, "conditions": [condition("Ready", "True")]},
    }
    for script in data.values():
        assert health_of(ready, script) == ("Healthy", "words")
