"""Words of a text that many clauses look at: made once for each document, and by one expression.

The database compiles the regular expressions of each expression by itself, which takes longer than anything else where
a thousand clauses take a text apart. Nothing else is shared, so that other conditions stay filters of their own.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from anomalyops_engine.query.analysis import words_of
from anomalyops_engine.query.expr import Case, Column, Expr, InQuery, Junction, Lambda, ListOf, call

# Fewer stay as they are: the database may skip the later ones for documents that the first ones tell.
_MANY: Final = 16


def with_shared_words(condition: Expr, texts: frozenset[str]) -> Expr:
    """Return a condition in which the words of a text are made once.

    Args:
        condition: of documents; each of those that hold together is looked at by itself.
        texts: the columns of single texts that are taken apart by the usual analyser.
    """
    if not texts:
        return condition
    if isinstance(condition, Junction) and condition.operator == "AND":
        return Junction("AND", tuple(_shared(term, texts) for term in condition.terms))
    return _shared(condition, texts)


def _shared(condition: Expr, texts: frozenset[str]) -> Expr:
    made = {words_of(Column(text)): f"words_of_{number}" for number, text in enumerate(sorted(texts))}
    seen: Counter[Expr] = Counter()
    for part in _parts(condition):
        if isinstance(part, InQuery):
            return condition  # the database has no queries inside functions of a list's elements
        if isinstance(part, Case) and part in made:
            seen[part] += 1
    for words, count in seen.items():
        if count > _MANY:
            name = made[words]
            body = _replaced(condition, words, Column(name))
            condition = call("list_extract", call("list_transform", ListOf((words,)), Lambda(name, body)), 1)
    return condition


def _parts(value: Any) -> Iterator[Expr]:
    """Yield the expressions of which one is made, itself first."""
    if isinstance(value, tuple):
        for item in value:
            yield from _parts(item)
    elif isinstance(value, Expr):
        yield value
        for field in dataclasses.fields(value):  # type: ignore[arg-type] # every expression is a data class
            yield from _parts(getattr(value, field.name))


def _replaced(value: Any, part: Expr, other: Expr) -> Any:
    if isinstance(value, tuple):
        return tuple(_replaced(item, part, other) for item in value)
    if not isinstance(value, Expr):
        return value
    if value == part:
        return other
    fields = dataclasses.fields(value)  # type: ignore[arg-type] # every expression is a data class
    return dataclasses.replace(
        value,  # type: ignore[type-var]
        **{field.name: _replaced(getattr(value, field.name), part, other) for field in fields},
    )
