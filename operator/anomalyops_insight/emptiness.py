"""Why an answer is empty: no privilege, no index, no results, none in the window, or truly no anomaly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from urllib.parse import quote

from anomalyops_insight.errors import RefusedError
from anomalyops_insight.programs import Program, ask, call
from anomalyops_insight.query import AtLeast, By, Count, Equals, Largest, Question, Smallest, Sort, Window
from anomalyops_insight.query.rows import Row

_KINDS = {
    "record": "anomaly records",
    "bucket": "bucket results",
    "influencer": "influencer results",
    "model_plot": "model plot results (does the job have model_plot_config.enabled?)",
    "model_forecast": "forecast results",
    "model_size_stats": "reports of the model's size",
    "category_definition": "categories (does the job have a categorization_field_name?)",
}
_NAMED = 8


class Reason(StrEnum):
    """Why there is nothing."""

    NO_PRIVILEGE = "no_privilege"
    NO_INDEX = "no_index"
    NO_RESULTS = "no_results"
    NOTHING_IN_WINDOW = "nothing_in_window"
    NOTHING_ABOVE_THRESHOLD = "nothing_above_threshold"


@dataclass(frozen=True, slots=True)
class Empty:
    """Why an answer is empty.

    Attributes:
        reason: Of a closed list.
        message: In words, with what would help.
    """

    reason: Reason
    message: str


def why_empty(question: Question, *, index_missing: bool = False) -> Program[Empty]:
    """Finds out why a question has no rows, by asking less and less of it.

    Raises:
        RefusedError: The server refuses to count.
    """
    refused = yield from _unreadable(question.index)
    if refused:
        return Empty(
            Reason.NO_PRIVILEGE, f"this user has no privilege to read {', '.join(refused)}: nothing could be seen"
        )
    if index_missing or not (yield from _shards(question.index)):
        return Empty(Reason.NO_INDEX, _no_index(question.index))
    anytime = None if question.window is None else Window(field=question.window.field)
    everything = yield from _counted(replace(question, window=anytime, thresholds=(), having=()))
    if not everything["n"]:
        return Empty(Reason.NO_RESULTS, (yield from _no_results(question)))
    inside = everything
    if question.window is not None and question.window.bounded:
        inside = yield from _counted(replace(question, thresholds=(), having=()))
    if not inside["n"]:
        return Empty(
            Reason.NOTHING_IN_WINDOW,
            f"there are no {_what(question)} in the window; what there is reaches from "
            f"{_shown(everything.get('first'))} to {_shown(everything.get('last'))}",
        )
    return Empty(Reason.NOTHING_ABOVE_THRESHOLD, _below(question, inside))


def _unreadable(index: str) -> Program[list[str]]:
    """The index names that may not be read; none where the server has no security."""
    names = index.split(",")
    wanted = [{"names": names, "privileges": ["read"], "allow_restricted_indices": False}]
    try:
        answer = yield from call("POST", "/_security/user/_has_privileges", body={"index": wanted})
    except RefusedError:
        return []
    granted = answer.get("index", {})
    return [name for name in names if granted.get(name, {}).get("read") is False]


def _shards(index: str) -> Program[bool]:
    """Whether any index has that name."""
    path = f"/{quote(index, safe='*,:@.-_+')}/_count"
    try:
        answer = yield from call("GET", path, query={"ignore_unavailable": "true", "allow_no_indices": "true"})
    except RefusedError as error:
        if error.status == 404:
            return False
        raise
    return bool(answer["_shards"]["total"] or answer.get("_clusters", {}).get("successful"))


def _counted(question: Question) -> Program[Row]:
    """How many documents a question is about, from when to when, and their largest thresholds."""
    measures: list[Count | Largest | Smallest] = [Count("n")]
    if question.window is not None or _timed(question):
        at = question.window.field if question.window is not None else "timestamp"
        measures += [Smallest("first", at, "time"), Largest("last", at, "time")]
    wanted = replace(question, columns=(), groups=(), measures=tuple(measures), sort=(), limit=1)
    rows = yield from ask(wanted)
    row = rows.only()
    score = _score(question)
    if row.get("n") and score:
        best = yield from ask(replace(wanted, measures=(Largest("best", score),)))
        row = row | best.only()
    return row or {"n": 0}


def _timed(question: Question) -> bool:
    return question.index.startswith(".ml-") and not question.index.startswith(".ml-config")


def _score(question: Question) -> str | None:
    """The score that the rows have to do with."""
    kind = _kind(question)
    return {"record": "record_score", "bucket": "anomaly_score", "influencer": "influencer_score"}.get(kind or "")


def _kind(question: Question) -> str | None:
    for condition in question.scope:
        if isinstance(condition, Equals) and condition.field == "result_type":
            return str(condition.value)
    return None


def _what(question: Question) -> str:
    kind = _kind(question)
    return _KINDS.get(kind or "", "documents that are asked for").partition(" (")[0]


def _no_index(index: str) -> str:
    words = f"there is no index {index} that this user could see"
    return words + (": no anomaly detection job has written results here yet" if index.startswith(".ml-anom") else "")


def _no_results(question: Question) -> Program[str]:
    """Says so, with the jobs that do have results."""
    what = _KINDS.get(_kind(question) or "", "such documents")
    message = f"there are no {what} for what is asked, at any time"
    kinds = tuple(c for c in question.scope if isinstance(c, Equals) and c.field == "result_type")
    if not kinds or len(question.scope) == len(kinds):
        return message
    jobs = Question(
        index=question.index,
        scope=kinds,
        groups=(By("job_id", "job_id"),),
        measures=(Count("n"),),
        sort=(Sort("job_id"),),
        limit=_NAMED,
    )
    names = [str(row["job_id"]) for row in (yield from ask(jobs)).rows if row["job_id"] is not None]
    if not names:
        return message
    more = ", ..." if len(names) == _NAMED else ""
    return f"{message}; jobs that have some: {', '.join(names)}{more}"


def _below(question: Question, inside: Row) -> str:
    what, count = _what(question), inside["n"]
    best = inside.get("best")
    least = [c for c in question.thresholds if isinstance(c, AtLeast)]
    words = f"nothing fits: {count} {what} are there"
    if best is not None:
        words += f", the highest of a score of {best:.4g}"
    if least:
        words += "; asked for was " + " and ".join(f"{c.field} of at least {c.value:g}" for c in least)
    if question.having:
        words += "; of each group " + " and ".join(f"{c.field} of at least {c.value:g}" for c in question.having)
    return words


def _shown(time: datetime | None) -> str:
    return "?" if time is None else time.strftime("%Y-%m-%d %H:%M:%S UTC")
