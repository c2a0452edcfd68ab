"""Explanations as text with a plot, and as JSON."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from anomalyops.cli.findings_view import STYLES
from anomalyops.cli.plot import Series, plot
from anomalyops_insight.explaining import Explanation

_ROWS = 10
_WIDEST = 120
_MARKS = {"raises": "+", "lowers": "-", "none": " "}


def explanation_view(found: Explanation, *, width: int) -> Group:
    """The verdict, the series with its bounds, and what speaks for the verdict."""
    when = found.at.strftime("%Y-%m-%d %H:%M:%S UTC")
    parts: list[RenderableType] = [Text(f"{found.job_id}, {when}", style="bold"), Text(found.verdict)]
    drawn = _plot(found, width)
    if drawn is not None:
        parts += [Text(), drawn]
    parts.append(Text())
    widest = max((len(part.about) for part in found.parts), default=0)
    for part in found.parts:
        parts.append(Text(f"{_MARKS[part.effect]} {part.about:<{widest}}  {part.text}"))
    return Group(*parts)


def _plot(found: Explanation, width: int) -> Text | None:
    rows = found.subject.plot
    series = {(row.partition_field_value, row.by_field_value, row.over_field_value) for row in rows}
    if len(rows) < 3 or len(series) != 1:
        return None
    drawn = plot(
        Series(
            times=[row.timestamp.timestamp() for row in rows],
            actual=[row.actual for row in rows],
            lower=[row.model_lower for row in rows],
            upper=[row.model_upper for row in rows],
            anomalies=frozenset(n for n, row in enumerate(rows) if found.flagged and row.timestamp == found.at),
        ),
        width=min(width, _WIDEST),
        height=_ROWS,
    )
    text = Text()
    for n, line in enumerate(drawn):
        if n:
            text.append("\n")
        for segment in line:
            text.append(segment.text, STYLES[segment.mark])
    return text


def explanation_document(found: Explanation) -> dict[str, Any]:
    """An explanation as JSON values."""
    record = found.subject.record
    return {**found.document(), "record": None if record is None else record.model_dump(mode="json")}
