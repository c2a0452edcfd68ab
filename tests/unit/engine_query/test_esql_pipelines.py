"""Chains of commands beside a reading of the same chains in plain Python, over rows of small numbers and NULL."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.query.esql.answer import answer
from anomalyops_engine.query.esql.parameters import Parameters
from anomalyops_engine.query.esql.planning import Surroundings
from laws import law

AROUND = Surroundings(lambda name: None, None, 0, ("1", "2", "3"))
NAMES = ("a", "b", "c", "d")


@pytest.fixture(scope="module")
def connection():
    return duckdb.connect()


class Table:
    """Rows under names, in order."""

    def __init__(self, names, rows):
        self.names = list(names)
        self.rows = rows

    def put(self, name, values):
        """Add a column at the end, in place of one of its name."""
        if name in self.names:
            self.drop(name)
        self.names.append(name)
        for row, value in zip(self.rows, values, strict=True):
            row[name] = value

    def drop(self, name):
        self.names.remove(name)
        for row in self.rows:
            row.pop(name, None)


def start():
    """The rows that every chain begins with: a is 1 to 6, b repeats, c is NULL for some."""
    rows = [{"a": n, "b": n % 3, "c": n if n % 2 else None} for n in range(1, 7)]
    text = "ROW a = [1, 2, 3, 4, 5, 6] | MV_EXPAND a | EVAL b = a % 3, c = CASE(a % 2 == 1, a)"
    return text, Table(("a", "b", "c"), rows)


def _sum(values):
    return sum(values) if values else None


AGGREGATES = {
    "COUNT": len,
    "SUM": _sum,
    "MIN": lambda values: min(values, default=None),
    "MAX": lambda values: max(values, default=None),
}


def _added(left, right):
    return None if left is None or right is None else left + right


def _grouped(table, keys, fields):
    groups = {}
    for row in table.rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    if not keys and not groups:
        groups[()] = []
    return {
        key: [AGGREGATES[f](_counting(rows, name, where)) for _, f, name, where in fields]
        for key, rows in groups.items()
    }


def _counting(rows, name, where):
    return [row[name] for row in rows if row[name] is not None and (where is None or row[where] == 1)]


@st.composite
def chains(draw):
    """The text of a chain, and the rows that it must give."""
    text, table = start()
    for _ in range(draw(st.integers(1, 6))):
        pick = st.sampled_from(table.names)
        kind = draw(st.sampled_from(("where", "eval", "stats", "inline", "rename", "drop", "keep", "sort", "null")))
        if kind == "where":
            name, limit = draw(pick), draw(st.integers(0, 6))
            text += f" | WHERE {name} >= {limit}"
            table.rows = [row for row in table.rows if row[name] is not None and row[name] >= limit]
        elif kind == "null":
            name = draw(pick)
            text += f" | WHERE {name} IS NOT NULL"
            table.rows = [row for row in table.rows if row[name] is not None]
        elif kind == "eval":
            made, one, two = draw(st.sampled_from(NAMES)), draw(pick), draw(pick)
            text += f" | EVAL {made} = {one} + {two}"
            table.put(made, [_added(row[one], row[two]) for row in table.rows])
        elif kind in {"stats", "inline"}:
            keys = draw(st.lists(pick, max_size=2, unique=True))
            free = [name for name in (*NAMES, "x", "y") if name not in keys]
            names = draw(st.lists(st.sampled_from(free), min_size=1, max_size=2, unique=True))
            fields = [(n, draw(st.sampled_from(sorted(AGGREGATES))), draw(pick), draw(st.none() | pick)) for n in names]
            written = ", ".join(f"{n} = {f}({x}){f' WHERE {w} == 1' if w else ''}" for n, f, x, w in fields)
            by = f" BY {', '.join(keys)}" if keys else ""
            text += f" | {'STATS' if kind == 'stats' else 'INLINESTATS'} {written}{by}"
            groups = _grouped(table, keys, fields)
            if kind == "stats":
                columns = [*names, *keys]
                table = Table(
                    columns, [dict(zip(columns, [*found, *key], strict=True)) for key, found in groups.items()]
                )
            else:
                found = [
                    (tuple(row[key] for key in keys), groups[tuple(row[key] for key in keys)]) for row in table.rows
                ]
                for place, name in enumerate(names):
                    table.put(name, [values[place] for _, values in found])
                for place, name in enumerate(keys):
                    table.put(name, [key[place] for key, _ in found])
        elif kind == "rename":
            old, new = draw(pick), draw(st.sampled_from((*NAMES, "z")))
            text += f" | RENAME {old} AS {new}"
            if new != old:
                if new in table.names:
                    table.drop(new)
                table.names[table.names.index(old)] = new
                for row in table.rows:
                    row[new] = row.pop(old)
        elif kind == "drop" and len(table.names) > 1:
            name = draw(pick)
            text += f" | DROP {name}"
            table.drop(name)
        elif kind == "keep":
            names = draw(st.lists(pick, min_size=1, unique=True))
            text += f" | KEEP {', '.join(names)}"
            table = Table(names, [{name: row[name] for name in names} for row in table.rows])
        elif kind == "sort":
            names = [(name, draw(st.booleans())) for name in table.names]
            limit = draw(st.integers(1, 6))
            text += f" | SORT {', '.join(f'{name} DESC' if down else name for name, down in names)} | LIMIT {limit}"
            for name, down in reversed(names):
                # NULL is last upwards and first downwards: as if it were above every number.
                table.rows.sort(key=lambda row, name=name: (row[name] is None, row[name] or 0), reverse=down)
            table.rows = table.rows[:limit]
    return text, table


def _order(row):
    return [(value is None, value or 0) for value in row]


@given(chain=chains())
@law(examples=150)
def test_a_chain_of_commands_gives_what_each_says(connection, chain):
    text, table = chain
    found = answer(connection.cursor(), text, Parameters(), AROUND)
    assert [name for name, _ in found.columns] == table.names
    rows = [[row[name] for name in table.names] for row in table.rows]
    assert sorted(found.rows, key=_order) == sorted(rows, key=_order)
