"""Whether two answers agree, and if not, how: the first difference and its kind."""

from __future__ import annotations

import enum
import math
import re
from dataclasses import dataclass
from typing import Any

from judge.cases import Answer, Request
from judge.views import error_reason, error_types, scores, view

_TOLERANCE = 1e-9


class Kind(enum.StrEnum):
    """How two answers relate."""

    SAME = "same"
    ERROR = "other error"
    SHAPE = "shape"
    DATA = "data"
    ACCEPTS = "we accept"
    REFUSES = "we refuse"
    CRASH = "our 500"
    DECLINED = "our 501"
    ABSENT = "n/a"


@dataclass(frozen=True)
class Verdict:
    """What came of holding two answers against each other.

    Attributes:
        kind: how they relate.
        label: what is wrong, without names and numbers; the same for differences of one sort.
        step: which of the case's steps showed it.
        where: the path of the first difference in the answers, or the two errors.
        theirs: Elasticsearch's answer there.
        ours: the engine's.
        relevance: whether the scores of hits agree; None where there are none.
    """

    kind: Kind
    label: str = ""
    step: int = 0
    where: str = ""
    theirs: Answer | None = None
    ours: Answer | None = None
    relevance: bool | None = None


def compare(request: Request, theirs: Answer, ours: Answer) -> Verdict:
    """Return how the engine's answer relates to Elasticsearch's."""
    if ours.status == 501:
        return Verdict(Kind.DECLINED, _masked(error_reason(ours.body)))
    if theirs.status >= 500 or lacks_feature(theirs):
        return Verdict(Kind.ABSENT)
    if ours.status >= 500:
        return Verdict(Kind.CRASH, _masked(error_reason(ours.body)), where=error_reason(ours.body)[:200])
    refused = (theirs.status >= 400, ours.status >= 400)
    if refused == (False, True):
        return Verdict(Kind.REFUSES, _masked(error_reason(ours.body)), where=_error(ours))
    if refused == (True, False):
        return Verdict(Kind.ACCEPTS, _masked(error_reason(theirs.body)), where=_error(theirs))
    wanted, found = view(request, theirs), view(request, ours)
    if refused == (True, True) and "error" in wanted:
        if wanted == found:
            return Verdict(Kind.SAME)
        where = f"{_error(theirs)} / {_error(ours)}"
        label = f"{_outline(wanted)} is {_outline(found)}: {_masked(error_reason(theirs.body))}"
        return Verdict(Kind.ERROR, label, where=where)
    difference = first_difference(wanted, found)
    if difference is None:
        return Verdict(Kind.SAME, relevance=_relevance(theirs, ours))
    path, kind, left, right = difference
    return Verdict(kind, _path_label(path), where=f"{path}: {_short(left)} is {_short(right)}")


# Features of modules that are not published, by the words of the refusal.
_ABSENT = re.compile(
    r"No handler for type \[(scaled_float|match_only_text|rank_features?|search_as_you_type|token_count|unsigned_long"
    r"|wildcard|constant_keyword|version|histogram|aggregate_metric_double|join|percolator|counted_keyword)\]"
    r"|unknown query \[(rank_feature|percolate|has_child|has_parent|parent_id|script)\]"
    r"|Unknown aggregation type \[(auto_date_histogram|derivative|moving_avg|moving_fn|cumulative_sum|bucket_\w+"
    r"|\w+_bucket|serial_diff|adjacency_matrix|time_series|matrix_stats|top_metrics|string_stats|boxplot|t_test|rate"
    r"|multi_terms|normalize|change_point|frequent_item_sets|children|parent|cumulative_cardinality)\]"
    r"|script_lang not supported|cannot execute scripts|(Unknown|Failed to find|failed to find).*(analyzer|tokenizer|"
    r"filter)|analyzer \[\w+\] has not been configured|no handler found for uri|Incorrect HTTP method for uri"
    r"|_source.* script"
)


# What releases of major 8, whose dialect the engine speaks, take and those of major 9 took away.
_TAKEN_AWAY = re.compile(r"\[range\] query does not support \[(from|to|include_lower|include_upper)\]")


def lacks_feature(answer: Answer) -> bool:
    """Return whether the server core refused because it lacks what a cluster of the engine's dialect has."""
    said = str(answer.body)
    return answer.status in {400, 405} and bool(_ABSENT.search(said) or _TAKEN_AWAY.search(said))


Difference = tuple[str, Kind, Any, Any]


def first_difference(wanted: Any, found: Any, path: str = "") -> Difference | None:
    """Return the first place where two JSON values differ: path, kind, the two values; None where they agree."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name in wanted:
            if name not in found:
                return f"{path}.{name}", Kind.SHAPE, wanted[name], "<absent>"
        for name in found:
            if name not in wanted:
                return f"{path}.{name}", Kind.SHAPE, "<absent>", found[name]
        pairs = ((f"{path}.{name}", wanted[name], found[name]) for name in wanted)
    elif isinstance(wanted, list) and isinstance(found, list):
        if len(wanted) != len(found):
            return f"{path}[]", Kind.DATA, wanted, found
        pairs = ((f"{path}[{n}]", left, right) for n, (left, right) in enumerate(zip(wanted, found, strict=True)))
    else:
        return _scalar_difference(wanted, found, path)
    for inner, left, right in pairs:
        difference = first_difference(left, right, inner)
        if difference is not None:
            return difference
    return None


def _scalar_difference(wanted: Any, found: Any, path: str) -> Difference | None:
    if wanted == found and isinstance(wanted, bool) == isinstance(found, bool):
        return None
    if _is_number(wanted) and _is_number(found):
        close = math.isclose(wanted, found, rel_tol=_TOLERANCE, abs_tol=1e-12)
        return None if close else (path, Kind.DATA, wanted, found)
    return path, Kind.DATA if type(wanted) is type(found) else Kind.SHAPE, wanted, found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _relevance(theirs: Answer, ours: Answer) -> bool | None:
    wanted, found = scores(theirs), scores(ours)
    if not wanted or any(score is None for _, score in wanted):
        return None
    return first_difference(wanted, [*found]) is None or all(
        left[0] == right[0] and math.isclose(left[1], right[1] or 0.0, rel_tol=1e-5)
        for left, right in zip(wanted, found, strict=False)
    )


def _error(answer: Answer) -> str:
    types = error_types(answer.body.get("error")) if isinstance(answer.body, dict) else ["text"]
    return f"{answer.status} {'<'.join(dict.fromkeys(types))}: {error_reason(answer.body)[:160]}"


def _outline(shown: dict[str, Any]) -> str:
    return f"{shown['status']} {'<'.join(dict.fromkeys(shown.get('error', ['none'])))}"


def _masked(reason: str) -> str:
    """Return a reason without names and numbers."""
    reason = re.sub(r"\[[^\]]*\]|\"[^\"]*\"|'[^']*'|`[^`]*`", "[]", reason)
    return re.sub(r"-?\d+(\.\d+)?", "0", reason)[:140]


def _path_label(path: str) -> str:
    path = re.sub(r"\[\d+\]", "[]", path)
    path = re.sub(r"aggregations\.[^.\[]+", "aggregations.*", path)
    return re.sub(r"(hits\[\]\.(_source|fields))\..*", r"\1.*", path)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 120 else text[:117] + "..."
