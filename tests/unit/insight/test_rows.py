"""Rows in the order of their question: one, whichever way they came."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anomalyops_insight.query import Column, Question, Sort
from anomalyops_insight.query.rows import finished, settled

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.none() | st.integers(0, 3),
            "text": st.sampled_from(("a", "b")),
            "several": st.none() | st.sampled_from((("x", "y"), "x")),
        }
    ),
    max_size=12,
)


@given(rows=ROWS, order=st.randoms(use_true_random=False), descending=st.booleans())
def test_what_an_order_does_not_tell_apart_has_one_order(rows, order, descending):
    columns = (Column("at", "number"), Column("text"), Column("several"))
    question = Question(index="i", columns=columns, sort=(Sort("at", descending),))
    mixed = list(rows)
    order.shuffle(mixed)
    found = settled(finished(rows, question), question)
    assert found == settled(finished(mixed, question), question)
    assert [row["at"] for row in found] == [row["at"] for row in finished(rows, question)]
    assert sorted(map(str, found)) == sorted(map(str, rows))


@given(rows=ROWS)
def test_what_has_no_order_is_left_as_it_came(rows):
    assert settled(rows, Question(index="i", columns=(Column("at"),))) == rows
