"""What holds for every tool."""

from __future__ import annotations

from pathlib import Path

import pytest

from anomalyops.cli.console import output
from anomalyops.cli.tool_view import example, tool_document, tool_view
from anomalyops_insight.errors import BadRequestError
from anomalyops_insight.toolset import all_tools

TOOLS = all_tools()


@pytest.mark.parametrize("tool", TOOLS, ids=[tool.name for tool in TOOLS])
def test_a_tool_describes_itself(tool, capsys):
    assert tool.name.startswith("ad_")
    assert tool.when.endswith(".")
    assert all(field.description for field in tool.parameters.model_fields.values())
    tool.read(tool.example)
    output().print(tool_view(tool))
    text = capsys.readouterr().out
    for name in tool.parameters.model_fields:
        assert f"--{name.replace('_', '-')}" in text
    assert example(tool).startswith(f"anomalyops tool {tool.name}")
    assert set(tool_document(tool)["parameters"]) == set(tool.parameters.model_fields)


@pytest.mark.parametrize("tool", TOOLS, ids=[tool.name for tool in TOOLS])
def test_thresholds_are_those_of_the_guide(tool):
    fields = tool.parameters.model_fields
    if "min_score" in fields:
        assert fields["min_score"].default == 25
    if "min_job_count" in fields:
        assert fields["min_job_count"].default == 2


def test_the_docs_have_every_tool():
    text = (Path(__file__).parents[3] / "docs" / "tools.md").read_text()
    assert [tool.name for tool in TOOLS if f"`{tool.name}`" not in text] == []


@pytest.mark.parametrize(
    "tool",
    [tool for tool in TOOLS if {"start", "end"} <= set(tool.parameters.model_fields)],
    ids=lambda tool: tool.name,
)
def test_a_window_that_ends_before_it_starts_is_refused(tool):
    window = {"start": "2026-10-31", "end": "2026-10-30"}
    with pytest.raises(BadRequestError, match=r"start 2026-10-31.* is not before end 2026-10-30"):
        tool.read({**tool.example, **window})
