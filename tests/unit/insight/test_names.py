"""Patterns of ids and of indices, against what they mean letter by letter."""

from __future__ import annotations

import fnmatch
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_insight.errors import BadRequestError
from anomalyops_insight.query.names import Pattern, index_expression, patterns_meet, quoted

LETTERS = "ab*"
words = st.text("ab", max_size=5)
wild = st.text(LETTERS, min_size=1, max_size=5)


@given(pattern=wild, text=words)
def test_a_pattern_matches_what_its_stars_say(pattern, text):
    squeezed = pattern
    while "**" in squeezed:
        squeezed = squeezed.replace("**", "*")
    if squeezed.count("*") > 2:
        with pytest.raises(BadRequestError):
            Pattern.read(pattern)
        return
    assert Pattern.read(pattern).matches(text) == fnmatch.fnmatchcase(text, pattern)


@given(one=wild, other=wild)
def test_patterns_meet_where_some_name_matches_both(one, other):
    names = ("".join(letters) for size in range(7) for letters in itertools.product("ab", repeat=size))
    meet = any(fnmatch.fnmatchcase(name, one) and fnmatch.fnmatchcase(name, other) for name in names)
    assert patterns_meet(one, other) == meet
    assert patterns_meet(other, one) == meet


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("host.name", "host.name"),
        ("@timestamp", "@timestamp"),
        ("odd-name.in side", "`odd-name`.`in side`"),
        ("last", "`last`"),
        ("a`b", "`a``b`"),
    ],
)
def test_fields_are_quoted_where_they_need_it(field, written):
    assert quoted(field) == written


@pytest.mark.parametrize("field", ["", "a..b", "a.", "a\nb"])
def test_what_is_no_field_is_refused(field):
    with pytest.raises(BadRequestError):
        quoted(field)


@pytest.mark.parametrize("text", ["", "a b", "a|b", 'a"b', "a,,b", "<logs-{now/d}>"])
def test_what_no_index_is_named_is_refused(text):
    with pytest.raises(BadRequestError):
        index_expression(text)


def test_indices_of_remote_clusters_are_names():
    assert index_expression("logs-*, eu:logs-2026.01.*,-logs-old") == "logs-*,eu:logs-2026.01.*,-logs-old"
