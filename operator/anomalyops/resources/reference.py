"""The reference page of the documentation: every field, condition and reason, from the models themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from anomalyops.resources.conditions import ConditionType, Reason
from anomalyops.resources.crds import custom_resource_definitions

_HEADER = """<!-- Generated from the resource models by `make generate`; do not edit. -->
# Reference

Fields marked **required** must be given. A default is filled in only where the table names one; what a manifest leaves
out is the server's to choose, and is never seen as drift.
"""


def generate_reference() -> str:
    """The page as Markdown."""
    parts = [_HEADER]
    for definition in custom_resource_definitions():
        names, version = definition["spec"]["names"], definition["spec"]["versions"][0]
        schema = version["schema"]["openAPIV3Schema"]
        parts.append(f"\n## {names['kind']}\n\n{schema.get('description', '')}\n")
        parts.append(f"\nShort name: `{', '.join(names['shortNames'])}`.\n")
        for section in ("spec", "status"):
            parts.append(f"\n### {names['kind']}.{section}\n\n| field | type | meaning |\n|---|---|---|\n")
            parts.extend(_rows(schema["properties"][section], prefix=""))
    parts.append("\n## Conditions\n\n| type | means |\n|---|---|\n")
    parts.extend(f"| `{condition.value}` | {_cell(condition.description)} |\n" for condition in ConditionType)
    parts.append("\n## Reasons\n\nOf conditions and Events.\n\n| reason | means |\n|---|---|\n")
    parts.extend(f"| `{reason.value}` | {_cell(reason.description)} |\n" for reason in Reason)
    return "".join(parts)


def _rows(schema: Mapping[str, Any], *, prefix: str) -> Iterator[str]:
    """A row for each property, and for those below it."""
    required = set(schema.get("required", ()))
    for name, node in schema.get("properties", {}).items():
        path = f"{prefix}{name}"
        words = _cell(node.get("description", ""))
        if "default" in node:
            default = node["default"]
            words += f" Default: `{str(default).lower() if isinstance(default, bool) else default}`."
        if "enum" in node:
            words += f" One of {', '.join(f'`{value}`' for value in node['enum'])}."
        mark = " **required**" if name in required else ""
        yield f"| `{path}` | {_type(node)} | {words}{mark} |\n"
        below = node["items"] if node.get("type") == "array" else node
        yield from _rows(below, prefix=f"{path}{'[]' if node.get('type') == 'array' else ''}.")


def _type(node: Mapping[str, Any]) -> str:
    if node.get("x-kubernetes-int-or-string"):
        return "integer or string"
    if node.get("type") == "array":
        return f"list of {_type(node['items'])}"
    if node.get("x-kubernetes-preserve-unknown-fields"):
        return "free JSON"
    if isinstance(node.get("additionalProperties"), dict):
        return f"map of {_type(node['additionalProperties'])}"
    return str(node.get("type", "any"))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
