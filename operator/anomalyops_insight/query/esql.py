"""A question as ES|QL: text with parameters, the values bound and never part of the text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
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
from anomalyops_insight.query.names import Pattern, Wildcard, index_expression, quoted
from anomalyops_insight.query.question import (
    Average,
    By,
    ByTime,
    Column,
    Count,
    Distinct,
    Document,
    Largest,
    Measure,
    Question,
    Smallest,
    Sort,
    Total,
    Values,
)
from anomalyops_insight.query.rows import Row, named

_PARAMETER = re.compile(r"\?([A-Za-z_]\w*)")
NEVER = "false"


@dataclass(frozen=True, slots=True)
class Statement:
    """ES|QL for a server.

    Attributes:
        text: With `?name` for each value.
        parameters: The values by name.
        clause: A clause of the query DSL that narrows the documents before.
    """

    text: str
    parameters: Mapping[str, Any]
    clause: Mapping[str, Any] | None = None

    def body(self) -> dict[str, Any]:
        """The body of `POST _query`."""
        body: dict[str, Any] = {"query": self.text}
        if self.parameters:
            body["params"] = [{name: value} for name, value in self.parameters.items()]
        if self.clause is not None:
            body["filter"] = dict(self.clause)
        return body

    def partly(self, kept: Mapping[str, str]) -> str:
        """The text with its values in place, but for some parameters, each under the name that it is given."""
        return _PARAMETER.sub(
            lambda match: f"?{kept[match[1]]}" if match[1] in kept else _literal(self.parameters[match[1]]), self.text
        )

    def shown(self) -> str:
        """The statement for a person, its values in place as literals; a clause before it as a comment."""
        text = self.partly({})
        if self.clause is None:
            return text
        return f"// with the filter {json.dumps(self.clause, default=str)}\n{text}"


def _literal(value: Any) -> str:
    """A value as ES|QL writes it; texts as JSON's escapes have it, which both read alike."""
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + escaped.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"'
    return json.dumps(value)


def statement(question: Question) -> Statement:
    """The ES|QL of a question.

    Raises:
        BadRequestError: Its index or one of its fields has no name that ES|QL could be given.
    """
    values = _Bound()
    lines = [f"FROM {index_expression(question.index)}{_metadata(question)}"]
    wanted = [_condition(condition, values) for condition in question.conditions]
    if question.window is not None:
        wanted += _window(question.window, values)
    if wanted:
        lines.append("WHERE " + " AND ".join(wanted))
    lines += _measured(question) if question.measures else _computed(question)
    lines += [f"WHERE {quoted(least.field)} >= {values.add(least.field, least.value)}" for least in question.having]
    if question.sort:
        lines.append("SORT " + ", ".join(_sort(sort) for sort in question.sort))
    lines.append(f"LIMIT {int(question.limit)}")
    lines.append("KEEP " + ", ".join(_kept(question)))
    return Statement("\n| ".join(lines), values.values, question.clause)


def read(body: Mapping[str, Any], question: Question) -> list[Row]:
    """The rows of a server's answer to the statement."""
    names = [column["name"] for column in body["columns"]]
    return [_row(dict(zip(names, values, strict=True)), question) for values in body["values"]]


def _row(values: Mapping[str, Any], question: Question) -> Row:
    if _has_document(question):
        documents = [column.name for column in question.columns if isinstance(column, Document)]
        return {"_index": values["_index"], "_id": values["_id"], documents[0]: values["_source"]}
    return named(values, question)


@dataclass(slots=True)
class _Bound:
    """The values that were bound so far, each under a name that says what it is."""

    values: dict[str, Any] = field(default_factory=dict)

    def add(self, about: str, value: Any) -> str:
        stem = re.sub(r"\W+", "_", about, flags=re.ASCII).strip("_").lower() or "value"
        stem = stem if stem[0].isalpha() else f"p_{stem}"
        name, number = stem, 1
        while name in self.values:
            number += 1
            name = f"{stem}_{number}"
        self.values[name] = value
        return f"?{name}"

    def time(self, about: str, value: datetime) -> str:
        return f"TO_DATETIME({self.add(about, iso(value))})"


