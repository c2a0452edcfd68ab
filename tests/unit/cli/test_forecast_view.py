"""A forecast as text, JSON and CSV: what was forecast, what the server says, and what came."""

import csv
import io
import math
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from anomalyops.cli.forecast import _in_days
from anomalyops.cli.forecast_view import forecast_csv, forecast_document, forecast_view, progress_of
from anomalyops.local.forecasting import ForecastSeries, JobForecast

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = 3600.0


def series(*, came=0, before=48, **fields):
    begin = START.timestamp()
    times = [begin + hour * HOUR for hour in range(48)]
    wave = [100 + 40 * math.cos(hour / 24 * 2 * math.pi) for hour in range(48)]
    return ForecastSeries(
        detector_index=0,
        feature="arithmetic mean value by person",
        fields=fields,
        times=times,
        expected=wave,
        lower=[value - 10 for value in wave],
        upper=[value + 10 for value in wave],
        before={begin - hour * HOUR: 100.0 for hour in range(1, before + 1)},
        # Every fourth value that came lies outside.
        came={times[hour]: wave[hour] + (20 if hour % 4 == 3 else 0) for hour in range(came)},
    )


def forecast(*found, messages=()):
    return JobForecast(
        job="cpu",
        forecast_id="f1",
        status="finished",
        start=START,
        end=START + timedelta(days=2),
        expires=START + timedelta(days=14),
        messages=messages,
        records=48,
        bucket_span=3600,
        series=found,
    )


def shown(made):
    console = Console(file=io.StringIO(), width=100, highlight=False, markup=False, emoji=False)
    console.print(forecast_view(made, width=100))
    return console.file.getvalue()


def test_a_forecast_shows_past_bounds_and_what_came():
    text = shown(forecast(series(came=24, host="web-1"), messages=["it ends early"]))
    assert "Forecast f1 of cpu" in text
    assert "2026-03-01 00:00 to 2026-03-03 00:00 UTC, 48 records, finished, expires 2026-03-15 00:00" in text
    assert "it ends early" in text
    assert "arithmetic mean value by person of host web-1" in text
    assert "24 of 48 buckets have come since: 75.0% within the bounds" in text
    assert any("\u2800" < character < "\u28ff" for character in text)


def test_what_is_missing_is_said():
    assert "Nothing has come since." in shown(forecast(series()))
    assert "The job keeps no measured values (modelPlotConfig)" in shown(forecast(series(before=0)))
    assert "There is nothing to show." in shown(forecast())


def test_json_and_csv_hold_every_bucket_of_every_series():
    made = forecast(series(came=2, host="a"), series(host="b"))
    document = forecast_document(made)
    assert document["forecastId"] == "f1"
    assert [each["fields"] for each in document["series"]] == [{"host": "a"}, {"host": "b"}]
    first = document["series"][0]["points"][0]
    assert first == {"timestamp": "2026-03-01T00:00:00Z", "expected": 140, "lower": 130, "upper": 150, "actual": 140}
    assert document["series"][0]["points"][2]["actual"] is None
    rows = list(csv.DictReader(io.StringIO(forecast_csv(made))))
    assert len(rows) == 96
    assert rows[0] == {
        "timestamp": "2026-03-01T00:00:00Z",
        "detector_index": "0",
        "host": "a",
        "expected": "140.0",
        "lower": "130.0",
        "upper": "150.0",
        "actual": "140.0",
    }
    assert rows[2]["actual"] == ""


def test_progress_is_a_line_for_each_status_outside_a_terminal():
    console = Console(file=io.StringIO(), width=100)
    with progress_of("cpu", console) as tell:
        for status, progress in (("scheduled", 0.0), ("started", 0.2), ("started", 0.6), ("finished", 1.0)):
            tell(status, progress)
    assert console.file.getvalue().splitlines() == [
        "cpu: forecast scheduled (0%)",
        "cpu: forecast started (20%)",
        "cpu: forecast finished (100%)",
    ]


@pytest.mark.parametrize(("given", "sent"), [("1w", "7d"), ("2 w", "14d"), ("36h", "36h"), ("soon", "soon")])
def test_weeks_are_days_to_a_server(given, sent):
    assert _in_days(given) == sent
