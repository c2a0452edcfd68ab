"""Expressions of alias names, held against the way in which Elasticsearch goes through them."""

from __future__ import annotations

from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.store.names import chosen_aliases, missing_aliases
from laws import law

_NAMES = ("a", "ab", "b", "-a", "-b")
_parts = st.sampled_from([*_NAMES, "-ab", "a*", "b*", "*", "-a*", "-*", "-b*", "none", "-none"])


def _elasticsearch(aliases: set[str], parts: list[str]) -> tuple[set[str], list[str]]:
    """What `Metadata.findAliases` finds, alias by alias, and what `RestGetAliasesAction` then calls missing."""
    found = set()
    for alias in aliases:
        matched = False
        for part in parts:
            if part.startswith("-"):
                matched = matched and not fnmatchcase(alias, part[1:])
            else:
                matched = matched or fnmatchcase(alias, part)
        if matched:
            found.add(alias)
    first = next((i for i, part in enumerate(parts) if "*" in part), len(parts))
    missing = set()
    for i, part in enumerate(parts):
        if "*" in part or (i > first and part[0] == "-"):
            continue
        j = max(i + 1, first)
        while j < len(parts) and not (parts[j][0] == "-" and fnmatchcase(part, parts[j][1:])):
            j += 1
        if j >= len(parts) and part not in found:
            missing.add(part)
    return found, sorted(missing)


@law(examples=300)
@given(st.sets(st.sampled_from(["a", "ab", "b"])), st.lists(_parts, min_size=1, max_size=5))
def test_names_patterns_and_exclusions_mean_what_they_mean_in_elasticsearch(aliases, parts):
    found, missing = _elasticsearch(aliases, parts)
    chosen = chosen_aliases(aliases, parts)
    assert chosen == found
    assert missing_aliases(chosen, parts) == missing
