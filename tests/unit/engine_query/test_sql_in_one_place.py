"""Only `query.sql` and `store` make and run SQL text, and no text of a request is ever part of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ENGINE = Path(__file__).resolve().parents[3] / "operator" / "anomalyops_engine"
WRITER = ENGINE / "query" / "sql.py"
MODULES = sorted(ENGINE.rglob("*.py"))
STORE = [path for path in MODULES if path.parent.name == "store"]
OTHERS = [path for path in MODULES if path not in STORE and path != WRITER]

RUNNERS = {"execute", "executemany", "sql", "from_query", "query_df"}
# Statements and clauses as text: a verb or clause in capitals with what follows it in SQL.
STATEMENT = re.compile(
    r"\b(SELECT\b.*\bFROM|INSERT INTO|DELETE FROM|UPDATE \w+ SET|CREATE (OR REPLACE )?(TABLE|VIEW|INDEX)"
    r"|ALTER TABLE|DROP TABLE|COPY .* TO|ATTACH |PRAGMA |GROUP BY|ORDER BY|UNION ALL|LEFT JOIN"
    r"|IS NOT NULL|CASE WHEN|WHERE .*[=<>?])",
    re.DOTALL,
)
# What may stand in braces in a statement of the store.
SAFE_CALLS = {"assignments", "quoted", "typed", "column_list", "united", "all_rows"}


def _docstrings(tree: ast.Module) -> set[int]:
    nodes = [tree, *(n for n in ast.walk(tree) if isinstance(n, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef))]
    return {
        id(node.body[0].value)
        for node in nodes
        if node.body and isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant)
    }


def _texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and text of every string that is no docstring; f-strings with `?` for what is put in."""
    skipped = _docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [str(v.value) if isinstance(v, ast.Constant) else "?" for v in node.values]
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.lineno, node.value


def faults_of(source: str) -> list[str]:
    """Return what a module outside the two places does that only they may do."""
    tree = ast.parse(source)
    found = [f"{line}: SQL text {text[:60]!r}" for line, text in _texts(tree) if STATEMENT.search(text)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            found += [f"{node.lineno}: imports {name}" for name in names if name.split(".")[0] == "duckdb"]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in RUNNERS:
            found.append(f"{node.lineno}: runs a statement with .{node.func.attr}()")
    return found


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: str(path.relative_to(ENGINE)))
def test_no_other_module_makes_or_runs_sql(path):
    assert faults_of(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "import duckdb",
        "from duckdb import connect",
        "def f(c, name):\n    return c.execute(name)",
        "def f(c, name):\n    return f'SELECT a FROM {name}'",
        "X = 'WHERE a = ' + 'b'",
        "def f(n):\n    return f'{n} IS NOT NULL'",
        "X = 'SELECT *' ' FROM t'",
    ],
)
def test_the_scan_finds_what_it_looks_for(source):
    assert faults_of(source)


def unsafe_parts_of(source: str) -> list[str]:
    """Return the parts of statements of the store that are neither constant nor made by a safe function."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in RUNNERS):
            continue
        text = node.args[0]
        parts = text.values if isinstance(text, ast.JoinedStr) else [text]
        for part in parts:
            inner = part.value if isinstance(part, ast.FormattedValue) else part
            constant = isinstance(inner, ast.Constant) or (isinstance(inner, ast.Name) and inner.id.isupper())
            safe = isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id in SAFE_CALLS
            if not constant and not safe:
                found.append(f"{inner.lineno}: {ast.unparse(inner)}")
    return found


@pytest.mark.parametrize("path", STORE, ids=lambda path: path.name)
def test_statements_of_the_store_are_constant_but_for_quoted_names(path):
    assert unsafe_parts_of(path.read_text()) == []


@pytest.mark.parametrize("text", ["name", "f'DROP TABLE {name}'", "'DROP TABLE ' + name", "f'DROP TABLE {safe.name}'"])
def test_the_scan_of_the_store_finds_what_it_looks_for(text):
    assert unsafe_parts_of(f"c.execute({text})")


def test_the_writer_puts_no_value_into_statements_but_the_digits_of_whole_numbers():
    tree = ast.parse(WRITER.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in RUNNERS:
            assert ast.unparse(node.args[0]) == "made.text"
    (writer,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "_Writer"]
    written = [n for n in ast.walk(writer) if isinstance(n, ast.FormattedValue) and ast.unparse(n.value) == "value"]
    # With `:d` an f-string takes whole numbers only.
    assert {ast.unparse(part.format_spec) for part in written if part.format_spec} == {"f'd'"}
    assert all(part.format_spec for part in written)
