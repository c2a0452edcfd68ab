"""Typed expressions as SQL: what they compute, that names and values of any kind survive, that nothing else gets in."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.query import sql
from anomalyops_engine.query.expr import (
    FALSE,
    TRUE,
    Aggregate,
    Call,
    Case,
    Cast,
    Column,
    Delete,
    Expr,
    In,
    InQuery,
    Join,
    Lambda,
    ListOf,
    Literal,
    Member,
    Not,
    Numbers,
    Order,
    Row,
    Select,
    Star,
    Table,
    Union,
    Window,
    With,
    all_of,
    any_of,
    call,
    lift,
    null,
    one_of,
    when,
)
from anomalyops_engine.store import scratch
from laws import law

_hostile = st.sampled_from(
    [
        "'",
        '"',
        "''",
        '"; DROP TABLE t; --',
        "$$",
        "?",
        "@",
        "{}",
        "\0",
        "%s",
        "\\",
        "SELECT",
        "x" * 10_000,
        "ä",
        "🙂",
        "",
    ]
)
_texts = st.one_of(st.text(max_size=30), _hostile, st.tuples(_hostile, _hostile).map("".join))
_values = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), _texts)


def value_of(expression: Expr) -> object:
    with scratch() as connection:
        ((value,),) = sql.fetch(connection, Select((expression.named("v"),)))
    return value


@pytest.fixture(scope="module")
def database():
    with scratch() as connection:
        yield connection


@law(examples=100)
@given(value=_values)
def test_any_value_comes_back_as_it_is(database, value):
    ((found,),) = sql.fetch(database, Select((Literal(value).named("v"),)))
    assert found == value
    assert type(found) is type(value)
    assert not isinstance(value, str) or sql.statement(Select((Literal(value).named("v"),))).text == 'SELECT ? AS "v"'


@law(examples=60)
@given(values=st.lists(_texts, max_size=5).map(tuple))
def test_lists_of_texts_come_back_as_they_are(database, values):
    ((found,),) = sql.fetch(database, Select((Literal(values, "VARCHAR[]").named("v"),)))
    assert found == list(values)


@law(examples=60)
@given(name=st.text(min_size=1, max_size=20) | _hostile.filter(bool), value=_texts)
def test_any_name_is_a_name(database, name, value):
    inner = Select((Literal(value).named(name),))
    outer = Select((Column(name).named("v"), Column(name, name).named("w")), Join((Member(name, inner),)))
    assert sql.fetch(database, outer) == [(value, value)]


_numbers = st.one_of(st.none(), st.integers(-50, 50))


def _combined(inner: st.SearchStrategy[tuple[Expr, object]]) -> st.SearchStrategy[tuple[Expr, object]]:
    def arithmetic(sign: str, left: tuple[Expr, object], right: tuple[Expr, object]) -> tuple[Expr, object]:
        known = left[1] is not None and right[1] is not None
        made = {"+": left[0] + right[0], "-": left[0] - right[0], "*": left[0] * right[0]}[sign]
        results = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}
        return made, results[sign](left[1], right[1]) if known else None

    def chosen(test: tuple[Expr, object], left: tuple[Expr, object], right: tuple[Expr, object]) -> tuple[Expr, object]:
        holds = test[1] is not None and test[1] > 0
        return when(test[0] > 0, left[0], right[0]), left[1] if holds else right[1]

    def first(left: tuple[Expr, object], right: tuple[Expr, object]) -> tuple[Expr, object]:
        return call("coalesce", left[0], right[0]), left[1] if left[1] is not None else right[1]

    return st.one_of(
        st.builds(arithmetic, st.sampled_from("+-*"), inner, inner),
        st.builds(chosen, inner, inner, inner),
        st.builds(first, inner, inner),
    )


_pairs = st.recursive(_numbers.map(lambda n: (Literal(n, "HUGEINT"), n)), _combined, max_leaves=6)


@law(examples=60)
@given(pair=_pairs)
def test_trees_of_expressions_group_as_they_are_built(database, pair):
    expression, expected = pair
    ((found,),) = sql.fetch(database, Select((expression.named("v"),)))
    assert found == expected


@law(examples=60)
@given(terms=st.lists(st.sampled_from([True, False, None]), max_size=5))
def test_junctions_follow_three_valued_logic(database, terms):
    conditions = [Literal(term, "BOOLEAN") if term is None else lift(term) for term in terms]
    columns = (all_of(conditions).named("all"), any_of(conditions).named("any"))
    ((every, some),) = sql.fetch(database, Select(columns))
    assert every == (False if False in terms else None if None in terms else True)
    assert some == (True if True in terms else None if None in terms else False)


def test_the_remaining_expressions_say_what_they_say():
    item = Column("item")
    assert value_of(one_of(lift(3), [1, 3])) is True
    assert value_of(one_of(lift(3), [])) is False
    assert value_of(In(lift("a"), (lift("a"), lift("b")))) is True
    assert value_of(
        InQuery((lift(2), lift(2)), Select((Row((Column("range"), Column("range"))).named("r"),), Numbers(3)))
    )
    assert value_of(call("list_filter", ListOf((lift(1), lift(5))), Lambda("item", item > 2))) == [5]
    assert value_of(Not(TRUE)) is False
    assert value_of(FALSE.is_not_true()) is True
    assert value_of(Cast(lift("x"), "DOUBLE", lenient=True)) is None
    assert value_of(Case(((lift(1).equals(2), lift("no")),), lift("yes"))) == "yes"
    assert math.isclose(value_of(lift(7) / 2), 3.5)
    assert value_of(lift(-7) // 2) == -3
    assert value_of(null("BIGINT").is_null()) is True


def test_relations_are_read_grouped_joined_ordered_and_deleted_from(database):
    number = Column("range")
    tens = Select(((number // 10).named("ten"), number.named("n")), Numbers(35))
    ten, n = Column("ten"), Column("n")
    counted = Select(
        (ten.named("ten"), Aggregate("count").named("c"), Aggregate("sum", (n,), where=n > 30).named("s")),
        tens,
        group=(ten,),
    )
    ranked = Select(
        (Star(), Window("row_number", (), (), (Order(Column("c"), descending=True), Order(ten))).named("place")),
        counted,
    )
    best = Select(source=ranked, qualify=None, where=Column("place") <= 2, order=(Order(ten, descending=True),))
    assert sql.fetch(database, best) == [(1, 10, None, 2), (0, 10, None, 1)]
    named = With((("kept", counted),), Select((Aggregate("max", (Column("s"),)).named("m"),), Table("kept")))
    assert sql.fetch(database, named) == [(31 + 32 + 33 + 34,)]
    both = Union(
        (
            Select((number.named("n"),), Numbers(2)),
            Select((number.named("n"),), Numbers(3), order=(Order(number, descending=True),), limit=1),
        )
    )
    assert sorted(sql.fetch(database, both)) == [(0,), (1,), (2,)]
    joined = Join((Member("a", Numbers(4)), Member("b", Numbers(2), ("range",))))
    assert sql.fetch(database, Select((Aggregate("count").named("c"),), joined)) == [(2,)]
    database.execute('CREATE TABLE "odd "" name" AS SELECT range FROM range(10)')
    assert sql.delete(database, Delete(Table('odd " name'), number >= 7)) == 3


@pytest.mark.parametrize(
    "expression",
    [
        Call("read_text", (lift("x"),)),
        Call("1); DROP TABLE t; --", ()),
        Aggregate("string_agg", (lift("x"),)),
        Cast(lift(1), "BIGINT); --"),
        Literal(1, "VARCHAR; --"),
        Literal(2**127),
    ],
)
def test_words_that_the_engine_does_not_use_are_refused(expression):
    with pytest.raises(ValueError, match=r"is no function, operator or type|more than 128 bits"):
        sql.statement(Select((expression.named("v"),)))
