"""A question as searches, for servers that do not answer ES|QL: the same rows, page by page where they are groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from anomalyops_insight.query.conditions import (
    AtLeast,
    AtMost,
    Condition,
    Either,
    Equals,
    Exists,
    Matches,
    Missing,
    OneOf,
    Window,
)
from anomalyops_insight.query.esql import iso
from anomalyops_insight.query.names import Pattern, Wildcard
from anomalyops_insight.query.question import (
    MOST_ROWS,
    Average,
    By,
    ByTime,
    Column,
    Count,
    Distinct,
    Document,
    Kind,
    Largest,
    Measure,
    Question,
    Smallest,
    Total,
    Values,
)
from anomalyops_insight.query.rows import Row, canonical, named, time_of, with_gaps

PAGE = 1000
_GROUPS = "groups"
_TYPES: Mapping[Kind, str] = {"text": "keyword", "number": "double", "time": "date", "flag": "boolean"}


def first_search(question: Question) -> dict[str, Any]:
    """The body of the first search."""
    body: dict[str, Any] = {"query": _query(question), "track_total_hits": True}
    if not question.measures:
        return body | _columns(question)
    measures = {m.name: _measure(m) for m in question.measures if not isinstance(m, Count)}
    body["size"] = 0
    if not question.groups:
        return body | ({"aggs": measures} if measures else {})
    composite = {"size": PAGE, "sources": [{group.name: _source(group)} for group in question.groups]}
    body["aggs"] = {_GROUPS: {"composite": composite} | ({"aggs": measures} if measures else {})}
    return body


def next_search(body: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any] | None:
    """The body of the search after this one, None where this was the last."""
    groups = answer.get("aggregations", {}).get(_GROUPS)
    if groups is None or len(groups["buckets"]) < PAGE or "after_key" not in groups:
        return None
    inner = dict(body["aggs"][_GROUPS])
    inner["composite"] = dict(inner["composite"]) | {"after": groups["after_key"]}
    return dict(body) | {"aggs": {_GROUPS: inner}}


def read(answer: Mapping[str, Any], question: Question) -> list[Row]:
    """The rows of one search's answer, neither narrowed by `having` nor in order."""
    if not question.measures:
        return [_hit(hit, question) for hit in answer["hits"]["hits"]]
    found = answer.get("aggregations", {})
    if not question.groups:
        count = answer["hits"]["total"]["value"]
        return [{measure.name: _read_measure(measure, found, count) for measure in question.measures}]
    return [_group_row(bucket, question) for bucket in found[_GROUPS]["buckets"]]


def complete(answer: Mapping[str, Any], question: Question) -> bool:
    """Whether no document was left out before it could be ordered."""
    if question.measures or not question.gaps:
        return True
    return bool(answer["hits"]["total"]["value"] <= MOST_ROWS)


def _hit(hit: Mapping[str, Any], question: Question) -> Row:
    for column in question.columns:
        if isinstance(column, Document):
            return {"_index": hit["_index"], "_id": hit["_id"], column.name: hit["_source"]}
    return with_gaps(named(hit.get("fields", {}), question), question.gaps)


def _group_row(bucket: Mapping[str, Any], question: Question) -> Row:
    row: Row = {}
    for group in question.groups:
        key = bucket["key"][group.name]
        kind: Kind = group.kind if isinstance(group, By) else "time"
        row[group.name] = canonical(key, kind)
    measures = {m.name: _read_measure(m, bucket, bucket["doc_count"]) for m in question.measures}
    return row | measures


def _read_measure(measure: Measure, found: Mapping[str, Any], count: int) -> Any:
    match measure:
        case Count():
            return count
        case Distinct():
            return found[measure.name]["value"]
        case Total():
            return found[measure.name]["sum"] if found[measure.name]["count"] else None
        case Average():
            return found[measure.name]["value"]
        case Values():
            return canonical([bucket["key"] for bucket in found[measure.name]["buckets"]], "text")
        case Largest() | Smallest():
            value = found[measure.name]["value"]
            return time_of(value) if measure.kind == "time" and value is not None else value


