"""Memory of models: how close jobs are to their limit, and what drives it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import Field

from anomalyops_insight.errors import BadRequestError
from anomalyops_insight.programs import Program, ask, call
from anomalyops_insight.query import By, Count, Distinct, Equals, Largest, OneOf, Question, Sort, Window
from anomalyops_insight.query.names import index_expression
from anomalyops_insight.query.question import MOST_ROWS
from anomalyops_insight.query.rows import Row as Values
from anomalyops_insight.times import Moment
from anomalyops_insight.tools.configuration import Configured, configuration
from anomalyops_insight.tools.registry import tool
from anomalyops_insight.tools.tool import RESULTS, Found, Over, Parameters, Row, Texts, shaped

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


_UNITS = {"b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3, "tb": 1024**4}


def bytes_of(text: str) -> int | None:
    """A size as servers write it, in bytes; None if it is none."""
    read = re.fullmatch(r"(\d+)\s*([kmgt]?b)", text.strip().lower())
    return int(read[1]) * _UNITS[read[2]] if read else None


class EstimateParameters(Parameters):
    """Parameters of `ad_estimate_memory_requirement`."""

    job_id: str = Field(description="The job.")
    start: Moment | None = Field(default=None, description="Count values from this time on.")
    end: Moment | None = Field(default=None, description="Before this time.")


class Estimate(Row):
    """What the server estimates that the job's model needs."""

    job_id: str
    estimate: str
    bytes: int | None
    model_memory_limit: str | None
    enough: bool | None
    cardinalities: Texts


@tool(
    "ad_estimate_memory_requirement",
    category="Memory",
    when="Before a memory limit is raised: what the server estimates for the values that the source has now.",
    parameters=EstimateParameters,
    row=Estimate,
    example={"job_id": "web-rate", "start": "now-7d"},
)
def estimate_memory_requirement(parameters: EstimateParameters) -> Program[Found[Estimate]]:
    """One estimate, from cardinalities of the source."""
    found = yield from configuration(parameters.job_id)
    counted = yield from _counted_values(found, parameters.start, parameters.end)
    if counted.empty is not None:
        return Found((), empty=counted.empty)
    return Found(((yield from _estimated(found, {row.field: row.values for row in counted.rows})),))


def estimated_memory(config: Configured, start: datetime | None, end: datetime | None) -> Program[Estimate]:
    """The server's estimate for the values that the job's fields have in a window of its source.

    Raises:
        BadRequestError: The job has no datafeed.
        RefusedError: The source may not be read, or the server makes no estimates.
    """
    counted = yield from _counted_values(config, start, end)
    return (yield from _estimated(config, {row.field: row.values for row in counted.rows}))


def _counted_values(config: Configured, start: datetime | None, end: datetime | None) -> Program[Found[Cardinality]]:
    """How many values the job's fields have; nothing, and no reason, where it has no such fields."""
    if not config.entity_fields:
        return Found(())
    return (yield from field_cardinality(CardinalityParameters(job_id=config.job_id, start=start, end=end)))


def _estimated(config: Configured, values: Mapping[str, int]) -> Program[Estimate]:
    body = {
        "analysis_config": config.job["analysis_config"],
        "overall_cardinality": {name: values[name] for name in config.split_fields if name in values},
        "max_bucket_cardinality": {name: values[name] for name in config.influencers if name in values},
    }
    answer = yield from call("POST", "/_ml/anomaly_detectors/_estimate_model_memory", body=body)
    estimate, limit = (
        str(answer["model_memory_estimate"]),
        config.job.get("analysis_limits", {}).get("model_memory_limit"),
    )
    needed, there = bytes_of(estimate), bytes_of(str(limit))
    return Estimate(
        job_id=config.job_id,
        estimate=estimate,
        bytes=needed,
        model_memory_limit=limit,
        enough=None if needed is None or there is None else needed <= there,
        cardinalities=tuple(f"{name} {count}" for name, count in sorted(values.items())),
    )
