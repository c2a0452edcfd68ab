"""Diagnoses as text and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from anomalyops_insight.troubleshooting import Diagnosis, Severity

_STYLES = {Severity.CRITICAL: "#fe5050", Severity.WARNING: "#fba740", Severity.INFO: "", Severity.OK: "dim"}


def diagnoses_view(found: Sequence[Diagnosis]) -> Group:
    """One diagnosis with all that was looked at; of several a table, and what to do about each."""
    if len(found) == 1:
        return _one(found[0])
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("JOB", "SEVERITY", "VERDICT"):
        table.add_column(heading, no_wrap=heading != "VERDICT")
    for one in found:
        table.add_row(one.job_id, Text(str(one.severity), style=_STYLES[one.severity]), one.verdict)
    parts: list[RenderableType] = [table]
    for one in found:
        if one.plan:
            parts += [Text(), Text(one.job_id, style="bold"), *_plan(one)]
    healthy = sum(one.severity < Severity.WARNING for one in found)
    return Group(*parts, Text(f"\n{healthy} of {len(found)} jobs are healthy"))


def _one(found: Diagnosis) -> Group:
    parts: list[RenderableType] = [Text(f"{found.job_id}: {found.verdict}", style="bold"), Text()]
    widest = max(len(one.tree) for one in found.findings)
    for one in found.findings:
        line = Text(f"{one.severity!s:<9}", style=_STYLES[one.severity])
        parts.append(line.append(f"{one.tree:<{widest}}  {one.text}", style=""))
        if one.evidence:
            parts.append(Text(f"{'':<{widest + 11}}{one.evidence}", style="dim"))
    if found.plan:
        parts += [Text(), Text("What to do", style="bold"), *_plan(found)]
    return Group(*parts)


def _plan(found: Diagnosis) -> list[RenderableType]:
    return [Text(f"  {number}. {step.shown()}") for number, step in enumerate(found.plan, start=1)]


def diagnoses_document(found: Sequence[Diagnosis]) -> dict[str, Any]:
    """Diagnoses as JSON values."""
    return {
        "jobs": [
            {
                "job": one.job_id,
                "severity": str(one.severity),
                "verdict": one.verdict,
                "owner": one.owner,
                "findings": [
                    {"tree": f.tree, "severity": str(f.severity), "text": f.text, "evidence": f.evidence}
                    for f in one.findings
                ],
                "plan": [{"words": step.words, "call": step.call, "body": step.body} for step in one.plan],
            }
            for one in found
        ]
    }
