"""What indices there are, and which of them an index expression means."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from anomalyops_engine.store.errors import AmbiguousTargetError, IndexNotFoundError, InvalidIndexNameError
from anomalyops_engine.store.mapping import Field, IndexMapping

_FORBIDDEN = set('\\/*?"<>| ,#:')


@dataclass(frozen=True, slots=True)
class Index:
    """One index as a snapshot saw it.

    Attributes:
        name: its name.
        table: the SQL table that holds its documents.
        mapping: its fields.
        settings: index settings as given on creation, for reading back.
        aliases: alias name to its properties (`filter`, `is_write_index`, `is_hidden`).
        created_ms: time of creation, epoch milliseconds.
        uuid: identity that a re-created index does not share.
        filters: queries that every document must satisfy, because the index was named by a filtered alias.
    """

    name: str
    table: str
    mapping: IndexMapping
    settings: dict[str, Any] = field(default_factory=dict)
    aliases: dict[str, dict[str, Any]] = field(default_factory=dict)
    created_ms: int = 0
    uuid: str = ""
    filters: tuple[dict[str, Any], ...] = ()

    def get(self, name: str) -> Field | None:
        """Return the field of that name, None when unmapped."""
        return self.mapping.get(name)


def check_name(name: str) -> None:
    """Check the name of a new index.

    Raises:
        InvalidIndexNameError: it breaks Elasticsearch's naming rules.
    """
    if not name or name in {".", ".."}:
        raise InvalidIndexNameError(name, "must not be '.' or '..' or empty")
    if name != name.lower():
        raise InvalidIndexNameError(name, "must be lowercase")
    if name[0] in "-_+":
        raise InvalidIndexNameError(name, "must not start with '_', '-', or '+'")
    if set(name) & _FORBIDDEN:
        shown = ", ".join(f"'{c}'" for c in sorted(_FORBIDDEN))
        raise InvalidIndexNameError(name, f"must not contain the following characters [{shown}]")
    if len(name.encode()) > 255:
        raise InvalidIndexNameError(name, "index name is too long, (longer than 255 bytes)")


def parts_of(expression: str | Sequence[str]) -> list[str]:
    """Return the names, patterns and exclusions of an index expression; nothing, `_all` and `*` mean all."""
    names = expression.split(",") if isinstance(expression, str) else [n for e in expression for n in e.split(",")]
    names = [name.strip() for name in names if name.strip()]
    return ["*" if name == "_all" else name for name in names] or ["*"]


def resolve(
    indices: Iterable[Index],
    expression: str | Sequence[str],
    *,
    ignore_unavailable: bool = False,
    allow_no_indices: bool = True,
) -> list[Index]:
    """Return the indices an expression means, in name order.

    Names, `*` patterns, aliases, and exclusions (`-name`, after something was included). Patterns do not reach hidden
    (dotted) names unless they begin with a dot themselves. An index reached both directly and through a filtered alias
    is not filtered.

    Raises:
        IndexNotFoundError: a concrete name is missing (unless `ignore_unavailable`), or nothing matched and
            `allow_no_indices` is False.
    """
    by_name = {index.name: index for index in indices}
    chosen: dict[str, list[dict[str, Any]] | None] = {}  # None: no filter
    parts = parts_of(expression)
    for position, part in enumerate(parts):
        if part.startswith("-") and position > 0:
            for excluded, _ in _matching(by_name, part[1:]):
                chosen.pop(excluded, None)
            continue
        found = _matching(by_name, part)
        if not found and "*" not in part and not ignore_unavailable:
            raise IndexNotFoundError(part)
        for name, query in found:
            known = chosen.get(name, [])
            chosen[name] = None if query is None or known is None else [*known, query]
    if not chosen and not allow_no_indices:
        raise IndexNotFoundError(",".join(parts))
    return [_filtered(by_name[name], chosen[name]) for name in sorted(chosen)]


def write_target(indices: Iterable[Index], name: str) -> Index | None:
    """Return the index that a write to a name or alias goes to, None when nothing has that name.

    Raises:
        AmbiguousTargetError: the alias stands for several indices and none is its write index.
    """
    listed = list(indices)
    for index in listed:
        if index.name == name:
            return index
    behind = [index for index in listed if name in index.aliases]
    writers = [index for index in behind if index.aliases[name].get("is_write_index")]
    if len(writers) == 1 or len(behind) == 1:
        return (writers or behind)[0]
    if behind:
        raise AmbiguousTargetError(
            f"no write index is defined for alias [{name}]. The write index may be explicitly disabled using "
            "is_write_index=false or the alias points to multiple indices without one being designated as a write index"
        )
    return None


def _matching(by_name: dict[str, Index], pattern: str) -> list[tuple[str, dict[str, Any] | None]]:
    """Return (index name, alias filter) of what a name or pattern stands for."""
    if "*" not in pattern:
        if pattern in by_name:
            return [(pattern, None)]
        return [(i.name, i.aliases[pattern].get("filter")) for i in by_name.values() if pattern in i.aliases]
    hidden = pattern.startswith(".")
    found: list[tuple[str, dict[str, Any] | None]] = []
    for index in by_name.values():
        if fnmatch.fnmatchcase(index.name, pattern) and (hidden or not index.name.startswith(".")):
            found.append((index.name, None))
            continue
        for alias, properties in index.aliases.items():
            if fnmatch.fnmatchcase(alias, pattern) and (hidden or not alias.startswith(".")):
                found.append((index.name, properties.get("filter")))
    return found


def _filtered(index: Index, queries: list[dict[str, Any]] | None) -> Index:
    if not queries:
        return index
    query = queries[0] if len(queries) == 1 else {"bool": {"should": queries}}
    return replace(index, filters=(query,))
