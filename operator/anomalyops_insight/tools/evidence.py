"""Source documents: the ground truth of what jobs report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from pydantic import Field, model_validator

from anomalyops_insight.emptiness import no_field
from anomalyops_insight.errors import BadRequestError
from anomalyops_insight.programs import Program, ask
from anomalyops_insight.query import Count, Document, Question, Sort, Window
from anomalyops_insight.query.names import index_expression
from anomalyops_insight.query.rows import time_of
from anomalyops_insight.times import Moment
from anomalyops_insight.tools.configuration import Configured, configuration
from anomalyops_insight.tools.registry import tool
from anomalyops_insight.tools.tool import Found, Parameters, Row, shaped


class EvidenceParameters(Parameters):
    """Parameters of `ad_rca_source_evidence`."""

    job_id: str | None = Field(default=None, description="The job whose datafeed says which documents it reads.")
    index: str | None = Field(default=None, description="Instead of a job: the index to read.")
    time_field: str = Field(default="@timestamp", description="The time of the documents of `index`.")
    entity_field: str | None = Field(default=None, description="Only documents of one entity: its field.")
    entity_value: str | None = Field(default=None, description="And its value.")
    start: Moment | None = Field(default=None, description="From this time on.")
    end: Moment | None = Field(default=None, description="Before this time.")
    limit: int = Field(default=20, ge=1, le=1000, description="Documents at most.")

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if (self.job_id is None) == (self.index is None):
            raise ValueError("give either job_id or index")
        if (self.entity_field is None) != (self.entity_value is None):
            raise ValueError("entity_field and entity_value belong together")
        return self


class Evidence(Row):
    """One source document."""

    timestamp: datetime | None
    index: str
    id: str
    document: dict[str, Any]


@tool(
    "ad_rca_source_evidence",
    category="Evidence",
    when="Before a root cause is named: the source documents of an entity in the window, as the job read them.",
    parameters=EvidenceParameters,
    row=Evidence,
    example={"job_id": "web-rate", "entity_field": "host.name", "entity_value": "web-1", "start": "now-1h"},
)
def source_evidence(parameters: EvidenceParameters) -> Program[Found[Evidence]]:
    """Source documents in order of time, and how many there are."""
    found = (yield from configuration(parameters.job_id)) if parameters.job_id is not None else None
    question = evidence_question(parameters, found)
    times = (parameters.time_field,) if parameters.index is not None else ()
    named = (parameters.entity_field,) if parameters.entity_field is not None else ()
    if (lacking := (yield from no_field(question.index, named, times))) is not None:
        return Found((), empty=lacking)
    rows = yield from ask(question)
    at = question.window.field if question.window is not None else parameters.time_field
    shape = tuple(
        Evidence(
            timestamp=_time(row["document"], at), index=row["_index"], id=row["_id"], document=dict(row["document"])
        )
        for row in rows.rows
    )
    answer = yield from shaped(question, rows, shape)
    if rows.complete:
        return answer
    counted = yield from ask(
        Question(
            index=question.index,
            window=question.window,
            clause=question.clause,
            measures=(Count("documents"),),
            limit=1,
        )
    )
    return Found(answer.rows, answer.complete, notes=(f"{counted.only()['documents']} documents fit in all",))


def evidence_question(parameters: EvidenceParameters, found: Configured | None) -> Question:
    """Which documents are asked for.

    Raises:
        BadRequestError: The job has no datafeed.
    """
    clauses: list[Mapping[str, Any]] = []
    index, at = parameters.index, parameters.time_field
    if found is not None:
        found.need_source()
        index, at = ",".join(found.indices), found.time_field
        if found.query is not None:
            clauses.append(found.query)
    if index is None:
        raise BadRequestError("give either job_id or index")
    if parameters.entity_field is not None:
        clauses.append({"term": {parameters.entity_field: {"value": parameters.entity_value}}})
    return Question(
        index=index_expression(index),
        window=Window(parameters.start, parameters.end, at),
        clause={"bool": {"filter": clauses}} if clauses else None,
        columns=(Document(),),
        sort=(Sort(at),),
        limit=parameters.limit,
    )


def field_of(document: Mapping[str, Any], path: str) -> Any:
    """A field of a document by its path, whether its parts are nested or written with dots."""
    if path in document:
        return document[path]
    head, dot, rest = path.partition(".")
    while dot:
        inner = document.get(head)
        if isinstance(inner, Mapping):
            found = field_of(inner, rest)
            if found is not None:
                return found
        further, dot, rest = rest.partition(".")
        head = f"{head}.{further}"
    return None


def _time(document: Mapping[str, Any], path: str) -> datetime | None:
    value = field_of(document, path)
    try:
        return time_of(value) if isinstance(value, str | int | float) else None
    except ValueError:  # a format of the mapping that is not ISO
        return None
