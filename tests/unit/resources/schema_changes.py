"""What a change of a CustomResourceDefinition may take from objects that are stored already.

An object is stored as it was admitted, and read by every later version: a definition may only ever allow more. Compared
are two definitions of a kind, in the words that structural schemas have.

What is compared with are the definitions of the last release. When a version is released:

    PYTHONPATH=tests/unit/resources python -m schema_changes > tests/unit/resources/released_crds.json
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from anomalyops.resources import custom_resource_definitions

RELEASED = Path(__file__).parent / "released_crds.json"
Node = Mapping[str, Any]

_UPPER = ("maxLength", "maxItems", "maxProperties", "maximum")  # what is more is refused
_LOWER = ("minLength", "minItems", "minProperties", "minimum", "multipleOf")  # what is less is refused
_EXACT = ("type", "pattern", "format", "exclusiveMinimum", "exclusiveMaximum", "nullable")
_FOR_PEOPLE = ("description", "additionalPrinterColumns")
_FREE = "x-kubernetes-preserve-unknown-fields"
_RULES = "x-kubernetes-validations"
_KEYS = ("x-kubernetes-list-type", "x-kubernetes-list-map-keys")
_EITHER = "x-kubernetes-int-or-string"
# Read above, below, or by no validation.
_KNOWN = {*_UPPER, *_LOWER, *_EXACT, *_KEYS, _FREE, _RULES, _EITHER, "x-kubernetes-map-type"}
_KNOWN |= {"properties", "required", "items", "additionalProperties", "enum", "default", "description", "uniqueItems"}


def narrowings(old: Node, new: Node) -> list[str]:
    """Why an object that the old definition of a kind admits might not be what the new one reads."""
    return [*_named(old["spec"], new["spec"]), *_versions(old["spec"], new["spec"])]


def _named(old: Node, new: Node) -> Iterator[str]:
    for key in ("group", "scope"):
        if old[key] != new[key]:
            yield f"{key} is {new[key]}, was {old[key]}"
    for key in ("kind", "plural", "singular", "listKind"):
        if old["names"][key] != new["names"][key]:
            yield f"names.{key} is {new['names'][key]}, was {old['names'][key]}"
    for name in set(old["names"].get("shortNames", ())) - set(new["names"].get("shortNames", ())):
        yield f"the short name {name} is gone"


def _versions(old: Node, new: Node) -> Iterator[str]:
    now = {version["name"]: version for version in new["versions"]}
    for version in old["versions"]:
        name = version["name"]
        if name not in now or not now[name]["served"]:
            yield f"version {name} is not served"
            continue
        schemas = (each["schema"]["openAPIV3Schema"] for each in (version, now[name]))
        yield from _node(*schemas, name)


def _node(old: Node, new: Node, path: str) -> Iterator[str]:
    yield from _bounds(old, new, path)
    if unknown := (old.keys() | new.keys()) - _KNOWN:
        yield f"{path}: {', '.join(sorted(unknown))} is no word that is compared"
    if "enum" in new:
        gone = set(old["enum"]) - set(new["enum"]) if "enum" in old else {"any other value"}
        if gone:
            yield f"{path}: {', '.join(sorted(map(str, gone)))} is no longer allowed"
    if required := set(new.get("required", ())) - set(old.get("required", ())):
        yield f"{path}: {', '.join(sorted(required))} is required now"
    before = {rule["rule"] for rule in old.get(_RULES, ())}
    for rule in new.get(_RULES, ()):
        if rule["rule"] not in before and "oldSelf" not in rule["rule"]:
            yield f"{path}: a new rule, {rule['rule']}"
    yield from _below(old, new, path)


def _bounds(old: Node, new: Node, path: str) -> Iterator[str]:
    for key in (*_EXACT, *_KEYS, _EITHER):
        gone = key in {*_KEYS, "nullable", _EITHER} and key in old and key not in new
        if gone or (key in new and new[key] != old.get(key)):
            yield f"{path}: {key} is {new.get(key)}, was {old.get(key)}"
    for key, sign in (*((key, 1) for key in _UPPER), *((key, -1) for key in _LOWER)):
        if key in new and (key not in old or sign * new[key] < sign * old[key]):
            yield f"{path}: {key} is {new[key]}, was {old.get(key)}"
    if new.get("uniqueItems") and not old.get("uniqueItems"):
        yield f"{path}: items must differ now"


def _below(old: Node, new: Node, path: str) -> Iterator[str]:
    if old.get(_FREE) and not new.get(_FREE):
        yield f"{path}: unknown fields are no longer kept"
    for name, below in old.get("properties", {}).items():
        if name in new.get("properties", {}):
            yield from _node(below, new["properties"][name], f"{path}.{name}")
        elif not new.get(_FREE):
            yield f"{path}.{name} is gone"
    if old.get(_FREE):
        for name in new.get("properties", {}).keys() - old.get("properties", {}).keys():
            yield f"{path}.{name} was free and has a schema now"
    for key, step in (("items", "[]"), ("additionalProperties", "[*]")):
        if isinstance(old.get(key), Mapping) and isinstance(new.get(key), Mapping):
            yield from _node(old[key], new[key], path + step)
        elif bool(old.get(key)) != bool(new.get(key)) and not new.get(_FREE):
            yield f"{path}{step} is {'described' if new.get(key) else 'gone'}"


def plain(value: Any, *, named: bool = False) -> Any:
    """The same without what is said to people, which nothing is held to.

    Args:
        value: A definition, or a part of it.
        named: Its keys are names of properties, which may be called like a word of schemas.
    """
    if isinstance(value, list):
        return [plain(below) for below in value]
    if not isinstance(value, Mapping):
        return value
    kept = {key: below for key, below in value.items() if named or key not in _FOR_PEOPLE}
    return {
        key: [{"rule": rule["rule"]} for rule in below] if key == _RULES else plain(below, named=key == "properties")
        for key, below in kept.items()
    }


def released() -> dict[str, Node]:
    """The definitions of the last release by kind."""
    return {one["spec"]["names"]["kind"]: one for one in json.loads(RELEASED.read_text())}


if __name__ == "__main__":
    for text in ("[", ",\n".join(json.dumps(plain(one), sort_keys=True) for one in custom_resource_definitions()), "]"):
        print(text)  # a line a kind
