"""The hits of a search: rows of all its indices in one order, and each as the answer shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from anomalyops_engine.query import sql
from anomalyops_engine.query.collapsing import Expand, Group
from anomalyops_engine.query.documents_of import documents_of
from anomalyops_engine.query.dsl import Clause
from anomalyops_engine.query.errors import ShardFailure
from anomalyops_engine.query.expr import (
    Aggregate,
    Case,
    Column,
    Expr,
    Literal,
    Named,
    Order,
    Select,
    Union,
    Window,
    all_of,
    any_of,
    call,
    columns,
    null,
    one_of,
)
from anomalyops_engine.query.hit_fields import HitField, Slot
from anomalyops_engine.query.request import SearchRequest
from anomalyops_engine.query.search_after import behind, not_before
from anomalyops_engine.query.sorting import Criterion, SortColumn, furthest
from anomalyops_engine.query.sources import filter_source
from anomalyops_engine.store import Index, Reader
from anomalyops_engine.store.fieldtypes.numbers import single_digits

# Scores of more hits are computed again: each is looked up in a list.
_MOST_KNOWN: Final = 1000


@dataclass(frozen=True, slots=True)
class Target:
    """A search in one index.

    Attributes:
        index: the index.
        condition: documents that match.
        named: whether a document matches each named clause.
        sort: what each sort criterion is there.
        fields: the fields that hits show, by name.
        score: how well a document matches that does; None where nobody asks.
        factor: what all scores there are multiplied by.
        group: what hits are collapsed by; None for nothing.
    """

    index: Index
    condition: Expr
    named: tuple[Expr, ...]
    sort: tuple[SortColumn, ...]
    fields: dict[str, HitField]
    score: Expr | None = None
    factor: float = 1.0
    group: Group | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A search over all indices that can answer it.

    Attributes:
        request: what is asked for.
        targets: the search in each index.
        criteria: how hits are sorted.
        failures: of the indices that cannot answer it.
        now_ms: the present, epoch milliseconds.
        first: how many first writes to each index brought the documents that are searched; None for all.
    """

    request: SearchRequest
    targets: tuple[Target, ...]
    criteria: tuple[Criterion, ...]
    failures: tuple[ShardFailure, ...]
    now_ms: int
    first: int | None = None

    @property
    def after(self) -> Expr | None:
        """The condition of hits behind the one that `search_after` describes; None for all."""
        return None if self.request.search_after is None else behind(self.criteria, self.request.search_after)

    @property
    def named(self) -> tuple[Clause, ...]:
        """The clauses with a name."""
        return () if self.request.query is None else self.request.query.named


def hits_of(reader: Reader, plan: Plan, *, raw_sources: bool, expand: Expand | None = None) -> list[dict[str, Any]]:
    """Return the hits of a search, as the answer shows them.

    Args:
        reader: the snapshot of the search.
        plan: the search.
        raw_sources: give sources as JSON fragments for orjson instead of parsed objects.
        expand: gives the inner hits of a group, where hits are collapsed and have some.
    """
    if not plan.targets:
        return []
    # The values of a field are in columns by type: the database would make one type of all.
    slots = list(dict.fromkeys(field.slot for target in plan.targets for field in target.fields.values()))
    plan = replace(plan, targets=tuple(_ranked(reader, target, plan) for target in plan.targets))
    selects = tuple(
        Select(_columns(place, target, plan, slots), documents_of(target.index), _near_enough(reader, plan, place))
        for place, target in enumerate(plan.targets)
    )
    order = _order(plan)
    request = plan.request
    page = Select(
        source=Union(selects),
        where=plan.after,
        qualify=_first_of_group(order) if request.collapse is not None else None,
        order=order,
        limit=request.size,
        offset=request.start,
    )
    hits = []
    for row in sql.fetch(reader.connection, page):
        hit = _hit(row, plan, slots, raw_sources=raw_sources)
        group = plan.targets[row[0]].group
        if group is not None:
            _show_group(hit, group, row[-1])
            if expand is not None:
                hit["inner_hits"] = expand(row[-1])
        hits.append(hit)
    return hits


