"""Every library that is imported is asked for by name: nobody relies on what another library happens to bring."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LATER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Try)  # runs when it is called, or can do without
IMPORTS = (ast.Import, ast.ImportFrom)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def imported(package: str, *, at_start: bool) -> Iterator[tuple[str, str]]:
    """Top-level modules that are not Python's own or ours, each with the file that imports it.

    Either what a module cannot be loaded without, or what its functions import when they are called.
    """
    for path in sorted((ROOT / "operator" / package).rglob("*.py")):
        tree = ast.parse(path.read_text())
        first = {node for statement in tree.body if not isinstance(statement, LATER) for node in ast.walk(statement)}
        for node in ast.walk(tree):
            if isinstance(node, IMPORTS) and (node in first) is at_start:
                for name in modules(node):
                    if name not in sys.stdlib_module_names and not name.startswith("anomalyops"):
                        yield name, str(path.relative_to(ROOT))


def modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    return [name.split(".")[0] for name in names]


def listed(*extras: str) -> set[str]:
    wanted = PROJECT["dependencies"] + [name for extra in extras for name in PROJECT["optional-dependencies"][extra]]
    return {plain(re.split(r"[\[<>=!~; ]", name)[0]) for name in wanted}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(
    ("package", "at_start", "extras"),
    [
        ("anomalyops", True, ()),
        ("anomalyops", False, ("engine",)),  # the loader reads Parquet and Zstandard where the engine is installed
        ("anomalyops_insight", True, ("mcp",)),
        ("anomalyops_insight", False, ()),
        ("anomalyops_console", True, ("console",)),
        ("anomalyops_reading", True, ()),
        ("anomalyops_web", True, ("console",)),
        ("anomalyops_web", True, ("engine",)),
        ("anomalyops_engine", True, ("engine",)),
        ("anomalyops_engine", False, ("engine",)),
    ],
)
def test_what_is_imported_is_listed(package, at_start, extras):
    distributions, asked_for = packages_distributions(), listed(*extras)
    missing = {
        (module, where)
        for module, where in imported(package, at_start=at_start)
        if not {plain(name) for name in distributions.get(module, [module])} & asked_for
    }
    assert missing == set()
