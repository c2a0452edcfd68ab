"""A reader tells its parser of a value of another type: nobody else calls one, where it would be no refusal."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from anomalyops_engine.config.reading import boolean, integer, mapping, number, read_field, text, texts
from anomalyops_engine.refusals import MlError

_ENGINE = Path(__file__).resolve().parents[3] / "operator" / "anomalyops_engine"
_READERS = {"boolean", "duration", "integer", "mapping", "number", "small_integer", "text", "texts"}


@pytest.mark.parametrize("reader", [boolean, integer, mapping, number, text, texts])
def test_a_value_of_another_type_is_refused_by_name(reader):
    value = [[]] if reader is mapping else {}
    with pytest.raises(MlError, match=r"\[thing\].* part") as refused:
        read_field("thing", "part", reader, value)
    assert refused.value.status == 400


def test_no_reader_is_called_outside_of_what_refuses_for_it():
    called = []
    for file in sorted((_ENGINE / "jobs").rglob("*.py")):
        tree = ast.parse(file.read_text())
        imported = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "anomalyops_engine.config.reading"
            for alias in node.names
        }
        called += [
            f"{file.name}:{node.lineno}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in imported & _READERS
        ]
    assert called == []
