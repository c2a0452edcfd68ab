"""From a pydantic JSON schema to the structural schema that a CustomResourceDefinition takes.

Kubernetes takes a part of JSON Schema: no references, no `anyOf` with null, no `additionalProperties: false`
(unknown keys are pruned, or refused under strict validation), and it has words of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

_DROPPED = frozenset({"title", "$defs", "const"})


def structural_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The structural schema of a model: camelCase, with descriptions and the defaults of control fields."""
    schema = model.model_json_schema(by_alias=True, mode="validation")
    return _structural(schema, schema.get("$defs", {}))


def _structural(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """One node of the schema, with everything below it."""
    node = _resolved(schema, definitions)
    result: dict[str, Any] = {key: value for key, value in node.items() if key not in _DROPPED}
    if result.get("default", ...) is None:
        del result["default"]
    if "properties" in result:
        result.pop("additionalProperties", None)
        result["properties"] = {name: _structural(below, definitions) for name, below in result["properties"].items()}
    elif isinstance(result.get("additionalProperties"), dict):
        result["additionalProperties"] = _structural(result["additionalProperties"], definitions)
    else:
        result.pop("additionalProperties", None)
    if "items" in result:
        result["items"] = _structural(result["items"], definitions)
    if "enum" in result:
        result.setdefault("type", "string")
    return dict(sorted(result.items(), key=lambda item: (_ORDER.get(item[0], len(_ORDER)), item[0])))


_ORDER = {key: rank for rank, key in enumerate(("type", "description", "default", "enum"))}


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """The node without `$ref` and without the `anyOf` of an optional field; the field's own words win."""
    node = dict(schema)
    while True:
        if "$ref" in node:
            target = definitions[node.pop("$ref").removeprefix("#/$defs/")]
        elif "anyOf" in node:
            (target,) = [choice for choice in node.pop("anyOf") if choice.get("type") != "null"]
        else:
            return node
        node = {**target, **node}
