"""Conditions on what a document is rather than on what it says: `_id`, and `_index` by name or alias."""

from __future__ import annotations

from collections.abc import Sequence

from anomalyops_engine.query.errors import QueryShardError
from anomalyops_engine.query.expr import FALSE, TRUE, Expr
from anomalyops_engine.query.globs import Token, fits
from anomalyops_engine.store import Index
from anomalyops_engine.store.patterns import matches

INDEX_FIELD = "_index"
ID_FIELD = "_id"
IGNORED_FIELD = "_ignored"


def names_of(index: Index) -> list[str]:
    """Return the names by which a query may call an index: its own and its aliases."""
    return [index.name, *index.aliases]


def index_is_one_of(index: Index, patterns: list[str]) -> Expr:
    """Return that an index has one of some names, in which `*` stands for any text."""
    found = any(matches(pattern, name) for pattern in patterns for name in names_of(index))
    return TRUE if found else FALSE


def index_fits(index: Index, pattern: Sequence[Token], *, insensitive: bool) -> Expr:
    """Return that a name of an index fits a pattern whole."""
    if insensitive:
        pattern = [token.lower() if isinstance(token, str) else token for token in pattern]
    names = (name.lower() if insensitive else name for name in names_of(index))
    return TRUE if any(fits(pattern, name) for name in names) else FALSE


def refuse_id(kind: str) -> QueryShardError:
    """Return the refusal of a clause about parts of ids."""
    return QueryShardError(
        f"Can only use {kind} queries on keyword, text and wildcard fields - not on [_id] which is of type [_id]"
    )
