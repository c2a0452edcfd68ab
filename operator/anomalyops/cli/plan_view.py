"""Plans as text, as Markdown and as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from rich.text import Text

from anomalyops.local.inspecting import Planned
from anomalyops.plan import Effect, Obstacle, Step
from anomalyops.resources import AnyResource

_SIGNS: Final = {Effect.CREATES: "+", Effect.CHANGES: "~", Effect.DESTROYS: "-", Effect.RUNS: ">"}
_STYLES: Final = {Effect.CREATES: "green", Effect.CHANGES: "yellow", Effect.DESTROYS: "red", Effect.RUNS: "cyan"}
_WARNING: Final = "bold red"


def marker(step: Step) -> str:
    """`+` creates, `~` changes, `-` destroys, `>` opens, closes, starts or stops."""
    return _SIGNS[step.effect]


def step_line(step: Step) -> Text:
    """One step: marker, what, on which id, why."""
    style = _STYLES[step.effect]
    text = Text.assemble((f"{marker(step)} ", style), (step.verb, style), " ", step.target)
    if step.destructive:
        text.append(" (loses the model and its results)", _WARNING)
    return text.append(f"  {step.reason}", "dim")


def names(resources: Iterable[AnyResource]) -> str:
    """The names of resources that belong together."""
    return " and ".join(f"{resource.kind}/{resource.name}" for resource in resources)


def plan_text(planned: Sequence[Planned]) -> Text:
    """All plans, one after the other, and a summary."""
    text = Text()
    for item in planned:
        text.append(f"{names(item.resources)}\n", "bold")
        if item.plan.ownership:
            text.append(f"  {item.plan.ownership}\n", "dim")
        for step in item.plan.steps:
            text.append("  ").append(step_line(step)).append("\n")
        for obstacle in item.plan.obstacles:
            text.append("  ").append(obstacle_line(obstacle)).append("\n")
        for what in item.plan.unchecked:
            text.append(f"  ? not asked of the server: {what}\n", "yellow")
        if not item.plan.steps and not item.plan.obstacles:
            text.append("  nothing to do\n", "dim")
        text.append("\n")
    return text.append(_summary(planned))


def plan_markdown(planned: Sequence[Planned]) -> str:
    """All plans as Markdown for a comment on a pull request; those with nothing to do are only counted."""
    shown = [item for item in planned if item.plan.steps or item.plan.obstacles or item.plan.unchecked]
    parts = [f"### anomalyops plan\n\n{_summary(planned).plain}\n"]
    lost = [names(item.resources) for item in shown if any(step.destructive for step in item.plan.steps)]
    if lost:
        parts.append(f"**Loses models and their results:** {', '.join(lost)}\n")
    for item in shown:
        lines = [item.plan.ownership] if item.plan.ownership else []
        lines += [step_line(step).plain for step in item.plan.steps]
        lines += [obstacle_line(obstacle).plain for obstacle in item.plan.obstacles]
        lines += [f"? not asked of the server: {what}" for what in item.plan.unchecked]
        parts.append(f"#### {names(item.resources)}\n\n{fenced(lines)}")
    if unchanged := len(planned) - len(shown):
        parts.append(f"Nothing to do for {unchanged} of {len(planned)}.\n")
    return "\n".join(parts)


def fenced(lines: Sequence[str]) -> str:
    """Lines as they are, whatever is in them: the fence is longer than every run of backticks inside."""
    text = "\n".join(" ".join(line.splitlines()) for line in lines)
    fence = "`" * (max([2, *map(len, re.findall("`+", text))]) + 1)
    return f"{fence}diff\n{text}\n{fence}\n"


def obstacle_line(obstacle: Obstacle) -> Text:
    """What is in the way of a plan."""
    sign, style = ("…", "yellow") if obstacle.waiting else ("!", "bold red")
    return Text.assemble((f"{sign} {obstacle.subject}: {obstacle.reason}", style), f"  {obstacle.message}")


def _summary(planned: Sequence[Planned]) -> Text:
    steps = [step for item in planned for step in item.plan.steps]
    if not steps:
        if any(item.plan.stalled for item in planned):
            return Text("Nothing can be done.")
        waiting = any(item.plan.obstacles for item in planned)
        return Text("Nothing can be done yet." if waiting else "Nothing to do: the server is as the files say.")
    return Text(f"Plan: {steps_counted(steps)}.")


def steps_counted(steps: Iterable[Step]) -> str:
    """How many steps create, change, destroy and run something, in words."""
    effects = [step.effect for step in steps]
    return (
        f"{effects.count(Effect.CREATES)} to create, {effects.count(Effect.CHANGES)} to change,"
        f" {effects.count(Effect.DESTROYS)} to destroy, {effects.count(Effect.RUNS)} to open, close, start or stop"
    )


def plan_document(planned: Sequence[Planned]) -> dict[str, Any]:
    """All plans as JSON values."""
    return {
        "empty": all(item.plan.empty for item in planned),
        "destructive": any(step.destructive for item in planned for step in item.plan.steps),
        "plans": [
            {
                "resources": [
                    {
                        "kind": resource.kind,
                        "namespace": resource.namespace,
                        "name": resource.name,
                        "serverId": getattr(resource, "server_id", ""),
                    }
                    for resource in item.resources
                ],
                "ownership": item.plan.ownership,
                "unchecked": list(item.plan.unchecked),
                **item.plan.to_json(),
            }
            for item in planned
        ],
    }
