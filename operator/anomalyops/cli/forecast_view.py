"""A forecast as a plot with words, as JSON and as CSV; and how the making of it goes on."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.style import Style
from rich.text import Text

from anomalyops.cli.apply_view import live_bars
from anomalyops.cli.findings_view import STYLES
from anomalyops.cli.plot import Mark, Series, plot
from anomalyops.local.forecasting import ForecastSeries, JobForecast, Listener

_PLOT_ROWS: Final = 12
_WIDEST_PLOT: Final = 140


@contextmanager
def progress_of(job: str, console: Console) -> Iterator[Listener]:
    """The listener that fits the console: a live bar in a terminal, a line for each new status elsewhere."""
    if console.is_terminal:
        with live_bars(console) as bars:
            task = bars.add_task(job, total=1.0, words="")
            yield lambda status, progress: bars.update(task, completed=progress, words=f"forecast {status}")
        return
    said: list[str] = []

    def tell(status: str, progress: float) -> None:
        if status not in said:
            said.append(status)
            console.print(Text(f"{job}: forecast {status} ({progress:.0%})"), soft_wrap=True)

    yield tell


def forecast_view(forecast: JobForecast, *, width: int) -> Text:
    """What was forecast, what the server says about it, and a plot of the first series."""
    text = Text().append(f"Forecast {forecast.forecast_id} of {forecast.job}\n", "bold")
    expiry = f"expires {_moment(forecast.expires)}" if forecast.expires is not None else "never expires"
    text.append(f"{_moment(forecast.start)} to {_moment(forecast.end)} UTC, {forecast.records:,} records, ")
    text.append(f"{forecast.status}, {expiry}\n")
    for message in forecast.messages:
        text.append(f"{message}\n", Style(color="yellow"))
    if not forecast.series or not forecast.series[0].times:
        return text.append("There is nothing to show.")
    series = forecast.series[0]
    name = f" of {series.name}" if series.name else ""
    text.append(f"\n{series.feature}{name}\n", "bold")
    for row in plot(_drawn(series, forecast.bucket_span), width=min(width, _WIDEST_PLOT), height=_PLOT_ROWS):
        for segment in row:
            text.append(segment.text, STYLES[segment.mark])
        text.append("\n")
    text.append("⣀⠔⠊ actual", STYLES[Mark.ACTUAL]).append("   ").append("⠒ ⠒ expected", STYLES[Mark.EXPECTED])
    text.append("   ").append("⠅⡂⠅ forecast bounds (95 %)", STYLES[Mark.BAND])
    return text.append(f"\n{_outcome(series)}")


def _outcome(series: ForecastSeries) -> str:
    if series.came:
        share = series.inside / len(series.came)
        return f"{len(series.came):,} of {len(series.times):,} buckets have come since: {share:.1%} within the bounds"
    if series.before:
        return "Nothing has come since."
    return "The job keeps no measured values (modelPlotConfig): the past and what comes cannot be shown."


def _drawn(series: ForecastSeries, span_s: int) -> Series:
    """The series on equal steps of time, from the first value that is known to the end of the forecast."""
    begin = min([*series.before, series.times[0]])
    places = {moment: place for place, moment in enumerate(series.times)}
    times = [begin + step * span_s for step in range(round((series.times[-1] - begin) / span_s) + 1)]
    actual = {**series.before, **series.came}

    def at(values: Any) -> list[float | None]:
        return [values[places[moment]] if moment in places else None for moment in times]

    return Series(
        times=times,
        actual=[actual.get(moment) for moment in times],
        lower=at(series.lower),
        upper=at(series.upper),
        expected=at(series.expected),
    )


def forecast_document(forecast: JobForecast) -> dict[str, Any]:
    """A forecast as JSON values."""
    return {
        "job": forecast.job,
        "forecastId": forecast.forecast_id,
        "status": forecast.status,
        "start": _iso(forecast.start),
        "end": _iso(forecast.end),
        "expires": _iso(forecast.expires) if forecast.expires is not None else None,
        "messages": list(forecast.messages),
        "records": forecast.records,
        "series": [
            {
                "detectorIndex": series.detector_index,
                "feature": series.feature,
                "fields": dict(series.fields),
                "points": [
                    {
                        "timestamp": _iso(datetime.fromtimestamp(moment, UTC)),
                        "expected": expected,
                        "lower": lower,
                        "upper": upper,
                        "actual": series.came.get(moment),
                    }
                    for moment, expected, lower, upper in zip(
                        series.times, series.expected, series.lower, series.upper, strict=True
                    )
                ],
            }
            for series in forecast.series
        ],
    }


def forecast_csv(forecast: JobForecast) -> str:
    """A forecast as CSV: one line a series and bucket; what has not come is empty."""
    names = list(dict.fromkeys(name for series in forecast.series for name in series.fields))
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(["timestamp", "detector_index", *names, "expected", "lower", "upper", "actual"])
    for series in forecast.series:
        fields = [series.fields.get(name, "") for name in names]
        for moment, *values in zip(series.times, series.expected, series.lower, series.upper, strict=True):
            came = series.came.get(moment, "")
            writer.writerow([_iso(datetime.fromtimestamp(moment, UTC)), series.detector_index, *fields, *values, came])
    return lines.getvalue()


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"
