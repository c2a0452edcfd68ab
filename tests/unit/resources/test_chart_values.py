"""The chart's README says of every value what its comment says, and of nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from anomalyops.resources.chart_values import chart_sections, chart_values, generate_chart_readme

CHART = Path(__file__).parents[3] / "charts" / "anomalyops"
VALUES = (CHART / "values.yaml").read_text(encoding="utf-8")

names = st.text("abcxyz", min_size=1, max_size=4)
words = st.text("mnop ", max_size=12).map(str.strip)
scalars = st.one_of(st.booleans(), st.integers(0, 9), st.just(""), st.just([]), st.just({}))
trees = st.recursive(scalars, lambda below: st.dictionaries(names, below, min_size=1, max_size=3), max_leaves=8)


def written(values: dict[str, Any], draw: Any, path: tuple[str, ...], said: dict[str, str]) -> Iterator[str]:
    indent = "  " * len(path)
    for key, value in values.items():
        if comment := draw(words):
            said[".".join((*path, key))] = comment
            yield f"{indent}# {comment}"
        if isinstance(value, dict) and value:
            yield f"{indent}{key}:"
            yield from written(value, draw, (*path, key), said)
        else:
            yield f"{indent}{key}: {json.dumps(value)}"


@given(st.dictionaries(names, trees, min_size=1, max_size=4), st.data())
def test_each_comment_belongs_to_the_value_below_it(values: dict[str, Any], data: Any) -> None:
    said: dict[str, str] = {}
    text = "\n".join(written(values, data.draw, (), said)) + "\n"
    assert yaml.safe_load(text) == values
    found = {one.path: one.words for one in chart_values(text) if one.words} | chart_sections(text)
    assert found == said
    readme = generate_chart_readme(text)
    assert all(f"`{path}`" in readme for path in (one.path for one in chart_values(text)))
    assert all(f"{' '.join(comment.split())} |" in readme for comment in said.values())


def test_the_readme_is_that_of_the_values() -> None:
    assert (CHART / "README.md").read_text(encoding="utf-8") == generate_chart_readme(VALUES)


def test_every_value_is_known_to_the_schema() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))

    def resolved(node: dict[str, Any]) -> dict[str, Any]:
        for part in node.get("$ref", "").removeprefix("#/").split("/") if "$ref" in node else ():
            node = schema[part] if "$ref" in node else node[part]
        return node

    for one in chart_values(VALUES):
        node = schema
        for part in one.path.split("."):
            if "properties" not in node:
                break  # an object of Kubernetes, which the schema takes as it is
            assert part in node["properties"], one.path
            node = resolved(node["properties"][part])
