"""Documents that name a field twice are found, whatever they look like, and no others."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.api.duplicates import DuplicateNameError, check_names, names_once

_NAMES = st.sampled_from(["a", "b", "c", '":', "a:b", " "])


def objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    colons = st.sampled_from([":", ":", ": ", " :", "\t:", " : "])
    pairs = st.tuples(_NAMES.map(json.dumps), colons, values).map("".join)
    return st.lists(pairs, max_size=3).map(lambda members: "{" + ",".join(members) + "}")


_VALUES = st.recursive(
    st.integers(0, 3).map(str) | st.sampled_from(['"x"', '"12:30:05"', '"a\\": 1"', '" :"', "null"]),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]") | objects(inner),
    max_leaves=6,
)


def has_a_name_twice(text: str) -> bool:
    found: list[bool] = []

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found.append(len(dict(pairs)) < len(pairs))
        return dict(pairs)

    json.loads(text, object_pairs_hook=look)
    return any(found)


@given(objects(_VALUES))
def test_a_name_that_comes_twice_is_found(text):
    parsed, twice = orjson.loads(text), has_a_name_twice(text)
    assert not (names_once(text.encode(), [parsed]) and twice)
    if twice:
        with pytest.raises(DuplicateNameError, match="Duplicate field '"):
            check_names(text.encode(), parsed)
    else:
        check_names(text.encode(), parsed)
