"""Lucene's regular expressions in the database, against Python's on patterns that both can say."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.query import IllegalQueryError, UnsupportedQueryError, sql
from anomalyops_engine.query.expr import Select, call
from anomalyops_engine.query.regexes import full_match_pattern
from anomalyops_engine.store import scratch
from laws import law

_characters = st.sampled_from([*'ab.|()[]{}*+?\\^$@~&#<>"-/ ', "\n", "ä", "🙂", "\0"])


def _lucene(text: str) -> str:
    return "".join(f"\\{character}" for character in text)


# Pairs of the same pattern, as Lucene and as Python write it.
_literals = st.text(_characters, min_size=1, max_size=3).map(lambda text: (_lucene(text), re.escape(text)))
_classes = st.tuples(st.booleans(), st.lists(_characters, min_size=1, max_size=3)).map(
    lambda pair: (
        f"[{'^' if pair[0] else ''}{''.join(map(_lucene, pair[1]))}]",
        f"[{'^' if pair[0] else ''}{''.join(map(re.escape, pair[1]))}]",
    )
)


def _larger(inner: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[tuple[str, str]]:
    suffixes = st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,}"])
    return st.one_of(
        st.tuples(inner, inner).map(lambda two: (two[0][0] + two[1][0], two[0][1] + two[1][1])),
        st.tuples(inner, inner).map(lambda two: tuple(f"(?:{a}|{b})" for a, b in zip(*two, strict=True))),
        st.tuples(inner, suffixes).map(lambda pair: tuple(f"(?:{text}){pair[1]}" for text in pair[0])),
    ).map(lambda pair: (pair[0].replace("(?:", "("), pair[1]))


_patterns = st.recursive(
    st.one_of(_literals, _classes, st.sampled_from([(".", "."), ("@", ".*")])), _larger, max_leaves=5
)


@pytest.fixture(scope="module")
def database():
    with scratch() as connection:
        yield connection


def matches(database, pattern: str, text: str) -> bool:
    test = call("regexp_full_match", text, full_match_pattern(pattern), "s").named("v")
    ((found,),) = sql.fetch(database, Select((test,)))
    return found


@law(examples=150)
@given(pattern=_patterns, texts=st.lists(st.text(_characters, max_size=5), max_size=4))
def test_a_pattern_matches_what_it_says(database, pattern, texts):
    lucene, python = pattern
    for text in texts:
        assert matches(database, lucene, text) == (re.fullmatch(python, text, re.DOTALL) is not None), (pattern, text)


@law(examples=100)
@given(text=st.text(max_size=20))
def test_an_escaped_text_matches_itself_alone(database, text):
    plain = "".join(c for c in text if c not in "dDsSwW")
    assert matches(database, _lucene(plain), plain)
    assert not matches(database, _lucene(plain), plain + "x")


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("a@b.org", "a1b-org", True),  # any text, any character
        ("a\\@b\\.org", "a@b.org", True),
        ("^a", "a", False),
        ("^a$", "^a$", True),
        ("#", "", False),
        ('"a.b"c', "a.bc", True),
        ('"a.b"c', "axbc", False),
        ("[[:alpha:]]", "a]", True),
        ("\\d+", "42", True),
        ("(a*)*b", "aab", True),
        ("a**", "aaa", True),
        ("", "", True),
        ("()", "", True),
        ("a|", "", True),
    ],
)
def test_the_operators_are_lucene_s(database, pattern, text, found):
    assert matches(database, pattern, text) is found


@pytest.mark.parametrize(
    "pattern",
    ["(", "a)", "[a", "[z-a]", "*a", "a{2,1}", "a{1001}", "(a{100}){100}", '"a', "\\", "(" * 101, "x" * 10_001],
)
def test_what_is_no_pattern_is_refused(pattern):
    with pytest.raises(IllegalQueryError):
        full_match_pattern(pattern)


@pytest.mark.parametrize("pattern", ["~a", "a&b", "<1-5>"])
def test_what_the_database_lacks_is_named(pattern):
    with pytest.raises(UnsupportedQueryError, match="not supported"):
        full_match_pattern(pattern)
