"""What an expression of names, patterns and exclusions means: of indices and of aliases.

The rules of Elasticsearch's `IndexNameExpressionResolver`: parts are separated by commas; `*` stands for any text;
`_all` and no part at all mean everything; a part behind a pattern that begins with `-` takes out what it matches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from anomalyops_engine.store.catalog import STREAM, Index
from anomalyops_engine.store.errors import DataStreamError, IndexClosedError, IndexNotFoundError
from anomalyops_engine.store.patterns import matches
from anomalyops_engine.store.visibility import check_visible, visible


@dataclass(frozen=True, slots=True)
class Wildcards:
    """What patterns reach (`expand_wildcards`).

    Attributes:
        open: indices that are open.
        closed: indices that are closed.
        hidden: hidden indices and aliases too, also for patterns that do not begin with a dot.
        expand: False where a pattern is taken for a name (`none`).
    """

    open: bool = True
    closed: bool = False
    hidden: bool = False
    expand: bool = True

    @classmethod
    def parse(cls, text: str) -> Wildcards:
        """Return what a list of `open`, `closed`, `hidden`, `none` and `all` means; the words are checked before."""
        words = {word.strip().lower() for word in text.split(",")}
        if "all" in words:
            return EVERYTHING
        if "none" in words:
            return cls(open=False, expand=False)
        return cls(open="open" in words, closed="closed" in words, hidden="hidden" in words)


EVERYTHING = Wildcards(closed=True, hidden=True)


def resolve(
    indices: Iterable[Index],
    expression: str | Sequence[str],
    *,
    ignore_unavailable: bool = False,
    allow_no_indices: bool = True,
    wildcards: Wildcards = Wildcards(),
    closed_too: bool = False,
) -> list[Index]:
    """Return the indices that an expression means, in name order.

    Hidden are indices with `index.hidden`; patterns that begin with a dot reach those with a dotted name. An index
    reached both directly and through a filtered alias is not filtered.

    Args:
        indices: all indices.
        expression: names, `*` patterns, aliases, and exclusions behind a pattern.
        ignore_unavailable: leave out names that are missing.
        allow_no_indices: a pattern, or all of the expression, may match nothing.
        wildcards: what patterns reach.
        closed_too: closed indices may be meant, since it is not about their documents.

    Raises:
        IndexNotFoundError: a name is missing, or nothing matched and that is not allowed.
        IndexClosedError: a closed index is meant, though documents are needed, and it cannot be left out.
        IndexForbiddenError: a name is not for whoever asks.
    """
    by_name = {index.name: index for index in indices}
    chosen: dict[str, list[dict[str, Any]] | None] = {}  # None: no filter
    parts = parts_of(expression)
    for part, excluded in _steps(parts):
        pattern = "*" in part
        if excluded:
            for name, _ in _matching(by_name, part, EVERYTHING):
                chosen.pop(name, None)
            continue
        if not pattern and not visible(part):
            if ignore_unavailable:
                continue
            check_visible(part)
        found = _matching(by_name, part, wildcards) if not pattern or wildcards.expand else []
        missing = not found and (not pattern or not wildcards.expand or not allow_no_indices)
        if missing and not (ignore_unavailable and not pattern):
            raise IndexNotFoundError(part)
        for name, query in found:
            if by_name[name].closed and not closed_too:
                if ignore_unavailable:
                    continue
                raise IndexClosedError(name, by_name[name].uuid)
            known = chosen.get(name, [])
            chosen[name] = None if query is None or known is None else [*known, query]
    if not chosen and not allow_no_indices:
        raise IndexNotFoundError(",".join(parts))
    return [_filtered(by_name[name], chosen[name]) for name in sorted(chosen)]


def resolve_indices(
    indices: Iterable[Index],
    expression: str | Sequence[str],
    *,
    ignore_unavailable: bool,
    allow_no_indices: bool,
    wildcards: Wildcards,
) -> list[Index]:
    """Return the indices that an expression means in which no alias or data stream stands for its indices.

    Otherwise as `resolve`.

    Raises:
        IndexNotFoundError: a name is missing, or nothing matched and that is not allowed.
    """
    every = list(indices)
    streams = {index.stream for index in every}
    for part in parts_of(expression):
        if part in streams:
            raise DataStreamError(
                f"The provided expression [{part}] matches a data stream, specify the corresponding concrete indices "
                "instead."
            )
    found = resolve(
        [_alone(index) for index in every],
        expression,
        ignore_unavailable=ignore_unavailable,
        allow_no_indices=allow_no_indices,
        wildcards=wildcards,
        closed_too=True,
    )
    by_name = {index.name: index for index in every}
    return [replace(index, settings=by_name[index.name].settings) for index in found]


def _alone(index: Index) -> Index:
    """Return an index that only its own name stands for."""
    kept = {key: text for key, text in index.settings.items() if key != STREAM}
    return replace(index, aliases={}, settings=kept)


def parts_of(expression: str | Sequence[str]) -> list[str]:
    """Return the names, patterns and exclusions of an expression; nothing, `_all` and `*` mean all."""
    names = expression.split(",") if isinstance(expression, str) else [n for e in expression for n in e.split(",")]
    names = [name.strip() for name in names if name.strip()]
    return ["*" if name == "_all" else name for name in names] or ["*"]


def chosen_aliases(aliases: Iterable[str], parts: Sequence[str]) -> set[str]:
    """Return which of some aliases an expression means; patterns reach hidden ones too.

    A part that begins with `-` takes out what the parts before it named, behind a pattern or not.
    """
    names = set(aliases)
    chosen: set[str] = set()
    for part in parts:
        if part.startswith("-"):
            chosen -= {name for name in names if matches(part[1:], name)}
        else:
            chosen |= {name for name in names if matches(part, name)}
    return chosen


def missing_aliases(found: Iterable[str], parts: Sequence[str]) -> list[str]:
    """Return the aliases that an expression names outright, without excluding them later, and that were not found.

    Before the first pattern, of an exclusion or not, a part that begins with `-` is the name of an alias here.
    """
    known = set(found)
    first = next((place for place, part in enumerate(parts) if "*" in part), len(parts))
    missing = set()
    for place, part in enumerate(parts):
        if "*" in part or (place > first and part.startswith("-")) or part in known:
            continue
        later = parts[max(place + 1, first) :]
        if not any(other.startswith("-") and matches(other[1:], part) for other in later):
            missing.add(part)
    return sorted(missing)


def _steps(parts: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Give each part with whether it excludes: it does when it begins with `-` behind a pattern."""
    pattern_seen = False
    for part in parts:
        if pattern_seen and part.startswith("-"):
            yield part[1:], True
        else:
            pattern_seen = pattern_seen or "*" in part
            yield part, False


