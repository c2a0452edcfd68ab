"""Anomalies, influencers and the series around the worst anomaly, as tables, a plot and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

from anomalyops.cli.plot import Mark, Series, plot
from anomalyops.cli.severity import severity
from anomalyops.local.findings import Anomaly, Influencer, ModelPlot

_PLOT_ROWS: Final = 12
_WIDEST_PLOT: Final = 140
_WIDE: Final = 110  # characters from which on function and severity have a column
_INFLUENCERS: Final = 10
_DIGITS: Final = 3  # significant ones, unless more are needed
_MOST_DIGITS: Final = 17  # what a double has
STYLES: Final = {
    Mark.BAND: Style(color="#4a7fb5"),
    Mark.EXPECTED: Style(color="#f2c94c"),
    Mark.ACTUAL: Style(color="#e8e8e8", bold=True),
    Mark.ANOMALY: Style(color="#fe5050", bold=True),
    Mark.AXIS: Style(dim=True),
    Mark.NOTHING: Style(),
}


def findings_view(
    anomalies: Sequence[Anomaly], influencers: Sequence[Influencer], plots: Sequence[ModelPlot], *, width: int
) -> Group:
    """Everything together.

    Args:
        anomalies: Highest first.
        influencers: Highest first; the first few are shown.
        plots: Series to show.
        width: Characters that are there.
    """
    if not anomalies:
        return Group(Text("No anomalies of that score."))
    parts: list[RenderableType] = [Text("Anomalies", style="bold"), anomaly_table(anomalies, width=width)]
    if influencers:
        parts += [Text(), Text("Influencers", style="bold"), influencer_table(influencers[:_INFLUENCERS])]
    for series in plots:
        parts += [Text(), series_plot(series, width=width)]
    return Group(*parts)


def anomaly_table(anomalies: Sequence[Anomaly], *, width: int) -> Table:
    """Time, job, entity, actual, typical and score, the score in the colour of its severity."""
    wide = width >= _WIDE
    table = _table("JOB", "ENTITY", *(["FUNCTION"] if wide else []))
    for heading in ("ACTUAL", "TYPICAL", "SCORE"):
        table.add_column(heading, justify="right", no_wrap=True)
    if wide:
        table.add_column("SEVERITY", no_wrap=True)
    seconds = any(anomaly.timestamp.second for anomaly in anomalies)
    for anomaly in anomalies:
        band = severity(anomaly.score)
        style = Style(color=band.colour, bold=band.threshold >= 75)
        table.add_row(
            _time(anomaly.timestamp, seconds=seconds),
            anomaly.job,
            anomaly.entity or "-",
            *([anomaly.function] if wide else []),
            *_numbers(anomaly.actual, anomaly.typical),
            Text(f"{anomaly.score:.1f}", style=style),
            *([Text(band.name, style=style)] if wide else []),
        )
    return table


def influencer_table(influencers: Sequence[Influencer]) -> Table:
    """The time of the highest score, field, value, job and the score."""
    table = _table("INFLUENCER", "VALUE", "JOB")
    table.add_column("SCORE", justify="right", no_wrap=True)
    seconds = any(influencer.timestamp.second for influencer in influencers)
    for influencer in influencers:
        table.add_row(
            _time(influencer.timestamp, seconds=seconds),
            influencer.field,
            influencer.value,
            influencer.job,
            Text(f"{influencer.score:.1f}", style=Style(color=severity(influencer.score).colour)),
        )
    return table


def series_plot(series: ModelPlot, *, width: int) -> Text:
    """The series with its bounds, the anomalies in red, and a legend."""
    anomaly = series.anomaly
    entity = f" of {anomaly.entity}" if anomaly.entity else ""
    moment = _time(anomaly.timestamp, seconds=anomaly.timestamp.second > 0)
    text = Text().append(f"{anomaly.job}: {anomaly.function}{entity} around {moment} UTC\n", "bold")
    rows = plot(
        Series(
            times=series.times,
            actual=series.actual,
            lower=series.lower,
            upper=series.upper,
            anomalies=series.anomalies,
        ),
        width=min(width, _WIDEST_PLOT),
        height=_PLOT_ROWS,
    )
    for row in rows:
        for segment in row:
            text.append(segment.text, STYLES[segment.mark])
        text.append("\n")
    text.append("● anomaly", STYLES[Mark.ANOMALY]).append("   ")
    text.append("⣀⠔⠊ actual", STYLES[Mark.ACTUAL]).append("   ")
    return text.append("⠅⡂⠅ model bounds (95 %)", STYLES[Mark.BAND])


def findings_document(anomalies: Sequence[Anomaly], influencers: Sequence[Influencer]) -> dict[str, Any]:
    """Anomalies and influencers as JSON values."""
    return {
        "anomalies": [
            {
                "job": anomaly.job,
                "timestamp": _iso(anomaly.timestamp),
                "recordScore": round(anomaly.score, 4),
                "entity": anomaly.entity,
                "actual": _json(anomaly.actual),
                "typical": _json(anomaly.typical),
            }
            for anomaly in anomalies
        ],
        "influencers": [
            {
                "job": influencer.job,
                "timestamp": _iso(influencer.timestamp),
                "influencerScore": round(influencer.score, 4),
                "field": influencer.field,
                "value": influencer.value,
            }
            for influencer in influencers
        ],
    }


def _table(*headings: str) -> Table:
    """A table that begins with a time."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("TIME (UTC)", no_wrap=True)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _time(moment: datetime, *, seconds: bool) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if seconds else f"{moment:%Y-%m-%d %H:%M}"


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def _numbers(actual: Sequence[float], typical: Sequence[float]) -> tuple[str, str]:
    """Return actual and typical with as many digits as it takes to tell one from the other."""
    for digits in range(_DIGITS, _MOST_DIGITS + 1):
        shown = [", ".join(_number(value, digits) for value in values) or "-" for values in (actual, typical)]
        if shown[0] != shown[1] or list(actual) == list(typical):
            break
    return shown[0], shown[1]


def _number(value: float, digits: int) -> str:
    """Return a number with so many significant digits, and all digits of what is before the point."""
    if value and not 1e-3 <= abs(value) < 1e9:
        return f"{value:.{digits}g}"
    if value == int(value):
        return f"{value:,.0f}"
    before = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    if before >= digits:
        return f"{value:,.0f}"
    return f"{float(f'{value:.{digits}g}'):,}"


def _json(values: Sequence[float]) -> float | list[float] | None:
    """One number for what is one number; a list for places, None for nothing."""
    if not values:
        return None
    return values[0] if len(values) == 1 else list(values)
