"""Columns that nothing reads are left out of statements, and their answers are the same."""

from __future__ import annotations

import pytest

from anomalyops_engine.query import sql
from anomalyops_engine.query.esql import answer as answers
from anomalyops_engine.query.esql.parameters import read_parameters
from anomalyops_engine.query.esql.planning import Surroundings
from anomalyops_engine.query.expr import Column, Join, Literal, Member, Select, Star, Table, Union, With
from anomalyops_engine.query.pruning import pruned


def source(*names, table="t"):
    return Select(tuple(Column(f"c{name}").named(name) for name in names), Table(table))


def test_the_members_of_a_union_keep_what_is_read_of_any_of_them():
    rows = Union((source("a", "b", "c"), source("a", "b", "c", table="u")))
    inner = Select((Star(), Column("a").named("d")), rows, where=Column("b").is_not_null())
    asked = Select((Column("d").named("r0"),), inner)
    text = sql.statement(pruned(asked)).text
    assert text.count('"cc"') == 0
    assert text.count('"ca"') == text.count('"cb"') == 2


def test_rows_of_which_no_column_is_read_are_still_rows():
    asked = Select((Literal(1).named("r0"),), Union((source("a", "b"), source("a", "b", table="u"))))
    assert sql.statement(pruned(asked)).text.count('"ca"') == 2


def test_what_is_joined_or_bound_keeps_what_it_is_joined_by():
    rows = Union((source("k", "a", "b"), source("k", "a", "b", table="u")))
    joined = Join((Member("x", rows), Member("y", Table("bound"), using=("k",))))
    asked = Select(
        (Column("a", "x").named("r0"),), With((("bound", Select((Star(),), rows)),), Select((Star(),), joined))
    )
    text = sql.statement(pruned(asked)).text
    assert (text.count('"ck"'), text.count('"ca"'), text.count('"cb"')) == (4, 4, 0)


def test_a_star_at_the_top_keeps_everything():
    asked = Select((Star(),), Union((source("a"), source("a"))))
    assert pruned(asked) is asked


@pytest.mark.parametrize(
    "read", ["KEEP host", "STATS COUNT(*)", "STATS n = COUNT(*) BY host", "WHERE size > 3 | KEEP ok"]
)
def test_a_statement_asks_for_few_columns(corpus, read, monkeypatch):
    asked = []
    monkeypatch.setattr(answers.sql, "fetch", lambda _, relation: asked.append(sql.statement(relation).text) or [])
    around = Surroundings(lambda _: corpus.indices, None, 0, ("1", "2", "3"))
    answers.answer(corpus.reader.connection, f"FROM docs-* | {read}", read_parameters(None), around)
    assert asked[-1].count(" AS ") < 20