def _matching(by_name: dict[str, Index], part: str, wildcards: Wildcards) -> list[tuple[str, dict[str, Any] | None]]:
    """Return (index name, alias filter) of what a name or pattern stands for."""
    if "*" not in part:
        if part in by_name:
            return [(part, None)]
        return [
            (i.name, None if i.stream == part else i.aliases[part].get("filter"))
            for i in by_name.values()
            if i.stream == part or part in i.aliases
        ]
    dotted = part.startswith(".")
    found: list[tuple[str, dict[str, Any] | None]] = []
    for index in by_name.values():
        if not (wildcards.closed if index.closed else wildcards.open):
            continue
        shown = wildcards.hidden or not index.hidden or (dotted and index.name.startswith("."))
        by_stream = index.stream is not None and matches(part, index.stream) and visible(index.stream)
        if by_stream or (shown and matches(part, index.name) and visible(index.name)):
            found.append((index.name, None))
            continue
        for alias, properties in index.aliases.items():
            hidden = properties.get("is_hidden", alias.startswith("."))
            seen = wildcards.hidden or not hidden or (dotted and alias.startswith("."))
            if seen and matches(part, alias) and visible(alias):
                found.append((index.name, properties.get("filter")))
    return found


def _filtered(index: Index, queries: list[dict[str, Any]] | None) -> Index:
    if not queries:
        return index
    query = queries[0] if len(queries) == 1 else {"bool": {"should": queries}}
    return replace(index, filters=(query,))
