"""The reading tools as ES|QL tools of Kibana's Agent Builder, and skills that use them. Pure.

A tool's statement is the one that it asks itself: it is asked with values that stand for its parameters, and where such
a value is bound, a parameter of Kibana's takes its place. Source: "Agent Builder Kibana APIs", elastic.co.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from anomalyops_insight.errors import InsightError
from anomalyops_insight.query import Document, Question, esql
from anomalyops_insight.query.rows import Rows
from anomalyops_insight.tools.tool import ANNOTATIONS, NOTIFICATIONS, RESULTS, Tool
from anomalyops_insight.toolset import all_tools

MARK = "anomalyops"
MOST_TOOLS_OF_SKILL = 5
_PATTERN = "job_id_pattern"
_STANDS = "zq9"  # begins texts that stand for a parameter
_INDICES = frozenset({RESULTS, NOTIFICATIONS, ANNOTATIONS})
_SAMPLES: Mapping[str, Any] = {"text": "", "number": 1.0, "flag": False, "time": datetime(2020, 1, 1, tzinfo=UTC)}
_START, _END = datetime(1987, 6, 5, 4, 3, 2, tzinfo=UTC), datetime(1987, 6, 6, 5, 4, 3, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """An ES|QL tool.

    Attributes:
        id: Its name, `ad_...`.
        description: When to use it.
        query: With `?name` for each parameter.
        params: By name: type, description, and what holds when it is not given.
    """

    id: str
    description: str
    query: str
    params: Mapping[str, Mapping[str, Any]]

    def body(self) -> dict[str, Any]:
        """What is written of it, but for its id and type."""
        configuration = {"query": self.query, "params": {name: dict(one) for name, one in self.params.items()}}
        return {"description": self.description, "tags": [MARK], "configuration": configuration}


@dataclass(frozen=True, slots=True)
class Skill:
    """What an agent is told to do, and with which tools.

    Attributes:
        id: It begins with `anomalyops-`.
        description: When to use it.
        content: Markdown.
        tool_ids: At most five, which is all that Kibana takes.
    """

    id: str
    description: str
    content: str
    tool_ids: tuple[str, ...]

    def body(self) -> dict[str, Any]:
        """What is written of it, but for its id."""
        return {
            "name": self.id,
            "description": self.description,
            "content": self.content,
            "tool_ids": list(self.tool_ids),
        }


def tool_definitions() -> tuple[ToolDefinition, ...]:
    """The tools that are one statement over results, messages or annotations."""
    made = (_definition(tool) for tool in all_tools())
    return tuple(one for one in made if one is not None)


def _definition(tool: Tool[Any, Any]) -> ToolDefinition | None:
    stands = {name: value for name, field in tool.parameters.model_fields.items() if (value := _stand(name, field))}
    question = _only_question(tool, stands)
    if question is None:
        return None
    statement = esql.statement(question)
    names = {str(_bound(value)): name for name, value in stands.items()}
    asked = {bound: names[str(value)] for bound, value in statement.parameters.items() if str(value) in names}
    fields = tool.parameters.model_fields
    params = {_called(name): _parameter(name, fields[name]) for name in dict.fromkeys(asked.values())}
    text = statement.partly({bound: _called(name) for bound, name in asked.items()})
    return ToolDefinition(tool.name, tool.when, text, params)


def _only_question(tool: Tool[Any, Any], values: Mapping[str, Any]) -> Question | None:
    """The question of a tool that asks one and answers with its rows; None of others."""
    try:
        program = tool.run(values)
        question = next(program)
        if not isinstance(question, Question) or not _for_kibana(question):
            return None
        program.send(Rows(({name: _SAMPLES[kind] for name, kind in question.kinds().items()},)))
    except StopIteration:
        return question if isinstance(question, Question) else None
    except InsightError:
        return None
    return None  # it asks more


def _for_kibana(question: Question) -> bool:
    """Whether ES|QL alone says it, over indices that a user can be let read."""
    whole = any(isinstance(column, Document) for column in question.columns)
    return question.index in _INDICES and question.clause is None and not whole


def _called(name: str) -> str:
    return "job_id_prefix" if name == _PATTERN else name


def _stand(name: str, field: FieldInfo) -> Any:
    """A value that stands for a parameter; None of one that is left at its default."""
    if name == _PATTERN:
        return f"{_STANDS}{name}*"
    if name in ("start", "end"):
        return _START if name == "start" else _END
    if field.annotation is str and field.is_required():
        return f"{_STANDS}{name}"
    if field.annotation is float:
        return 23.0625 + len(name) / 1024
    return None


def _bound(value: Any) -> Any:
    """A value as a statement binds it."""
    if isinstance(value, datetime):
        return esql.iso(value)
    return value.removesuffix("*") if isinstance(value, str) else value


def _parameter(name: str, field: FieldInfo) -> dict[str, Any]:
    description = field.description or name
    if name == _PATTERN:
        told = "Only jobs whose id begins with this; all, if it is not given."
        return {"type": "string", "description": told, "optional": True, "defaultValue": ""}
    if name in ("start", "end"):
        return {"type": "date", "description": f"{description} ISO 8601."}
    kind = "float" if field.annotation is float else "string"
    if field.default is PydanticUndefined:
        return {"type": kind, "description": description}
    return {"type": kind, "description": description, "optional": True, "defaultValue": field.default}


_SKILLS = (
    (
        "investigate",
        "Root cause of an incident from anomaly detection results: what broke, which entity, since when.",
        "1. `ad_query_anomaly_timeline`: when it was how bad, and in which jobs.\n"
        "2. `ad_rca_multi_job_entities`: entities that several jobs name are suspects; of one job: victims.\n"
        "3. `ad_rca_correlation`: the entity that appears first is where it began.\n"
        "4. `ad_rca_detector_fingerprint`: the kind of fault: resource, network, application, absence, security.\n"
        "5. `ad_rca_blast_radius`: how far it reached.\n\n"
        "Use a low least score (25): many low scores weigh more than one high one. Never conclude without source "
        "documents: read them from the indices of the jobs' datafeeds. Finish with root cause, affected jobs, order of "
        "events, kind of fault, severity, recommended actions, and how sure you are.",
    ),
    (
        "explain",
        "Why the score of an anomaly is high or low, or has changed since it was found.",
        "1. `ad_query_anomaly_records`: actual against typical, `record_score`, `initial_record_score`, and factors.\n"
        "2. `ad_rca_score_reassessment`: how far scores have moved since: renormalisation, which needs no change.\n"
        "3. `ad_get_model_plot`: the bounds; wide ones make anomalies less surprising.\n"
        "4. `ad_query_influencers`: who had part in it.\n\n"
        "Weekly seasons need three weeks of data. An actual far below typical of count is an absence, not a low value.",
    ),
    (
        "troubleshoot",
        "Missing documents, memory limits and other troubles of anomaly detection jobs.",
        "1. `ad_get_job_messages`: what the server says about the job. Memory first: at `hard_limit` a job loses "
        "documents whatever its query delay.\n"
        "2. `ad_ts_delayed_data_annotations`: documents that came too late.\n"
        "3. `ad_get_available_metadata`: whether there are results at all, and until when.\n\n"
        "Change things in this order: stop the datafeed, close the job, change, open, start.",
    ),
)


def skills() -> tuple[Skill, ...]:
    """The modes that the registered tools serve; the tools of each are those that its text names, in its order."""
    known = {one.id for one in tool_definitions()}
    made = []
    for name, description, content in _SKILLS:
        named = [one for one in dict.fromkeys(re.findall(r"\bad_\w+", content)) if one in known]
        made.append(Skill(f"{MARK}-{name}", description, content, tuple(named[:MOST_TOOLS_OF_SKILL])))
    return tuple(made)