def _columns(question: Question) -> dict[str, Any]:
    """What each hit gives; all documents that can be had where the order is made of computed values."""
    gaps = {gap.name for gap in question.gaps}
    body: dict[str, Any] = {"size": MOST_ROWS if gaps else question.limit}
    kinds = question.kinds()
    sorts = [sort for sort in question.sort if sort.name not in gaps]
    if sorts:
        body["sort"] = [_sort(sort.name, kinds.get(sort.name, "text"), sort.descending) for sort in sorts]
    columns = [column for column in question.columns if isinstance(column, Column)]
    if columns:
        body |= {"_source": False, "fields": [_field(column) for column in columns]}
    return body


def _field(column: Column) -> dict[str, Any] | str:
    return {"field": column.name, "format": "strict_date_optional_time"} if column.kind == "time" else column.name


def _sort(name: str, kind: Kind, descending: bool) -> dict[str, Any]:  # noqa: FBT001 - the order of one column
    return {name: {"order": "desc" if descending else "asc", "missing": "_last", "unmapped_type": _TYPES[kind]}}


def _source(group: By | ByTime) -> dict[str, Any]:
    if isinstance(group, ByTime):
        return {"date_histogram": {"field": group.field, "fixed_interval": f"{group.every}s", "missing_bucket": True}}
    return {"terms": {"field": group.field, "missing_bucket": True}}


def _measure(measure: Measure) -> dict[str, Any]:
    match measure:
        case Distinct():
            return {"cardinality": {"field": measure.field}}
        case Largest():
            return {"max": {"field": measure.field}}
        case Smallest():
            return {"min": {"field": measure.field}}
        case Total():
            return {"stats": {"field": measure.field}}  # a sum alone does not tell zero from nothing
        case Average():
            return {"avg": {"field": measure.field}}
        case Values():
            return {"terms": {"field": measure.field, "size": measure.most, "order": {"_key": "asc"}}}
        case Count():
            raise ValueError("documents are counted without an aggregation")


def _query(question: Question) -> dict[str, Any]:
    wanted: list[dict[str, Any]] = []
    for condition in question.conditions:
        wanted += _clauses(condition)
    if question.window is not None and question.window.bounded:
        wanted.append(_window(question.window))
    if question.clause is not None:
        wanted.append(dict(question.clause))
    return {"bool": {"filter": wanted}} if wanted else {"match_all": {}}


def _window(window: Window) -> dict[str, Any]:
    edges = {}
    if window.start is not None:
        edges["gte"] = iso(window.start)
    if window.end is not None:
        edges["lt"] = iso(window.end)
    return {"range": {window.field: edges | {"format": "strict_date_optional_time"}}}


def _clauses(condition: Condition) -> Iterator[dict[str, Any]]:
    match condition:
        case Equals(name, value):
            yield {"term": {name: {"value": value}}}
        case AtLeast(name, least):
            yield {"range": {name: {"gte": least}}}
        case AtMost(name, most):
            yield {"range": {name: {"lte": most}}}
        case OneOf(name, values):
            yield {"terms": {name: [v if isinstance(v, str | int | float) else iso(v) for v in values]}}
        case Exists(name):
            yield {"exists": {"field": name}}
        case Missing(name):
            yield {"bool": {"must_not": [{"exists": {"field": name}}]}}
        case Either(conditions):
            yield _any([{"bool": {"filter": list(_clauses(part))}} for part in conditions])
        case Matches(name, pattern):
            yield {"exists": {"field": name}} if pattern.everything else _any(_matching(name, pattern))


def _any(clauses: list[dict[str, Any]]) -> dict[str, Any]:
    if not clauses:
        return {"match_none": {}}
    return clauses[0] if len(clauses) == 1 else {"bool": {"should": clauses, "minimum_should_match": 1}}


def _matching(name: str, pattern: Pattern) -> list[dict[str, Any]]:
    exact = list(pattern.exact)
    listed = [{"terms": {name: exact}} if len(exact) > 1 else {"term": {name: {"value": exact[0]}}}] if exact else []
    return [*listed, *(_like(name, part) for part in pattern.wild)]


def _like(name: str, part: Wildcard) -> dict[str, Any]:
    if part.first and not part.middle and not part.last:
        return {"prefix": {name: {"value": part.first}}}
    pieces = [part.first, part.middle, part.last] if part.middle else [part.first, part.last]
    return {"wildcard": {name: {"value": "*".join(_escaped(piece) for piece in pieces)}}}


def _escaped(text: str) -> str:
    return "".join(f"\\{character}" if character in "*?\\" else character for character in text)
