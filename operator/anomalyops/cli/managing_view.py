"""What a managing tool would do, as text and as JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from rich.text import Text

from anomalyops.cli.plan_view import obstacle_line, step_line
from anomalyops.plan.managing import Managed, ManagingTool


def managed_text(managed: Managed, *, done: bool) -> Text:
    """The plan, or the patches to commit instead."""
    text = Text()
    for note in managed.notes:
        text.append(f"{note}\n", "dim")
    for obstacle in managed.plan.obstacles:
        text.append(obstacle_line(obstacle)).append("\n")
    for patch in managed.patches:
        verb = "add this manifest" if patch.new else "merge this into"
        text.append(f"A manifest owns it, so nothing is changed here: {verb} {patch.where}, then plan and apply it.\n")
        text.append(yaml.safe_dump(_plain(patch.manifest), sort_keys=False, allow_unicode=True))
    for step in managed.plan.steps:
        text.append(step_line(step)).append("\n")
    for what in managed.plan.unchecked:
        text.append(f"? not asked of the server: {what}\n", "yellow")
    if managed.plan.steps and not done:
        text.append("Nothing is done yet: --yes does it.\n")
    text.rstrip()
    return text


def managed_document(
    tool: ManagingTool[Any], values: Mapping[str, Any], managed: Managed, *, done: bool
) -> dict[str, Any]:
    """The same as JSON values."""
    return {
        "tool": tool.name,
        "parameters": dict(values),
        "done": done,
        "plan": managed.plan.to_json(),
        "unchecked": list(managed.plan.unchecked),
        "patches": [{"where": one.where, "new": one.new, "manifest": _plain(one.manifest)} for one in managed.patches],
        "notes": list(managed.notes),
    }


def _plain(value: Any) -> Any:
    """Nothing but JSON types."""
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
