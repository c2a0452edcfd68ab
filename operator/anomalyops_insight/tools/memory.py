"""Memory of models: how close jobs are to their limit, and what drives it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import Field

from anomalyops_insight.errors import BadRequestError
from anomalyops_insight.programs import Program, ask
from anomalyops_insight.query import By, Count, Distinct, Equals, Largest, OneOf, Question, Sort, Window
from anomalyops_insight.query.names import index_expression
from anomalyops_insight.query.question import MOST_ROWS
from anomalyops_insight.query.rows import Row as Values
from anomalyops_insight.times import Moment
from anomalyops_insight.tools.configuration import configuration
from anomalyops_insight.tools.registry import tool
from anomalyops_insight.tools.tool import RESULTS, Found, Over, Parameters, Row, shaped

MOST_BY, MOST_PARTITIONS, MOST_CATEGORIES = 100_000, 10_000, 10_000
"""Above these a model's memory is driven by what is counted."""
_AT_ONCE = 500


class MemoryParameters(Over):
    """Parameters of `ad_ts_model_memory_health`."""

    limit: int = Field(default=1000, ge=1, le=5000, description="Jobs at most.")


class Memory(Row):
    """The newest report of a model's size."""

    job_id: str
    memory_status: str
    model_bytes: int
    peak_model_bytes: int | None
    model_bytes_memory_limit: int | None
    used_percent: float | None
    model_bytes_exceeded: int | None
    bucket_allocation_failures_count: int | None
    total_by_field_count: int | None
    total_over_field_count: int | None
    total_partition_field_count: int | None
    total_category_count: int | None
    categorization_status: str | None
    log_time: datetime
    driver: str | None


_STATUSES = ("hard_limit", "soft_limit", "ok")


@tool(
    "ad_ts_model_memory_health",
    category="Memory",
    when="First when results look wrong: is a model at its memory limit, and what fills it.",
    parameters=MemoryParameters,
    row=Memory,
    example={"job_id_pattern": "*"},
)
def model_memory_health(parameters: MemoryParameters) -> Program[Found[Memory]]:
    """The newest size of each model, those at their limit first."""
    newest = Question(
        index=RESULTS,
        scope=parameters.results("model_size_stats"),
        window=parameters.window("log_time"),
        groups=(By("job_id", "job_id"),),
        measures=(Largest("log_time", "log_time", "time"),),
        sort=(Sort("job_id"),),
        limit=parameters.limit,
    )
    known = yield from ask(newest)
    if not known.rows:
        return (yield from shaped(newest, known, ()))
    found: list[Values] = []
    for first in range(0, len(known.rows), _AT_ONCE):
        found += yield from _reports(known.rows[first : first + _AT_ONCE])
    rows = sorted(
        (_memory(values) for values in found),
        key=lambda row: (_STATUSES.index(row.memory_status), -(row.used_percent or 0.0), row.job_id),
    )
    return Found(tuple(rows), complete=known.complete)


def _reports(newest: Sequence[Values]) -> Program[list[Values]]:
    """The reports of these times, one for each job."""
    times = {row["job_id"]: row["log_time"] for row in newest}
    question = Question(
        index=RESULTS,
        scope=(
            Equals("result_type", "model_size_stats"),
            OneOf("job_id", tuple(times)),
            OneOf("log_time", tuple(sorted(set(times.values())))),
        ),
        columns=tuple(column for column in Memory.columns() if column.name not in {"used_percent", "driver"}),
        sort=(Sort("job_id"),),
        limit=MOST_ROWS,
    )
    rows = yield from ask(question)
    return list({row["job_id"]: row for row in rows.rows if row["log_time"] == times[row["job_id"]]}.values())


def _memory(values: Values) -> Memory:
    used, limit = values["model_bytes"], values["model_bytes_memory_limit"]
    percent = round(100 * used / limit, 2) if limit else None
    return Memory(**values, used_percent=percent, driver=memory_driver(values))


def memory_driver(values: Values) -> str | None:
    """What fills a model, in words; None where nothing stands out."""
    for name, most, words in (
        ("total_by_field_count", MOST_BY, "by field values"),
        ("total_partition_field_count", MOST_PARTITIONS, "partitions"),
        ("total_category_count", MOST_CATEGORIES, "log categories"),
    ):
        if (values[name] or 0) > most:
            return f"{values[name]} {words}, more than {most}"
    return None


class CardinalityParameters(Parameters):
    """Parameters of `ad_wf_ts_field_cardinality`."""

    job_id: str = Field(description="The job.")
    start: Moment | None = Field(default=None, description="From this time on.")
    end: Moment | None = Field(default=None, description="Before this time.")


class Cardinality(Row):
    """How many values a field has that the job splits by or names entities with."""

    field: str
    used_as: str
    values: int
    documents: int


@tool(
    "ad_wf_ts_field_cardinality",
    category="Memory",
    when="To find what fills a model: how many values its split fields and influencers have in the source.",
    parameters=CardinalityParameters,
    row=Cardinality,
    example={"job_id": "web-rate", "start": "now-7d"},
)
def field_cardinality(parameters: CardinalityParameters) -> Program[Found[Cardinality]]:
    """The job's fields, those of most values first."""
    found = yield from configuration(parameters.job_id)
    found.need_source()
    fields = found.entity_fields
    if not fields:
        raise BadRequestError(
            f"job {parameters.job_id} has neither split fields nor influencers: it models one series each"
        )
    question = Question(
        index=index_expression(",".join(found.indices)),
        window=Window(parameters.start, parameters.end, found.time_field),
        clause=found.query,
        measures=(Count("documents"), *(Distinct(f"values_{n}", field) for n, field in enumerate(fields))),
        limit=1,
    )
    answer = yield from ask(question)
    values = answer.only()
    if not values.get("documents"):
        return (yield from shaped(question, answer, ()))
    rows = [
        Cardinality(
            field=field,
            used_as=_used_as(field, found.split_fields),
            values=values[f"values_{n}"],
            documents=values["documents"],
        )
        for n, field in enumerate(fields)
    ]
    return Found(tuple(sorted(rows, key=lambda row: (-row.values, row.field))))


def _used_as(field: str, splits: Sequence[str]) -> str:
    return "split" if field in splits else "influencer"
