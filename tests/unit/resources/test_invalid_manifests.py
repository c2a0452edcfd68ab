"""Each wrong manifest is refused with its field and with words that say what to write; right ones pass."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from anomalyops.resources import KINDS, ManifestError, parse_manifests
from anomalyops.resources.base import SpecModel
from anomalyops.resources.rules import Rule

sys.path.insert(0, str(Path(__file__).parent))
from invalid_manifests import ACCEPTED, CHANGES, REFUSED, Refused


@pytest.mark.parametrize("case", [case for case in REFUSED if case.only != "admission"], ids=lambda c: c.id)
def test_a_wrong_manifest_is_refused_with_field_and_remedy(case: Refused) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_manifests(json.dumps(case.manifest), source="job.yaml")
    problems = caught.value.problems
    assert [(p.field, p.message) for p in problems if p.field == case.field and case.message in p.message], (
        f"got {[str(problem) for problem in problems]}"
    )
    assert len(problems) == 1, [str(problem) for problem in problems]


@pytest.mark.parametrize("manifest", ACCEPTED, ids=lambda m: f"{m['kind']}-{m['metadata']['name']}")
def test_a_right_manifest_passes_and_comes_back_as_it_was_written(manifest: dict) -> None:
    (resource,) = parse_manifests(json.dumps(manifest))
    written = resource.manifest()
    if manifest["kind"] == "Datafeed" and isinstance(manifest["spec"].get("start"), int):
        manifest = {**manifest, "spec": {**manifest["spec"], "start": str(manifest["spec"]["start"])}}
    assert written == manifest


def _rules(model: type[SpecModel]) -> Iterator[Rule]:
    yield from model.RULES
    for subclass in model.__subclasses__():
        yield from _rules(subclass)


def _messages(case: Refused) -> list[str]:
    try:
        parse_manifests(json.dumps(case.manifest))
    except ManifestError as error:
        return [problem.message for problem in error.problems]
    return []


def test_every_rule_has_a_case() -> None:
    said = [message for case in REFUSED for message in _messages(case)]
    unheard = []
    for rule in _rules(SpecModel):
        words = re.compile(".*".join(map(re.escape, re.split(r"\{\w+\}", rule.message))))
        if not any(words.fullmatch(message) for message in said):
            unheard.append(rule.message)
    assert unheard == []


def test_every_transition_has_a_refused_change() -> None:
    fields = {transition.field for kind in KINDS for transition in kind.model.TRANSITIONS}
    assert fields == {change.field for change in CHANGES if change.message}


def test_cases_known_to_one_side_say_why() -> None:
    assert all(case.because for case in REFUSED if case.only)
    assert len({case.id for case in REFUSED}) == len(REFUSED)
