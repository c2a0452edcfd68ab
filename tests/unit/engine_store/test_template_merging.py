"""Laws of putting index templates together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.store.index_templates import Blueprint, Templates
from anomalyops_engine.store.patterns import matches
from anomalyops_engine.store.template_merging import composed_mappings, merged_deeply, overlaps
from laws import law

_NAMES = st.text("abc*", max_size=6)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(("object", "text", "a")),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(("properties", "type", "a", "a.b", "b", "dynamic_templates", "")), inner)
    ),
    max_leaves=10,
)
_BODIES = st.dictionaries(st.sampled_from(("properties", "dynamic", "_meta", "dynamic_templates")), _JSON)


@law(examples=200)
@given(one=_NAMES, other=_NAMES, name=st.text("abc", max_size=6))
def test_patterns_that_match_one_name_overlap(one, other, name):
    if matches(one, name) and matches(other, name):
        assert overlaps(one, other)
    assert overlaps(one, other) == overlaps(other, one)
    assert overlaps(one, one)


@law(examples=200)
@given(name=st.text("abc", max_size=6), pattern=_NAMES)
def test_a_name_overlaps_with_what_it_matches_and_nothing_else(name, pattern):
    assert overlaps(name, pattern) == matches(pattern, name)


@law(examples=200)
@given(base=_BODIES, over=_BODIES)
def test_whatever_is_put_together_the_later_part_counts(base, over):
    for made in (composed_mappings(base, over), merged_deeply(base, over)):
        assert base.keys() | over.keys() == made.keys()
        for key in made.keys() - over.keys():
            assert made[key] == base[key]
        for key in made.keys() - base.keys() - {"properties", "dynamic_templates"}:
            assert made[key] == over[key]
    # A list that names a thing twice is put right by the first merge.
    settled = composed_mappings(composed_mappings(base, over), over)
    assert composed_mappings(settled, over) == settled


_PATTERNS = st.lists(st.sampled_from(("*", "a*", "ab", "b*")), min_size=1, max_size=2)
_SETTINGS = st.fixed_dictionaries({"settings": st.dictionaries(st.sampled_from("xy"), st.just("1"))})
_COMPOSABLE = st.dictionaries(
    st.sampled_from("pqrs"),
    st.fixed_dictionaries(
        {"index_patterns": _PATTERNS, "priority": st.integers(0, 9), "composed_of": st.just([])},
        optional={
            "template": st.fixed_dictionaries({"settings": st.dictionaries(st.sampled_from("xy"), st.just("1"))})
        },
    ),
)


@law(examples=200)
@given(composable=_COMPOSABLE, index=st.sampled_from(("ab", "a", "b", "c")), hidden=st.booleans())
def test_the_winner_matches_and_none_that_matches_has_a_higher_priority(composable, index, hidden):
    templates = Templates({}, composable, {})
    winner = templates.winner(index, hidden=hidden)
    fitting = {
        name: body["priority"]
        for name, body in composable.items()
        if any(matches(one, index) and not (hidden and one == "*") for one in body["index_patterns"])
    }
    assert (winner is None) == (not fitting)
    if winner is not None:
        assert fitting[winner] == max(fitting.values())
    asked = Blueprint(settings={"x": "asked"})
    assert templates.blueprint(index, asked, hidden=hidden).settings["x"] == "asked"
