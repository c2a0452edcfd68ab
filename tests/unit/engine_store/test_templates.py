"""Dynamic templates: any JSON is read or refused by name, and what is read never fails a document."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.store.columns import Batch
from anomalyops_engine.store.errors import StoreError
from anomalyops_engine.store.mapping import IndexMapping
from anomalyops_engine.store.mapping_body import merged
from anomalyops_engine.store.templates import KINDS, read_templates, template_for

_WORDS = st.sampled_from(["*", "string", "long", "object", "regex", "simple", "a*", "(", "keyword", "date", ""])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | _WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_WORDS, inner, max_size=2),
    max_leaves=4,
)
_KEYS = st.sampled_from(
    [
        "match",
        "unmatch",
        "path_match",
        "match_mapping_type",
        "unmatch_mapping_type",
        "match_pattern",
        "other",
        "runtime",
    ]
)
_MAPPINGS = st.sampled_from([{}, {"type": "keyword"}, {"type": "long"}, {"type": "{dynamic_type}"}])


@st.composite
def templates(draw: st.DrawFn) -> Any:
    template = draw(st.dictionaries(_KEYS, _WORDS | st.lists(_WORDS, max_size=2) | _JSON, max_size=3))
    template |= draw(st.one_of(st.just({}), st.builds(lambda mapping: {"mapping": mapping}, _MAPPINGS | _JSON)))
    return draw(st.just([{"t": template}]) | _JSON)


@given(templates(), st.sampled_from(sorted(KINDS)))
def test_any_json_is_read_or_refused_and_what_is_read_decides(given_templates: Any, kind: str) -> None:
    try:
        read = read_templates(given_templates)
    except StoreError:
        return
    found = template_for(read, "a.b", kind)
    assert found is None or isinstance(found["type"], str)


@given(templates())
def test_documents_are_never_a_failure_of_the_engine(given_templates: Any) -> None:
    with suppress(StoreError):
        mapping = merged(IndexMapping(), {"dynamic_templates": given_templates})
        Batch(mapping, [{"a": {"b": 1, "c": "x"}, "d": "2024-01-01", "e": [True], "f": 1.5}])


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (None, "An object is expected"),
        ({"mapping": {}, "macth": "a"}, r"Illegal dynamic template parameter: \[macth\]"),
        ({"mapping": {}, "match_mapping_type": "text"}, r"No field type matched on \[text\]"),
        ({"mapping": {}, "match_pattern": "regexp"}, r"No matching pattern matched on \[regexp\]"),
        ({"mapping": {}, "match_pattern": "regex", "match": "("}, r"Pattern \[\(\] of type \[REGEX\] is invalid"),
        ({"match": "a"}, "must have either mapping or runtime set"),
        ({"runtime": {}}, "not supported by this engine"),
    ],
)
def test_what_is_wrong_is_named(template: Any, said: str) -> None:
    with pytest.raises(StoreError, match=said):
        read_templates([{"t": template}])


def test_lists_of_kinds_and_regular_expressions_are_honoured() -> None:
    numbers = {"match_mapping_type": ["long", "double"], "mapping": {"type": "double"}}
    named = {"match_pattern": "regex", "match": "^ip_\\d+$", "mapping": {"type": "ip"}}
    read = read_templates([{"numbers": numbers}, {"named": named}])
    assert template_for(read, "n", "long") == {"type": "double"}
    assert template_for(read, "ip_12", "string") == {"type": "ip"}
    assert template_for(read, "ip_x", "string") is None
    assert template_for(read, "s", "string") is None
