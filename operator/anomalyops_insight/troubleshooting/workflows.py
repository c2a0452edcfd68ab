"""The decision trees as tools: what `anomalyops troubleshoot` finds, one tree at a time."""

from __future__ import annotations

import json
from typing import Final

from pydantic import Field

from anomalyops_insight.errors import BadRequestError
from anomalyops_insight.programs import Program
from anomalyops_insight.query import Pattern
from anomalyops_insight.times import Moment
from anomalyops_insight.tools.registry import tool
from anomalyops_insight.tools.tool import Found, Parameters, Row
from anomalyops_insight.troubleshooting.diagnosis import Diagnosis
from anomalyops_insight.troubleshooting.gathering import troubleshoot

NAMES: Final = (
    "ad_wf_troubleshoot_memory_limit",
    "ad_wf_troubleshoot_query_delay",
    "ad_wf_troubleshoot_anomaly_score",
)


class TreeParameters(Parameters):
    """Parameters of a decision tree."""

    job_id: str = Field(description="The job.")
    now: Moment = Field(default="now", validate_default=True, description="What counts as the present.")


class Visited(Row):
    """A finding of a tree, or a step of the plan that follows."""

    kind: str
    tree: str
    severity: str
    text: str
    evidence: str
    call: str


def _walked(parameters: TreeParameters, trees: tuple[str, ...]) -> Program[Found[Visited]]:
    if Pattern.read(parameters.job_id, what="job_id").single is None:
        raise BadRequestError(f"job_id {parameters.job_id!r}: one job is meant, found a pattern")
    found = yield from troubleshoot(parameters.job_id, parameters.now, trees)
    return _shown(found[0])


def _shown(found: Diagnosis) -> Found[Visited]:
    rows = [
        Visited(
            kind="finding", tree=one.tree, severity=str(one.severity), text=one.text, evidence=one.evidence, call=""
        )
        for one in found.findings
    ]
    for step in found.plan:
        body = f" {json.dumps(step.body)}" if step.body is not None else ""
        rows.append(
            Visited(kind="step", tree="", severity="", text=step.words, evidence="", call=f"{step.call}{body}".strip())
        )
    return Found(tuple(rows), notes=(f"verdict: {found.verdict}",))


@tool(
    "ad_wf_troubleshoot_memory_limit",
    category="Decision trees",
    when="When memory_status is soft_limit or hard_limit: what fills the model, which limit it needs, and the steps.",
    parameters=TreeParameters,
    row=Visited,
    example={"job_id": "web-rate"},
)
def troubleshoot_memory_limit(parameters: TreeParameters) -> Program[Found[Visited]]:
    """Findings, the worst first, and the plan."""
    return (yield from _walked(parameters, ("state", "memory")))


@tool(
    "ad_wf_troubleshoot_query_delay",
    category="Decision trees",
    when="When documents are missing: memory first, then how late they come, and the delay that asks for.",
    parameters=TreeParameters,
    row=Visited,
    example={"job_id": "web-rate"},
)
def troubleshoot_query_delay(parameters: TreeParameters) -> Program[Found[Visited]]:
    """Findings, the worst first, and the plan."""
    return (yield from _walked(parameters, ("state", "memory", "missing documents")))


@tool(
    "ad_wf_troubleshoot_anomaly_score",
    category="Decision trees",
    when="When a score looks wrong: history, memory, incomplete buckets, noise, renormalisation, settings.",
    parameters=TreeParameters,
    row=Visited,
    example={"job_id": "web-rate"},
)
def troubleshoot_anomaly_score(parameters: TreeParameters) -> Program[Found[Visited]]:
    """Findings, the worst first, and the plan."""
    return (yield from _walked(parameters, ("state", "memory", "missing documents", "score")))
