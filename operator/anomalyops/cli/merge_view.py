"""What merging manifests changes in a cluster, as text, as Markdown and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from rich.text import Text

from anomalyops.cli.plan_view import fenced, obstacle_line, step_line, steps_counted
from anomalyops.cluster.merging import ABSENT, Action, Change, FieldChange, listed
from anomalyops.cluster.planning import MergePlan, Model, UnitPlan

_SIGNS: Final = {Action.CREATED: "+", Action.CHANGED: "~", Action.REMOVED: "-"}
_STYLES: Final = {Action.CREATED: "green", Action.CHANGED: "yellow", Action.REMOVED: "red"}
_MODELS: Final = {
    Model.NEW: "model: a new one, which learns from the start",
    Model.KEPT: "model: kept",
    Model.LOST: "model: LOST with its results",
}
_LONGEST: Final = 120  # characters of a value; JSON has it whole


def merge_text(found: MergePlan) -> Text:
    """A merge for a person at a terminal."""
    text = Text()
    for unit in found.units:
        text.append(f"{_title(unit)}\n", "bold")
        for line in _lines(unit):
            text.append("  ").append(line).append("\n")
        text.append("\n")
    for words in (*found.merge.notes, *found.unreadable):
        text.append(f"? {words}\n", "yellow")
    return text.append(_summary(found))


def merge_markdown(found: MergePlan) -> str:
    """A merge as Markdown for a comment on a pull request; what stays as it is is only counted."""
    parts = [f"### anomalyops plan\n\n{_summary(found)}\n"]
    if lost := [_title(unit) for unit in found.units if unit.plan.destructive]:
        parts.append(f"**Loses models and their results:** {', '.join(lost)}\n")
    if refused := [_title(unit) for unit in found.units if unit.refused]:
        parts.append(f"**Refused by the API server:** {', '.join(refused)}\n")
    parts += [f"#### {_title(unit)}\n\n{fenced([line.plain for line in _lines(unit)])}" for unit in found.units]
    if rest := [*found.merge.notes, *found.unreadable]:
        parts.append(fenced([f"? {line}" for line in rest]))
    return "\n".join(parts)


def merge_document(found: MergePlan) -> dict[str, Any]:
    """A merge as JSON values."""
    return {
        "namespaces": list(found.namespaces),
        "empty": found.empty,
        "destructive": found.destructive,
        "changes": [_change(one) for one in found.merge.changes if one.action is not Action.UNCHANGED],
        "plans": [
            {
                "resources": [_resource(one) for one in unit.resources],
                "model": unit.model.value,
                "presumed": unit.presumed,
                "notes": list(unit.notes),
                "ownership": unit.plan.ownership,
                "unchecked": list(unit.plan.unchecked),
                **unit.plan.to_json(),
            }
            for unit in found.units
        ],
        "notes": [*found.merge.notes, *found.unreadable],
    }


def _resource(resource: Any) -> dict[str, str]:
    return {
        "kind": resource.kind,
        "namespace": resource.namespace,
        "name": resource.name,
        "serverId": getattr(resource, "server_id", ""),
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        **_resource(change.resource),
        "action": change.action.value,
        "through": change.through,
        "fields": [_field(one) for one in change.fields],
        "refused": list(change.refused),
    }


def _field(change: FieldChange) -> dict[str, Any]:
    """A field with the sides that it has."""
    sides = {"before": change.before, "after": change.after}
    return {"path": change.path, **{name: value for name, value in sides.items() if value is not ABSENT}}


def _title(unit: UnitPlan) -> str:
    first = unit.resources[0]
    return " and ".join(f"{one.kind}/{one.name}" for one in unit.resources) + f" (namespace {first.namespace})"


def _lines(unit: UnitPlan) -> Iterator[Text]:
    """What is told of a unit: what changes in the cluster, then what is done on the server."""
    for change in unit.changes:
        yield from _changed(change)
    if unit.refused:
        return
    if unit.presumed:
        yield Text(f"? the server was not asked, this is what the cluster says of it: {unit.presumed}", "yellow")
    if unit.plan.ownership:
        yield Text(unit.plan.ownership, "dim")
    yield from map(step_line, unit.plan.steps)
    yield from map(obstacle_line, unit.plan.obstacles)
    yield from (Text(f"? not asked of the server: {what}", "yellow") for what in unit.plan.unchecked)
    yield from (Text(f"  {note}") for note in unit.notes)
    if not unit.plan.steps and not unit.plan.obstacles and not unit.notes:
        yield Text("  nothing to do on the server", "dim")
    if unit.model is not Model.NONE:
        yield Text(f"  {_MODELS[unit.model]}", "bold red" if unit.model is Model.LOST else "")


def _changed(change: Change) -> Iterator[Text]:
    sign, style = _SIGNS[change.action], _STYLES[change.action]
    name = f"{change.resource.kind}/{change.resource.name}"
    through = f" by {change.through}" if change.through else ""
    yield Text(f"{sign} {name} is {change.action.value} in the cluster{through}", style)
    yield from (Text(f"{sign}   {_field_line(one)}", style) for one in change.fields)
    for words in change.refused:
        yield Text(f"! refused by the API server: {words}", "bold red")


def _field_line(change: FieldChange) -> str:
    if change.before is ABSENT:
        return f"{change.path}: {_value(change.after)} (new)"
    if change.after is ABSENT:
        return f"{change.path}: {_value(change.before)} (taken out)"
    before, after = change.before, change.after
    if isinstance(before, list) and isinstance(after, list):
        return f"{change.path}: {_listed(before, after)}"
    return f"{change.path}: {_value(before)} -> {_value(after)}"


def _listed(before: list[Any], after: list[Any]) -> str:
    """How a list changes: what comes and goes; where that does not tell it, both as a whole."""
    come, go = [one for one in after if one not in before], [one for one in before if one not in after]
    told = [f"with {_value(come)}"] * bool(come) + [f"without {_value(go)}"] * bool(go)
    return ", ".join(told) if told else f"{_value(before)} -> {_value(after)}"


def _value(value: Any) -> str:
    text = value if isinstance(value, str) and value.strip() == value != "" else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _summary(found: MergePlan) -> str:
    words = listed(found.merge.changes)
    steps = [step for unit in found.units if not unit.refused for step in unit.plan.steps]
    return f"{words} On the server: {steps_counted(steps) if steps else 'nothing to do'}."
