"""Log categories, and their messages in the source."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from pydantic import Field

from anomalyops_insight.emptiness import Empty, Reason
from anomalyops_insight.errors import BadRequestError
from anomalyops_insight.programs import Program, ask
from anomalyops_insight.query import Condition, Count, Document, Equals, Question, Sort, Window
from anomalyops_insight.query.names import index_expression
from anomalyops_insight.query.rows import time_of
from anomalyops_insight.times import Moment
from anomalyops_insight.tools.configuration import configuration, one_job
from anomalyops_insight.tools.evidence import field_of
from anomalyops_insight.tools.registry import tool
from anomalyops_insight.tools.tool import RESULTS, Found, Parameters, Row, Texts, listed


class CategoriesParameters(Parameters):
    """Parameters of `ad_get_categories`."""

    job_id: str = Field(description="A job that categorises messages.")
    category_id: int | None = Field(default=None, ge=1, description="Only this category.")
    limit: int = Field(default=100, ge=1, le=10_000, description="Rows at most.")


class Category(Row):
    """A category of messages."""

    category_id: int
    num_matches: int | None = None
    terms: str | None = None
    regex: str | None = None
    examples: Texts = ()
    partition_field_value: str | None = None
    max_matching_length: int | None = None


def _question(parameters: CategoriesParameters) -> Question:
    scope: tuple[Condition, ...] = (
        Equals("result_type", "category_definition"),
        Equals("job_id", parameters.job_id),
    )
    if parameters.category_id is not None:
        scope += (Equals("category_id", parameters.category_id),)
    return Question(
        index=RESULTS,
        scope=scope,
        columns=Category.columns(),
        sort=(Sort("num_matches", descending=True), Sort("category_id")),
        limit=parameters.limit,
    )


@tool(
    "ad_get_categories",
    category="Evidence",
    when="When by_field_name is mlcategory: what messages a category stands for.",
    parameters=CategoriesParameters,
    row=Category,
    example={"job_id": "log-categories"},
)
def get_categories(parameters: CategoriesParameters) -> Program[Found[Category]]:
    """Categories, the most frequent first."""
    one_job(parameters.job_id)
    return listed(_question(parameters), Category)


class ExamplesParameters(Parameters):
    """Parameters of `ad_search_log_category_examples`."""

    job_id: str = Field(description="A job that categorises messages.")
    category_id: int = Field(ge=1, description="The category.")
    start: Moment | None = Field(default=None, description="From this time on.")
    end: Moment | None = Field(default=None, description="Before this time.")
    limit: int = Field(default=20, ge=1, le=1000, description="Messages at most.")


class Message(Row):
    """One message of a category."""

    timestamp: datetime | None
    message: str
    index: str
    id: str


@tool(
    "ad_search_log_category_examples",
    category="Evidence",
    when="To read and count messages of a category, in a quiet window and in the anomalous one.",
    parameters=ExamplesParameters,
    row=Message,
    example={"job_id": "log-categories", "category_id": 3, "start": "now-1h"},
)
def search_log_category_examples(parameters: ExamplesParameters) -> Program[Found[Message]]:
    """Messages of a category in order of time, and how many there are in the window."""
    found = yield from configuration(parameters.job_id)
    field = found.job.get("analysis_config", {}).get("categorization_field_name")
    if not field:
        raise BadRequestError(f"job {parameters.job_id} does not categorise: it has no categorization_field_name")
    found.need_source()
    wanted = CategoriesParameters(job_id=parameters.job_id, category_id=parameters.category_id, limit=1)
    known = yield from listed(_question(wanted), Category)
    if not known.rows:
        return Found(
            (), empty=Empty(Reason.NO_RESULTS, f"job {parameters.job_id} has no category {parameters.category_id}")
        )
    category = known.rows[0]
    clause = _clause(str(field), category, found.query)
    window = Window(parameters.start, parameters.end, found.time_field)
    index = index_expression(",".join(found.indices))
    documents = Question(
        index=index,
        window=window,
        clause=clause,
        columns=(Document(),),
        sort=(Sort(found.time_field),),
        limit=min(parameters.limit * 5, 5000),
    )
    rows = yield from ask(documents)
    counted = yield from ask(Question(index=index, window=window, clause=clause, measures=(Count("n"),), limit=1))
    shape = [
        _message(row, str(field), found.time_field)
        for row in rows.rows
        if matches(category, str(field_of(row["document"], str(field)) or ""))
    ][: parameters.limit]
    note = f"{counted.only().get('n', 0)} messages of the window hold the terms of the category"
    if shape:
        return Found(tuple(shape), complete=rows.complete and len(shape) < parameters.limit, notes=(note,))
    empty = Empty(Reason.NOTHING_IN_WINDOW, f"no message of category {category.category_id} is in the window")
    return Found((), empty=empty, notes=(note,))


def _clause(field: str, category: Category, query: Any) -> dict[str, Any]:
    """Messages that hold all terms of a category, of those that the datafeed reads."""
    filters: list[Any] = [{"match": {field: {"query": category.terms or "", "operator": "and"}}}]
    return {"bool": {"filter": filters + ([query] if query is not None else [])}}


def matches(category: Category, message: str) -> bool:
    """Whether a message has the order of words that the category's expression asks for."""
    if not category.regex:
        return True
    try:
        return re.search(category.regex, message, re.DOTALL) is not None
    except re.error:  # an expression of another dialect: its terms were looked for already
        return True


def _message(row: dict[str, Any], field: str, at: str) -> Message:
    time = field_of(row["document"], at)
    return Message(
        timestamp=time_of(time) if isinstance(time, str | int | float) else None,
        message=str(field_of(row["document"], field)),
        index=row["_index"],
        id=row["_id"],
    )
