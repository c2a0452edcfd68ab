"""Source data in steps smaller than a bucket: what a detector measures, as a series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from anomalyops_insight.errors import BadRequestError, RefusedError
from anomalyops_insight.investigating.onset import Series
from anomalyops_insight.programs import Program, ask
from anomalyops_insight.query import Average, ByTime, Count, Distinct, Largest, Question, Smallest, Sort, Total, Window
from anomalyops_insight.query.names import index_expression
from anomalyops_insight.query.question import MOST_ROWS, Measure
from anomalyops_insight.query.rows import Row as Values
from anomalyops_insight.tools.configuration import Configured

_COUNTS = frozenset({"count", "non_zero_count", "rare", "freq_rare"})
_TOTALS = frozenset({"sum", "non_null_sum"})
_OF_FIELDS: Mapping[str, type[Average | Distinct | Largest | Smallest]] = {
    "mean": Average,
    "avg": Average,
    "median": Average,  # both move when the values do
    "min": Smallest,
    "max": Largest,
    "distinct_count": Distinct,
}
_SPLITS = ("partition", "by", "over")
_STEPS_OF_BUCKET = 20
_NATIVE_COUNT = "doc_count"


@dataclass(frozen=True, slots=True)
class Measured:
    """A series that a detector looks at.

    Attributes:
        job_id: Its job.
        entity: Whose series it is.
        first: Its first anomalous bucket.
        last: Its last one.
        span: Its bucket span.
        score: Its worst record's.
        question: How one step is measured; without a window.
        counts: Whether it counts, so that a step without documents is a step with none.
    """

    job_id: str
    entity: str
    first: datetime
    last: datetime
    span: timedelta
    score: float
    question: Question
    counts: bool

    @property
    def step(self) -> timedelta:
        """A part of the bucket span that divides it, of whole seconds."""
        span = max(1, int(self.span.total_seconds()))
        parts = next((n for n in range(_STEPS_OF_BUCKET, 1, -1) if span % n == 0), 1)
        return timedelta(seconds=span // parts)


def measured(row: Values, entity: str, field: str, config: Configured) -> Measured | None:
    """The series behind records; None where documents alone do not say it.

    Args:
        row: `function`, `field_name`, what splits it, `first`, `last`, `bucket_span` and `max_score` of records.
        entity: Whose series is wanted.
        field: The field that names it; `job_id` where the job stands for itself.
        config: The job and its datafeed.
    """
    measure = _measure(row["function"], row["field_name"], config)
    clauses = _clauses(row, entity, field)
    if measure is None or clauses is None or not config.indices or not row["bucket_span"]:
        return None
    if config.query is not None:
        clauses.append(config.query)
    question = Question(
        index=index_expression(",".join(config.indices)),
        clause={"bool": {"filter": clauses}} if clauses else None,
        groups=(ByTime("step", config.time_field, 1),),
        measures=(measure,) if isinstance(measure, Count) else (measure, Count("documents")),
        sort=(Sort("step"),),
        limit=MOST_ROWS,
    )
    return Measured(
        row["job_id"], entity, row["first"], row["last"], timedelta(seconds=float(row["bucket_span"])),
        row["max_score"], question, isinstance(measure, Count | Total),
    )  # fmt: skip


def _measure(function: str | None, field: str | None, config: Configured) -> Measure | None:
    """What a function measures in a step; None of those that have no value for one."""
    plain = (function or "").removeprefix("high_").removeprefix("low_")
    if plain in _COUNTS:
        summed = config.job.get("analysis_config", {}).get("summary_count_field_name")
        return Count("value") if summed in (None, _NATIVE_COUNT) else Total("value", str(summed))
    if field is None:
        return None
    if plain in _TOTALS:
        return Total("value", field)
    kind = _OF_FIELDS.get(plain)
    return kind("value", field) if kind is not None else None


def _clauses(row: Values, entity: str, field: str) -> list[Mapping[str, Any]] | None:
    """What documents of the series have; None where a field of theirs is not in the documents."""
    pairs = {row[f"{kind}_field_name"]: row[f"{kind}_field_value"] for kind in _SPLITS if row[f"{kind}_field_name"]}
    if "mlcategory" in pairs:
        return None
    if entity not in pairs.values() and field != "job_id":
        pairs[field] = entity
    return [{"term": {name: {"value": value}}} for name, value in pairs.items() if value is not None]


def read(of: Measured, begin: datetime, end: datetime, step: timedelta) -> Program[Series | None]:
    """The series between two times; None where its documents cannot be read.

    Both edges are moved down to whole steps since 1970.
    """
    seconds = max(1, int(step.total_seconds()))
    begin, end = _floor(begin, seconds), _floor(end, seconds)
    steps = (end - begin) // timedelta(seconds=seconds)
    if not 0 < steps <= MOST_ROWS:
        return None
    (by,) = of.question.groups
    question = replace(of.question, window=Window(begin, end, by.field), groups=(ByTime("step", by.field, seconds),))
    try:
        rows = yield from ask(question)
    except (BadRequestError, RefusedError):
        return None
    values: list[float | None] = [0.0 if of.counts else None] * steps
    weights = [1.0 if of.counts else 0.0] * steps
    for row in rows.rows:
        place = (row["step"] - begin) // timedelta(seconds=seconds)
        if row["value"] is not None and 0 <= place < steps:
            values[place] = float(row["value"])
            weights[place] = float(row["documents"]) if _a_mean(of) else 1.0
    return Series(begin, timedelta(seconds=seconds), tuple(values), tuple(weights), counts=of.counts)


def _a_mean(of: Measured) -> bool:
    return isinstance(of.question.measures[0], Average)


def _floor(time: datetime, seconds: int) -> datetime:
    return datetime.fromtimestamp(int(time.timestamp()) // seconds * seconds, UTC)