def iso(time: datetime) -> str:
    """A time as servers read it, in milliseconds of UTC."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _metadata(question: Question) -> str:
    return " METADATA _index, _id, _source" if _has_document(question) else ""


def _has_document(question: Question) -> bool:
    return any(isinstance(column, Document) for column in question.columns)


def _kept(question: Question) -> Sequence[str]:
    if _has_document(question):
        return ["_index", "_id", "_source"]
    return [quoted(name) for name in question.kinds()]


def _sort(sort: Sort) -> str:
    return f"{quoted(sort.name)} {'DESC' if sort.descending else 'ASC'} NULLS LAST"


def _window(window: Window, values: _Bound) -> list[str]:
    at = quoted(window.field)
    wanted = []
    if window.start is not None:
        wanted.append(f"{at} >= {values.time('start', window.start)}")
    if window.end is not None:
        wanted.append(f"{at} < {values.time('end', window.end)}")
    return wanted


def _condition(condition: Condition, values: _Bound) -> str:
    if isinstance(condition, Either):
        parts = [_condition(part, values) for part in condition.conditions]
        return "(" + " OR ".join(parts) + ")" if parts else NEVER
    at = quoted(condition.field)
    match condition:
        case Equals(about, value):
            return f"{at} == {values.add(about, value)}"
        case AtLeast(about, value):
            return f"{at} >= {values.add(f'min_{about}', value)}"
        case AtMost(about, value):
            return f"{at} <= {values.add(f'max_{about}', value)}"
        case OneOf(about, several):
            bound = [values.time(about, v) if isinstance(v, datetime) else values.add(about, v) for v in several]
            return f"{at} IN ({', '.join(bound)})" if bound else NEVER
        case Exists():
            return f"{at} IS NOT NULL"
        case Missing():
            return f"{at} IS NULL"
        case Matches(about, pattern):
            if pattern.everything:
                return f"{at} IS NOT NULL"
            parts = _exactly(at, about, pattern, values)
            parts += [_wildcard(at, about, part, values) for part in pattern.wild]
            return parts[0] if len(parts) == 1 else "(" + " OR ".join(parts) + ")"


def _exactly(at: str, about: str, pattern: Pattern, values: _Bound) -> list[str]:
    """The ids of a pattern in one list: servers refuse an expression of some hundred alternatives as too deep."""
    bound = [values.add(about, one) for one in pattern.exact]
    if len(bound) > 1:
        return [f"{at} IN ({', '.join(bound)})"]
    return [f"{at} == {one}" for one in bound]


def _wildcard(at: str, about: str, part: Wildcard, values: _Bound) -> str:
    wanted, ends = [], len(part.first) + len(part.last)
    if part.first:
        wanted.append(f"STARTS_WITH({at}, {values.add(about, part.first)})")
    if part.last:
        wanted.append(f"ENDS_WITH({at}, {values.add(about, part.last)})")
    if part.first and part.last:
        wanted.append(f"LENGTH({at}) >= {ends}")
    if part.middle:
        inner = at
        if ends:  # what lies between the two ends; never of a negative length
            inner = f"SUBSTRING({at}, {len(part.first) + 1}, GREATEST(LENGTH({at}) - {ends}, 0))"
        wanted.append(f"LOCATE({inner}, {values.add(about, part.middle)}) > 0")
    return wanted[0] if len(wanted) == 1 else "(" + " AND ".join(wanted) + ")"


def _computed(question: Question) -> list[str]:
    kinds = {column.name: column.kind for column in question.columns if isinstance(column, Column)}
    made = []
    for gap in question.gaps:
        left, right = quoted(gap.left), quoted(gap.right)
        if kinds.get(gap.left) == "time":
            left, right = f"TO_LONG({left})", f"TO_LONG({right})"
        made.append(f"{quoted(gap.name)} = {left} - {right}")
    return ["EVAL " + ", ".join(made)] if made else []


def _measured(question: Question) -> list[str]:
    stats = ", ".join(f"{quoted(measure.name)} = {_measure(measure)}" for measure in question.measures)
    groups = ", ".join(_group(group) for group in question.groups)
    lines = [f"STATS {stats}" + (f" BY {groups}" if groups else "")]
    several = [measure for measure in question.measures if isinstance(measure, Values)]
    if several:
        cut = [f"{quoted(m.name)} = MV_SLICE(MV_SORT({quoted(m.name)}), 0, {int(m.most) - 1})" for m in several]
        lines.append("EVAL " + ", ".join(cut))
    return lines


def _group(group: By | ByTime) -> str:
    if isinstance(group, ByTime):
        return f"{quoted(group.name)} = DATE_TRUNC({int(group.every)} seconds, {quoted(group.field)})"
    return quoted(group.field) if group.name == group.field else f"{quoted(group.name)} = {quoted(group.field)}"


_FUNCTIONS: Mapping[type[Measure], str] = {
    Distinct: "COUNT_DISTINCT",
    Largest: "MAX",
    Smallest: "MIN",
    Total: "SUM",
    Average: "AVG",
    Values: "VALUES",
}


def _measure(measure: Measure) -> str:
    return "COUNT(*)" if isinstance(measure, Count) else f"{_FUNCTIONS[type(measure)]}({quoted(measure.field)})"
