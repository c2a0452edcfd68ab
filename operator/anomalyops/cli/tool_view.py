"""Tools and their answers, as tables, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from anomalyops.cli.severity import severity
from anomalyops.plan.managing import ManagingTool
from anomalyops_insight.server import Asked
from anomalyops_insight.tools import Found, Row, Tool

_SCORES: Final = ("record_score", "anomaly_score", "influencer_score", "max_score", "max_anomaly_score")
_WIDEST_CELL: Final = 60


def tools_view(tools: Sequence[Tool[Any, Any] | ManagingTool[Any]]) -> Group:
    """All tools by category, each with when to use it."""
    parts: list[RenderableType] = []
    for category in dict.fromkeys(tool.category for tool in tools):
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column()
        for tool in tools:
            if tool.category == category:
                table.add_row(tool.name, tool.when)
        parts += [Text(category, style="bold"), table, Text()]
    return Group(*parts[:-1])


def tool_view(tool: Tool[Any, Any] | ManagingTool[Any]) -> Group:
    """One tool: when to use it, its parameters, the columns of its rows or that it changes something, an example."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("PARAMETER", "DEFAULT", "WHAT IT IS"):
        table.add_column(heading, no_wrap=heading != "WHAT IT IS")
    for name, field in tool.parameters.model_fields.items():
        default = "needed" if field.is_required() else "-" if field.default is None else str(field.default)
        table.add_row(option(name), default, " ".join([field.description or "", *_limits(field.metadata)]).strip())
    rows = f"Rows: {', '.join(tool.row.model_fields)}" if isinstance(tool, Tool) else "Shows its plan; --yes does it."
    return Group(
        Text(tool.name, style="bold"), Text(tool.when), Text(), table, Text(),
        Text(rows), Text(f"Example: {example(tool)}"),
    )  # fmt: skip


def option(name: str) -> str:
    """A parameter as the command line has it."""
    return "--" + name.replace("_", "-")


def example(tool: Tool[Any, Any] | ManagingTool[Any]) -> str:
    """A command that uses the tool."""
    words = [f"{option(name)} {_quoted(_written(value))}" for name, value in tool.example.items()]
    return " ".join([f"anomalyops tool {tool.name}", *words])


def _quoted(text: str) -> str:
    return f"'{text}'" if set(text) & set("* {[") else text


def _written(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def _limits(metadata: Sequence[Any]) -> list[str]:
    least = next((item.ge for item in metadata if hasattr(item, "ge")), None)
    most = next((item.le for item in metadata if hasattr(item, "le")), None)
    if least is None and most is None:
        return []
    return [f"From {least} to {most}." if most is not None else f"From {least} on."]


def tool_document(tool: Tool[Any, Any] | ManagingTool[Any]) -> dict[str, Any]:
    """One tool as JSON values."""
    return {
        "name": tool.name,
        "category": tool.category,
        "when": tool.when,
        "parameters": tool.parameters.model_json_schema()["properties"],
        "rows": list(tool.row.model_fields) if isinstance(tool, Tool) else [],
        "changes": not isinstance(tool, Tool),
        "example": dict(tool.example),
    }


def answer_view(tool: Tool[Any, Any], found: Found[Any], *, width: int) -> Group:
    """An answer as a table; columns that hold nothing are left out, and where it is too wide, each row is a block."""
    notes: list[RenderableType] = [Text(note, style="dim") for note in found.notes]
    if found.empty is not None:
        return Group(Text(found.empty.message), *notes)
    names = [name for name in tool.row.model_fields if any(_cell(getattr(row, name)) for row in found.rows)]
    cells = [[_cell(getattr(row, name)) for name in names] for row in found.rows]
    widths = [max(len(name), *(len(row[n]) for row in cells)) for n, name in enumerate(names)]
    if not found.complete:
        notes.append(Text(f"These are {len(found.rows)}; there may be more."))
    if sum(widths) + 2 * len(widths) <= width:
        return Group(_table(names, cells, found.rows), *notes)
    return Group(*_blocks(names, cells), *notes)


def _table(names: Sequence[str], cells: Sequence[Sequence[str]], rows: Sequence[Row]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for n, name in enumerate(names):
        numbers = all(isinstance(getattr(row, name), int | float | None) for row in rows)
        table.add_column(name.upper(), justify="right" if numbers and n else "left", no_wrap=True)
    for row, values in zip(rows, cells, strict=True):
        styled = [
            Text(text, style=severity(getattr(row, name)).colour) if name in _SCORES and text else Text(text)
            for name, text in zip(names, values, strict=True)
        ]
        table.add_row(*styled)
    return table


def _blocks(names: Sequence[str], cells: Sequence[Sequence[str]]) -> list[RenderableType]:
    widest = max(len(name) for name in names)
    parts: list[RenderableType] = []
    for values in cells:
        if parts:
            parts.append(Text())
        lines = [f"{name:<{widest}}  {text}" for name, text in zip(names, values, strict=True) if text]
        parts.append(Text("\n".join(lines)))
    return parts


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M:%S")
        case float():
            return f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"
        case tuple():
            return _shortened(", ".join(_cell(item) for item in value))
        case dict():
            return json.dumps(value, ensure_ascii=False, default=str)
        case _:
            return _shortened(str(value))


def _shortened(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _WIDEST_CELL else flat[: _WIDEST_CELL - 3] + "..."


def answer_document(
    tool: Tool[Any, Any], values: Mapping[str, Any], found: Found[Any], asked: Sequence[Asked]
) -> dict[str, Any]:
    """An answer as JSON values."""
    document: dict[str, Any] = {
        "tool": tool.name,
        "parameters": dict(values),
        "rows": [row.model_dump(mode="json") for row in found.rows],
        "complete": found.complete,
        "empty": None,
        "notes": list(found.notes),
    }
    if found.empty is not None:
        document["empty"] = {"reason": str(found.empty.reason), "message": found.empty.message}
    if asked:
        document["queries"] = [asdict(one) for one in asked]
    return document


def answer_csv(tool: Tool[Any, Any], found: Found[Any]) -> str:
    """An answer as CSV with a line of headings; several values and documents as JSON."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = list(tool.row.model_fields)
    writer.writerow(names)
    for row in found.rows:
        plain = row.model_dump(mode="json")
        writer.writerow([_csv_cell(plain[name]) for name in names])
    return text.getvalue()


def _csv_cell(value: Any) -> Any:
    if isinstance(value, list):
        return value[0] if len(value) == 1 else "" if not value else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value


def query_lines(asked: Sequence[Asked]) -> list[str]:
    """What was asked, each with how it was answered."""
    lines = []
    for one in asked:
        words = {"esql": "ES|QL", "search": "search", "call": "call"}[one.way]
        rows = "" if one.rows is None else f", {one.rows} rows"
        lines += [f"-- {words}{rows}{f': {one.note}' if one.note else ''}", one.shown, ""]
    return lines[:-1]
