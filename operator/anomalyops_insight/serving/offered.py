"""What assistants are offered: the tools that read, and the three programs over them, each with JSON in and out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import Field, ValidationError

from anomalyops_insight.errors import BadRequestError
from anomalyops_insight.explaining import Explanation, explain
from anomalyops_insight.investigating import Incident, Investigation, investigate
from anomalyops_insight.investigating.report import document
from anomalyops_insight.programs import Program
from anomalyops_insight.times import Moment
from anomalyops_insight.tools import Tool
from anomalyops_insight.tools.tool import Parameters
from anomalyops_insight.toolset import all_tools
from anomalyops_insight.troubleshooting import Diagnosis, troubleshoot

MOST_ROWS = 50
"""Rows of an answer where no limit is asked for: an assistant reads all of them."""
_SUSPECTS, _STEPS, _DOCUMENTS = 5, 20, 2
_MOST = {"suspects": _SUSPECTS, "timeline": _STEPS, "fingerprints": _SUSPECTS, "entities": _SUSPECTS} | {
    "affectedJobs": _STEPS
}


@dataclass(frozen=True, slots=True)
class Offered:
    """One tool as an assistant sees it.

    Attributes:
        name: Its name.
        description: When to use it.
        parameters: The type of its parameters.
        program: From parameters and the present to JSON values.
    """

    name: str
    description: str
    parameters: type[Parameters]
    program: Callable[[Mapping[str, Any], datetime], Program[dict[str, Any]]]

    def schema(self) -> dict[str, Any]:
        """The JSON schema of its parameters."""
        return self.parameters.model_json_schema()


class InvestigateParameters(Parameters):
    """Parameters of `investigate`."""

    start: Moment = Field(description="From this time on.")
    end: Moment = Field(description="Before this time.")
    jobs: str = Field(default="*", description="Job ids: exact, or patterns with *, comma separated.")
    service: str | None = Field(
        default=None,
        min_length=1,
        description="Only jobs that have to do with this service: its own, of what it calls, and of what they share.",
    )
    min_score: float = Field(default=25, ge=0, le=100, description="Least score of what counts.")
    min_job_count: int = Field(default=2, ge=1, description="Jobs that a prime suspect is named by.")
    whole: bool = Field(
        default=False,
        description="All suspects, the whole timeline and all documents; by default the first few of each.",
    )


class ExplainParameters(Parameters):
    """Parameters of `explain`."""

    job_id: str = Field(description="The job.")
    at: Moment | None = Field(default=None, description="The bucket at this time; by default the worst record.")
    record_id: str | None = Field(default=None, description="The _id of a record.")


class TroubleshootParameters(Parameters):
    """Parameters of `troubleshoot`."""

    job_id_pattern: str = Field(description="One job, which is looked at closely, or a pattern; * is all.")
    limit: int = Field(default=MOST_ROWS, ge=1, le=10_000, description="The most jobs of an answer, the worst first.")


def offered(keep: Callable[[Investigation], str] | None = None) -> tuple[Offered, ...]:
    """All that is offered; nothing of it changes anything.

    Args:
        keep: Keeps the report of an investigation and says by which URI it is read; None where none is kept.
    """

    def investigated(values: Mapping[str, Any], now: datetime) -> Program[dict[str, Any]]:
        return _investigate(values, now, keep)

    programs = (
        Offered("investigate", "What broke: the most likely root cause.", InvestigateParameters, investigated),
        Offered("explain", "Why a score is what it is, or why nothing was flagged.", ExplainParameters, _explain),
        Offered("troubleshoot", "Are jobs healthy, and what to do if not.", TroubleshootParameters, _troubleshoot),
    )
    return (*programs, *(_of_tool(tool) for tool in all_tools()))


def _of_tool(tool: Tool[Any, Any]) -> Offered:
    def program(values: Mapping[str, Any], now: datetime) -> Program[dict[str, Any]]:
        found = yield from tool.run(values, now=now)
        rows = found.rows if "limit" in values else found.rows[:MOST_ROWS]
        answer: dict[str, Any] = {
            "rows": [row.model_dump(mode="json", exclude_none=True) for row in rows],
            "complete": found.complete and len(rows) == len(found.rows),
            "notes": list(found.notes),
        }
        if found.empty is not None:
            answer["empty"] = {"reason": str(found.empty.reason), "message": found.empty.message}
        return answer

    return Offered(tool.name, tool.when, tool.parameters, program)


def _read(name: str, parameters: type[Any], values: Mapping[str, Any], now: datetime) -> Any:
    try:
        return parameters.model_validate(dict(values), context={"now": now})
    except ValidationError as error:
        told = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False))
        raise BadRequestError(f"{name}: {'; '.join(told)}") from None


def _investigate(
    values: Mapping[str, Any], now: datetime, keep: Callable[[Investigation], str] | None
) -> Program[dict[str, Any]]:
    asked = _read("investigate", InvestigateParameters, values, now)
    found = yield from investigate(
        Incident(asked.start, asked.end, asked.jobs, asked.min_score, asked.min_job_count, asked.service)
    )
    answer = document(found)
    if keep is not None:
        answer["report"] = keep(found)
    return answer if asked.whole else _small(answer)


def _small(answer: dict[str, Any]) -> dict[str, Any]:
    """The first few of each list, and how many there are."""
    for name, most in _MOST.items():
        if len(answer[name]) > most:
            answer[f"{name}InAll"] = len(answer[name])
            answer[name] = answer[name][:most]
    if len(answer["jobs"]) > _STEPS:
        answer["jobsInAll"] = len(answer["jobs"])
        answer["jobs"] = dict(list(answer["jobs"].items())[:_STEPS])
    if answer["service"] is not None and len(answer["service"]["jobs"]) > _STEPS:
        answer["service"]["jobsInAll"] = len(answer["service"]["jobs"])
        answer["service"]["jobs"] = dict(list(answer["service"]["jobs"].items())[:_STEPS])
    if answer["evidence"] is not None:
        answer["evidence"]["documents"] = answer["evidence"]["documents"][:_DOCUMENTS]
    return answer


def _explain(values: Mapping[str, Any], now: datetime) -> Program[dict[str, Any]]:
    asked = _read("explain", ExplainParameters, values, now)
    if asked.at is not None and asked.record_id is not None:
        raise BadRequestError("explain: give at or record_id, not both")
    found: Explanation = yield from explain(asked.job_id, at=asked.at, record_id=asked.record_id)
    return found.document()


def _troubleshoot(values: Mapping[str, Any], now: datetime) -> Program[dict[str, Any]]:
    asked = _read("troubleshoot", TroubleshootParameters, values, now)
    found: tuple[Diagnosis, ...] = yield from troubleshoot(asked.job_id_pattern, now)
    return {
        "jobs": [
            {
                "job": one.job_id,
                "severity": str(one.severity),
                "verdict": one.verdict,
                "findings": [f"{f.tree}: {f.text}{f' ({f.evidence})' if f.evidence else ''}" for f in one.findings],
                "plan": [step.shown() for step in one.plan],
            }
            for one in found[: asked.limit]
        ],
        "complete": len(found) <= asked.limit,
    }
