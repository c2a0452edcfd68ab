"""Relations without the columns that nothing reads: the database need not look for them, nor find their types.

A statement over documents begins with every field of every index as a column, hundreds of them, and reads a few. These
columns have names of their own in the whole statement, so that one is unread where no expression names it.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from anomalyops_engine.query.expr import Column, Join, Member, Named, Relation, Select, Union, With


def pruned(relation: Relation) -> Relation:
    """Return a relation without the columns of its sources that nothing in it names.

    Args:
        relation: the rows; its own columns are named, since all of a star would have to be kept.
    """
    if not isinstance(relation, Select) or not all(isinstance(column, Named) for column in relation.columns):
        return relation
    used: set[str] = set()
    _note_names(relation, used)
    return _without_others(relation, used)


def _note_names(node: Any, used: set[str]) -> None:
    """Note every name of a column outside of the sources."""
    if isinstance(node, tuple):
        for item in node:
            _note_names(item, used)
    elif isinstance(node, Column):
        used.add(node.name)
    elif isinstance(node, Member):
        used.update(node.using)
        _note_names(node.relation, used)
    elif is_dataclass(node) and not (isinstance(node, Union) and _is_source(node)):
        for part in fields(node):
            _note_names(getattr(node, part.name), used)


def _without_others(relation: Relation, used: set[str]) -> Relation:
    if isinstance(relation, Select) and relation.source is not None:
        return replace(relation, source=_without_others(relation.source, used))
    if isinstance(relation, With):
        bindings = tuple((name, _without_others(inner, used)) for name, inner in relation.bindings)
        return replace(relation, bindings=bindings, body=_without_others(relation.body, used))
    if isinstance(relation, Join):
        members = (replace(member, relation=_without_others(member.relation, used)) for member in relation.members)
        return replace(relation, members=tuple(members))
    if isinstance(relation, Union):
        if _is_source(relation):
            return Union(tuple(_narrowed(member, used) for member in relation.members))
        return Union(tuple(_without_others(member, used) for member in relation.members))
    return relation


def _narrowed(member: Relation, used: set[str]) -> Relation:
    if not isinstance(member, Select):
        return member
    kept = tuple(column for column in member.columns if isinstance(column, Named) and column.name in used)
    return replace(member, columns=kept or member.columns[:1])


def _is_source(union: Union) -> bool:
    """Return whether the members are plain rows with the same columns, given by name."""
    names = {_plain_names(member) for member in union.members}
    return len(names) == 1 and None not in names


def _plain_names(member: Relation) -> tuple[str, ...] | None:
    if not isinstance(member, Select) or member.group or member.order or member.qualify is not None:
        return None
    if member.limit is not None or member.offset:
        return None
    names = tuple(column.name for column in member.columns if isinstance(column, Named))
    return names if len(names) == len(member.columns) else None
