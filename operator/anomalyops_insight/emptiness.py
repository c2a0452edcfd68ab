"""Why an answer is empty: no privilege, no index, no field, no results, none in the window, or truly no anomaly."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from urllib.parse import quote

from anomalyops_insight.errors import RefusedError
from anomalyops_insight.fields import lacking_fields
from anomalyops_insight.programs import Program, ask, call, present
from anomalyops_insight.query import (
    AtLeast,
    By,
    Condition,
    Count,
    Either,
    Equals,
    Exists,
    Largest,
    Matches,
    Pattern,
    Question,
    Smallest,
    Sort,
    Window,
)
from anomalyops_insight.query.names import shown
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
_BY_FIELD = "influencer_field_name"
_OF_KINDS = frozenset({"result_type", "event", "snapshot_id", "snapshot_doc_count"})


class Reason(StrEnum):
    """Why there is nothing."""

    NO_PRIVILEGE = "no_privilege"
    NO_INDEX = "no_index"
    NO_FIELD = "no_field"
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
        return Empty(Reason.NO_INDEX, (yield from _no_index(question.index)))
    anytime = None if question.window is None else Window(field=question.window.field)
    everything = yield from _counted(replace(question, window=anytime, thresholds=(), having=()))
    if not everything["n"]:
        lacking = None if _of_results(question) else (yield from no_field(question.index, _fields(question)))
        return lacking or Empty(Reason.NO_RESULTS, (yield from _no_results(question)))
    inside = everything
    if question.window is not None and question.window.bounded:
        inside = yield from _counted(replace(question, thresholds=(), having=()))
    if not inside["n"]:
        return Empty(Reason.NOTHING_IN_WINDOW, (yield from _outside(question, everything)))
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


def _no_index(index: str) -> Program[str]:
    words = f"there is no index {index} that this user could see"
    if not index.startswith(".ml-"):
        return words
    try:
        yield from call("GET", "/_ml/info")
    except RefusedError as error:
        if error.without_ml:
            return f"{words}: {error.reason}"
    return words + (": no anomaly detection job has written results here yet" if index.startswith(".ml-anom") else "")


def _outside(question: Question, everything: Row) -> Program[str]:
    """That what there is lies outside of the window, and whether that is still to come."""
    there = f"what there is reaches from {_shown(everything.get('first'))} to {_shown(everything.get('last'))}"
    start = question.window.start if question.window is not None else None
    now = yield from present()
    if start is not None and start > now:
        return f"the window lies in the future (now is {_shown(now)}), so nothing can be there yet; {there}"
    return f"there are no {_what(question)} in the window; {there}"


def _of_results(question: Question) -> bool:
    """Whether what jobs write is asked for, whose fields are known."""
    return question.index.startswith(".ml-")


def _fields(question: Question) -> list[str]:
    """The fields that a question is about."""
    named = [c.field for c in question.conditions if not isinstance(c, Either)]
    named += [measure.field for measure in question.measures if not isinstance(measure, Count)]
    named += [question.window.field] if question.window is not None else []
    return list(dict.fromkeys(named))


def no_field(index: str, fields: Sequence[str], times: Sequence[str] = ()) -> Program[Empty | None]:
    """That an index lacks one of some fields, or has no dates in one of `times`; None where it has, or does not say.

    Raises:
        BadRequestError: One cannot be the path of a field.
    """
    lacking = yield from lacking_fields(index, fields, times)
    return None if lacking is None else Empty(Reason.NO_FIELD, lacking)


def _no_results(question: Question) -> Program[str]:
    """Says so, whether there is such a job at all, and which jobs do have results."""
    if not _of_results(question):
        return f"no document of {question.index} is what is asked for, at any time"
    message = f"there are no {_named(question)} for what is asked, at any time"
    if any(isinstance(c, Equals) and c.field == _BY_FIELD for c in question.scope):
        names = yield from _distinct(question, _BY_FIELD)
        if names:
            return f"{message}; influencers are named by {', '.join(names)}"
    if len(question.scope) == len(_kinds(question)):
        return message
    nobody = yield from _nobody(question)
    names = yield from _distinct(question, "job_id")
    if names:
        return "; ".join([message, *nobody[:1], f"jobs that have some: {', '.join(names)}"])
    return "; ".join([message, *nobody])


def _named(question: Question) -> str:
    """What is asked for, in words."""
    if question.index.startswith(".ml-notifications"):
        return "messages"
    if question.index.startswith(".ml-annotations"):
        return "annotations of documents that came too late"
    if any(isinstance(c, Exists) and c.field == "snapshot_id" for c in question.scope):
        return "model snapshots"
    return _KINDS.get(_kind(question) or "", "results")


def _kinds(question: Question) -> tuple[Condition, ...]:
    """The conditions that say what kind of documents is asked for, and not of whom."""
    return tuple(c for c in question.scope if not isinstance(c, Either) and c.field in _OF_KINDS)


def _nobody(question: Question) -> Program[list[str]]:
    """That no job has the id that is asked for, then which there are; nothing where one has, or nobody says so."""
    wanted = next((c for c in question.scope if isinstance(c, Matches | Equals) and c.field == "job_id"), None)
    if wanted is None:
        return []
    try:
        answer = yield from call("GET", "/_ml/anomaly_detectors/_all", query={"allow_no_match": "true"})
    except RefusedError:
        return []
    there = [str(job["job_id"]) for job in answer["jobs"]]
    pattern = wanted.pattern if isinstance(wanted, Matches) else Pattern.read(str(wanted.value), what="job_id")
    return [] if any(pattern.matches(one) for one in there) else no_such_job(pattern.text, there).split("; ")


def no_such_job(asked: str, there: Sequence[str]) -> str:
    """That no job is called so, and which there are.

    Args:
        asked: An id or a pattern.
        there: The ids of all jobs.
    """
    wanted = f"there is no job {shown(asked)}"
    if not there:
        return f"{wanted}: this server has no anomaly detection jobs"
    close = difflib.get_close_matches(asked.strip("*"), there, n=5, cutoff=0.4) or there[:_NAMED]
    more = f" (of {len(there)})" if len(there) > len(close) else ""
    return f"{wanted}; there are {', '.join(close)}{more}"


def _distinct(question: Question, field: str) -> Program[list[str]]:
    """The first values that a field has in results of the same kind, and dots where there are more."""
    values = Question(
        index=question.index,
        scope=_kinds(question),
        groups=(By(field, field),),
        measures=(Count("n"),),
        sort=(Sort(field),),
        limit=_NAMED,
    )
    names = [str(row[field]) for row in (yield from ask(values)).rows if row[field] is not None]
    return [*names, "..."] if len(names) == _NAMED else names


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
