"""No change of a CustomResourceDefinition makes an object invalid that is stored already, or forgets a part of it."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops.resources import custom_resource_definitions

sys.path.insert(0, str(Path(__file__).parent))
from schema_changes import narrowings, plain, released

NOW = {one["spec"]["names"]["kind"]: one for one in plain(custom_resource_definitions())}
RELEASED = released()
# What narrows since the last release, each with why no object that was stored breaks it.
EXPLAINED: dict[str, dict[str, str]] = {}

Node = dict[str, Any]


@pytest.mark.parametrize("kind", RELEASED)
def test_what_was_stored_stays_valid(kind: str) -> None:
    """A release is held to the one before. Make a new field, or say in `EXPLAINED` why nothing stored can break it."""
    found = set(narrowings(RELEASED[kind], NOW[kind]))
    assert found == set(EXPLAINED.get(kind, {}))


# -- the law is able to find what it is for ------------------------------------------------------------------------


def _schema(definition: Node) -> Node:
    found: Node = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for below in node.get("properties", {}).values():
        yield from _nodes(below)
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            yield from _nodes(node[key])


def _less(key: str, by: int) -> Any:
    def change(node: Node) -> bool:
        if key not in node:
            return False
        node[key] += by
        return True

    return change


def _without_a_value(node: Node) -> bool:
    return bool(node.get("enum")) and node["enum"].pop() is not None


def _another_type(node: Node) -> bool:
    node["type"] = "boolean" if node.get("type") != "boolean" else "string"
    return True


def _another_pattern(node: Node) -> bool:
    if node.get("type") != "string":
        return False
    node["pattern"] = "^[a-f]*$"
    return True


def _without_a_property(node: Node) -> bool:
    if not node.get("properties"):
        return False
    node["properties"].popitem()
    return True


def _one_more_required(node: Node) -> bool:
    node["required"] = [*node.get("required", ()), "somethingNew"]
    return True


def _another_rule(node: Node) -> bool:
    node["x-kubernetes-validations"] = [*node.get("x-kubernetes-validations", ()), {"rule": "has(self.x)"}]
    return True


def _nothing_free(node: Node) -> bool:
    return bool(node.pop("x-kubernetes-preserve-unknown-fields", False))


def _closed_list(node: Node) -> bool:
    if node.get("type") != "array" or "maxItems" in node:
        return False
    node["maxItems"] = 3
    return True


NARROWER = [
    *(_less(key, -1) for key in ("maxLength", "maxItems", "maxProperties", "maximum")),
    *(_less(key, 1) for key in ("minLength", "minItems", "minProperties", "minimum")),
    *(_without_a_value, _another_type, _another_pattern, _without_a_property, _one_more_required, _another_rule),
    *(_nothing_free, _closed_list),
]


def _one_more_value(node: Node) -> bool:
    return bool(node.get("enum")) and node["enum"].append("SomethingNew") is None


def _one_more_property(node: Node) -> bool:
    if not node.get("properties"):
        return False
    node["properties"]["somethingNew"] = {"type": "string", "maxLength": 3, "x-kubernetes-validations": [{"rule": "x"}]}
    return True


def _one_rule_less(node: Node) -> bool:
    return bool(node.get("x-kubernetes-validations")) and bool(node["x-kubernetes-validations"].pop())


def _no_longer_required(node: Node) -> bool:
    return bool(node.get("required")) and bool(node["required"].pop())


WIDER = [
    *(_less(key, 1) for key in ("maxLength", "maxItems", "maxProperties", "maximum")),
    *(_less(key, -1) for key in ("minLength", "minItems", "minProperties", "minimum")),
    *(_one_more_value, _one_more_property, _one_rule_less, _no_longer_required),
    *(lambda node, key=key: bool(node.pop(key, False)) for key in ("pattern", "maxLength", "maxItems", "format")),
]


@st.composite
def changed(draw: Any, changes: list[Any]) -> tuple[Node, Node]:
    """A definition, and the same with one change that it has a place for."""
    old = NOW[draw(st.sampled_from(sorted(NOW)))]
    new = copy.deepcopy(old)
    change = draw(st.sampled_from(changes))
    places = [place for place, node in enumerate(_nodes(_schema(new))) if change(copy.deepcopy(node))]
    if places:
        place = draw(st.sampled_from(places))
        change(list(_nodes(_schema(new)))[place])
    else:
        _another_type(_schema(new)) if changes is NARROWER else None
    return old, new


@given(changed(NARROWER))
def test_every_way_to_narrow_is_found(definitions: tuple[Node, Node]) -> None:
    assert narrowings(*definitions)


@given(changed(WIDER))
def test_nothing_that_allows_more_is_held_up(definitions: tuple[Node, Node]) -> None:
    assert narrowings(*definitions) == []


def test_a_kind_keeps_its_names_and_versions() -> None:
    old = NOW["AnomalyJob"]
    new = copy.deepcopy(old)
    new["spec"]["names"]["plural"], new["spec"]["names"]["shortNames"], new["spec"]["scope"] = "jobs", [], "Cluster"
    assert len(narrowings(old, new)) == 3
    new = copy.deepcopy(old)
    new["spec"]["versions"][0]["name"] = "v1beta1"
    assert narrowings(old, new) == ["version v1alpha1 is not served"]
