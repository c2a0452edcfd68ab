"""Who is named by the results of which job, since when and how badly."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from anomalyops_insight.investigating.calls import NOT_ENTITIES, SPLITS, named_by
from anomalyops_insight.investigating.ranking import Appearance
from anomalyops_insight.programs import Program, ask
from anomalyops_insight.query import AtLeast, By, Count, Largest, Question, Smallest, Sort
from anomalyops_insight.query.question import MOST_ROWS
from anomalyops_insight.query.rows import Row as Values
from anomalyops_insight.query.rows import Rows
from anomalyops_insight.tools.correlation import SUSTAINED, CorrelationParameters, correlation_question
from anomalyops_insight.tools.tool import RESULTS, Over

_WORST = Sort("max_score", descending=True)


def influencers(scored: Mapping[str, Any]) -> Program[Rows]:
    """Influencers by job; where there are too many, the worst of them."""
    question = correlation_question(CorrelationParameters(**scored, limit=MOST_ROWS))
    worst_first = (_WORST, *(sort for sort in question.sort if sort != _WORST))
    return (yield from ask(replace(question, sort=worst_first)))


def splits(scored: Mapping[str, Any]) -> Program[Rows]:
    """Records by job and by what splits them; where there are too many, the worst of them."""
    over = Over(job_id_pattern=scored["job_id_pattern"], start=scored["start"], end=scored["end"])
    names = [f"{kind}_field_{part}" for kind in SPLITS for part in ("name", "value")]
    question = Question(
        index=RESULTS,
        scope=over.results("record"),
        window=over.window(),
        thresholds=(AtLeast("record_score", scored["min_score"]),),
        groups=tuple(By(name, name) for name in ("job_id", *names)),
        measures=(
            Count("anomalies"),
            Largest("max_score", "record_score"),
            Smallest("first", "timestamp", "time"),
            Largest("last", "timestamp", "time"),
            Largest("bucket_span", "bucket_span"),
            Largest("impact", "multi_bucket_impact"),
        ),
        sort=(_WORST, Sort("job_id"), *(Sort(name) for name in names)),
        limit=MOST_ROWS,
    )
    return (yield from ask(question))


def appearances(influencing: Iterable[Values], splitting: Sequence[Values]) -> list[Appearance]:
    """Influencers, and split values that are no influencers of their job; a job that names nobody stands for itself."""
    shifted = {
        (row["job_id"], value)
        for row in splitting
        if row["impact"] is not None and row["impact"] >= SUSTAINED
        for _, value in named_by(row)
    }
    found = [
        _appearance(row, row["influencer_field_name"], row["influencer_field_value"], shifted)
        for row in influencing
        if row["influencer_field_name"] not in NOT_ENTITIES
    ]
    known = {(one.job_id, one.entity) for one in found}
    speaking = {one.job_id for one in found}
    for row in splitting:
        pairs = named_by(row)
        if not pairs and row["job_id"] not in speaking:
            pairs = [("job_id", row["job_id"])]
        found += [
            _appearance(row, name, value, shifted) for name, value in pairs if (row["job_id"], value) not in known
        ]
    return found


def _appearance(row: Values, field: str, value: str, shifted: Collection[tuple[str, str]]) -> Appearance:
    return Appearance(
        value, field, row["job_id"], row["first"], row["last"], row["max_score"], row["anomalies"],
        sustained=(row["job_id"], value) in shifted or (row.get("impact") or 0.0) >= SUSTAINED,
    )  # fmt: skip


def bucket_span(splitting: Sequence[Values]) -> float:
    """The middle one of the bucket spans, in seconds."""
    spans = sorted(row["bucket_span"] for row in splitting if row["bucket_span"])
    return float(spans[len(spans) // 2]) if spans else 300.0