def _near_enough(reader: Reader, plan: Plan, place: int) -> Expr:
    """Return a condition that the hits of a page fulfil in an index, and as few other documents as can be told soon.

    The page has as many documents as are wanted of those that come first by the first criterion alone, whatever the
    others say among equals. The database finds the last of those without more than the column that is sorted by, and
    where numbers are sorted as they are kept without looking at most of the index. In the whole order it cannot.
    """
    target, request = plan.targets[place], plan.request
    if request.collapse is not None:
        return target.condition
    if _by_score_alone(target, plan):
        return target.condition
    leading = _leading(plan, place)
    wanted = request.start + request.size
    behind_last: list[Expr] = []
    not_nothing: list[Expr] = []
    if request.search_after is not None:
        if leading.number is not None and leading.plain is not None:
            bound = not_before(plan.criteria[leading.number], request.search_after[leading.number], leading.plain)
            not_nothing.append(bound)
        behind_last = [behind(plan.criteria, request.search_after, place)]
    present = leading.key.is_not_null()
    first = Select(
        (leading.key.named("value"),),
        documents_of(target.index),
        all_of([target.condition, present, *not_nothing, *behind_last]),
        order=(Order(leading.key, descending=leading.descending),),
        limit=wanted,
    )
    numbers = (Aggregate("min" if leading.descending else "max", (Column("value"),)), Aggregate("count"))
    ((last, found),) = sql.fetch(reader.connection, Select(tuple(each.named("one") for each in numbers), first))
    if found < wanted or last == leading.nothing:
        possible = [any_of([leading.key.is_null(), *not_nothing])] if not_nothing else []
        return all_of([target.condition, *possible])
    near = leading.key >= Literal(last) if leading.descending else leading.key <= Literal(last)
    ahead = [leading.key.is_null()] if leading.nulls_first else []
    return all_of([target.condition, any_of([*ahead, all_of([near, *not_nothing])])])


def _by_score_alone(target: Target, plan: Plan) -> bool:
    """Return whether nothing but their scores says which documents of an index are among the hits."""
    ranked = target.score is not None and not isinstance(target.score, Literal)
    return ranked and not plan.criteria and plan.request.collapse is None


def _ranked(reader: Reader, target: Target, plan: Plan) -> Target:
    """Return a search in an index of the best documents alone, as many as the hits need, with the scores they have.

    So a score is computed once for each document that matches.
    """
    if target.score is None or not _by_score_alone(target, plan):
        return target
    number, most = Column("_seq_no"), plan.request.start + plan.request.size
    best = Select(
        (number.named("number"), target.score.named("score")),
        documents_of(target.index),
        target.condition,
        order=(Order(Column("score"), descending=True), Order(Column("number"))),
        limit=most,
    )
    found = sql.fetch(reader.connection, best)
    numbers = tuple(row[0] for row in found)
    scores = Literal(tuple(row[1] for row in found), "FLOAT[]")
    known = call("list_extract", scores, call("list_position", Literal(numbers, "BIGINT[]"), number))
    score = known if len(found) <= _MOST_KNOWN else target.score
    return replace(target, condition=one_of(number, numbers), score=score)


def best_by(reader: Reader, index: Index, condition: Expr, score: Expr, most: int) -> Expr:
    """Return the condition of as many documents of those that fulfil another one, the best by their score."""
    number = Column("_seq_no")
    best = Select(
        (number.named("number"),),
        documents_of(index),
        condition,
        order=(Order(score, descending=True), Order(number)),
        limit=most,
    )
    return one_of(number, [found for (found,) in sql.fetch(reader.connection, best)])


@dataclass(frozen=True, slots=True)
class _Leading:
    """What the documents of an index are sorted by first.

    Attributes:
        key: its value.
        descending: largest first.
        nulls_first: documents without a value come before all others.
        nothing: the value that is as good as none; None where there is no such.
        plain: the column that is the key, where the database knows between what values it is in stretches of the index.
        number: which criterion it is, None for the age.
    """

    key: Expr
    descending: bool = False
    nulls_first: bool = False
    nothing: Any = None
    plain: Column | None = None
    number: int | None = None


def _leading(plan: Plan, place: int) -> _Leading:
    """Return the first criterion that is not the same for all documents of an index; the age where there is none."""
    for number, (criterion, column) in enumerate(zip(plan.criteria, plan.targets[place].sort, strict=True)):
        key = criterion.key
        if column.plain is not None:
            nothing = furthest(column.kind, key)
            return _Leading(column.plain, key.descending, nothing=nothing, plain=column.plain, number=number)
        if not isinstance(column.value, Literal):
            return _Leading(column.value, key.descending, key.nulls_first, number=number)
    return _Leading(Column("_seq_no"))


def _order(plan: Plan) -> tuple[Order, ...]:
    order = [each for criterion in plan.criteria for each in criterion.orders()]
    if not order and (len({target.score for target in plan.targets}) > 1 or is_ranked(plan.targets)):
        order.append(Order(Column("_score"), descending=True))
    return (*order, *(Order(column) for column in columns(("_number", "_seq_no"))))


def is_ranked(targets: Sequence[Target]) -> bool:
    """Return whether documents of an index may match better than others."""
    return any(target.score is not None and not isinstance(target.score, Literal) for target in targets)


def _first_of_group(order: tuple[Order, ...]) -> Expr:
    return Window("row_number", partition=(Column("_group"),), order=order).equals(1)


def _show_group(hit: dict[str, Any], group: Group, value: Any) -> None:
    if value is not None:
        hit["fields"] = {**hit.get("fields", {}), group.shown.name: [group.shown.show(value)]}


def _columns(place: int, target: Target, plan: Plan, slots: Sequence[Slot]) -> tuple[Named, ...]:
    """Return what a hit is made of, in the order in which `_hit` reads it."""
    chosen = [Literal(place).named("_number")]
    chosen += [column.named(column.name) for column in columns(("_id", "_version", "_seq_no", "_ignored", "_routing"))]
    chosen.append(_source(target, plan.request).named("_source"))
    chosen += [column.value.named(f"sort_{number}") for number, column in enumerate(target.sort)]
    chosen += [condition.named(f"named_{number}") for number, condition in enumerate(target.named)]
    for number, slot in enumerate(slots):
        field = target.fields.get(slot[0])
        mine = field is not None and field.slot == slot
        chosen.append((field.values if field is not None and mine else Literal(None)).named(f"field_{number}"))
    chosen.append((null("FLOAT") if target.score is None else target.score).named("_score"))
    if target.group is not None:
        chosen.append(target.group.value.named("_group"))
    return tuple(chosen)


def _source(target: Target, request: SearchRequest) -> Expr:
    """Return the source of a document, where its hit shows it or something that the columns do not have."""
    if request.source is not None or any(field.derived is not None for field in target.fields.values()):
        return Column("_source")
    return Case(((Column("_ignored").is_not_null(), Column("_source")),)) if target.fields else Literal(None)


def _hit(row: tuple[Any, ...], plan: Plan, slots: Sequence[Slot], *, raw_sources: bool) -> dict[str, Any]:
    request, target = plan.request, plan.targets[row[0]]
    hit: dict[str, Any] = {"_index": target.index.name, "_id": row[1]}
    if request.stored is not None and request.stored.nothing:
        del hit["_id"]
    if request.version:
        hit["_version"] = row[2]
    if request.seq_no_primary_term:
        hit |= {"_seq_no": row[3], "_primary_term": 1}
    hit["_score"] = shown_score(row[-1 if target.group is None else -2]) if request.with_scores else None
    if row[5] is not None:
        hit["_routing"] = row[5]
    if row[4]:
        hit["_ignored"] = sorted(row[4])
    if request.source is not None:
        if request.source.keeps_all and raw_sources:
            hit["_source"] = orjson.Fragment(row[6])
        else:
            hit["_source"] = filter_source(orjson.loads(row[6]), request.source)
    position = 7
    if plan.criteria:
        values = row[position : position + len(plan.criteria)]
        hit["sort"] = [each.shown(value, row[0]) for each, value in zip(plan.criteria, values, strict=True)]
    position += len(plan.criteria)
    matched = [clause.name for clause, found in zip(plan.named, row[position:], strict=False) if found]
    position += len(plan.named)
    hit |= _fields(target, dict(zip(slots, row[position : position + len(slots)], strict=True)), row)
    if matched:
        hit["matched_queries"] = list(dict.fromkeys(matched))
    return hit


def shown_score(score: float | None) -> float | None:
    """Return a score with the fewest digits that tell it from others."""
    return None if score is None else single_digits(score)


def _fields(target: Target, found: dict[Slot, list[Any] | None], row: tuple[Any, ...]) -> dict[str, Any]:
    """Return the parts of a hit about single fields: their values, and those that were left out of them.

    Args:
        target: the index.
        found: what the columns have.
        row: the whole row.
    """

    def document() -> dict[str, Any]:
        parsed: dict[str, Any] = orjson.loads(row[6])
        return parsed

    shown = {slot[0]: target.fields[slot[0]].shown(values, document) for slot, values in found.items() if values}
    ignored = {
        field.name: field.ignored(document())
        for field in target.fields.values()
        if field.ignored is not None and field.path in (row[4] or ())
    }
    parts = {"fields": shown, "ignored_field_values": {name: values for name, values in ignored.items() if values}}
    return {key: part for key, part in parts.items() if part}
