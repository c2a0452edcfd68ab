"""Forecasts in the viewer: asked for, watched, laid over the chart, and held against what came."""

from __future__ import annotations

import re

import pytest
from axe import broken_rules
from shop import HOURS, PLAIN, learn, run
from test_series import figures, value

JOB = "shop_ahead"
KEPT_BACK = 48


@pytest.fixture(scope="module")
def job(engine, shop):
    """A job that has not seen the last two days."""
    with engine.client() as client:
        learn(client, JOB, [{"function": "count"}], hours=HOURS - KEPT_BACK, model_plot_config={"enabled": True})
    return JOB


def test_a_forecast_is_made_drawn_and_compared_with_what_came(reader, engine, job):
    page = reader.go(f"#/series?job={job}")
    page.locator(".chart canvas").wait_for()
    page.get_by_role("button", name="Forecast …").click()
    form = page.get_by_role("form", name="New forecast")
    form.get_by_label("How far ahead").fill("soon")
    form.get_by_role("button", name="Make the forecast").click()
    form.get_by_role("alert").get_by_text("“soon” is no duration").wait_for()
    assert broken_rules(page) == []
    form.get_by_label("How far ahead").fill("2d")
    form.get_by_label("Kept for").fill("1w")
    form.get_by_role("button", name="Make the forecast").click()
    section = page.get_by_role("region", name="Forecasts")
    section.get_by_text(f"None of its {KEPT_BACK} buckets has come since").wait_for()
    assert "forecast=" in page.url
    with engine.client() as client:
        assert client.ml.get_job_stats(job_id=job)["jobs"][0]["state"] == "closed"
        # What comes then is what the forecast is worth.
        client.ml.open_job(job_id=job)
        run(client, job, HOURS)
    page.reload()
    told = section.get_by_text(f"{KEPT_BACK} of {KEPT_BACK} buckets have come since")
    told.wait_for()
    share = float(re.search(r"([\d.]+) % within", told.inner_text())[1])
    reader.keep("forecast")
    rows = [[value(cell) for cell in row[1:]] for row in figures(page, last=True)]
    ahead = [row for row in rows if row[3] is not None]
    assert len(ahead) == KEPT_BACK
    # measured, bounds of the model, forecast, its lower and upper bound; four digits are shown
    within = sum(row[4] * 0.9995 <= row[0] <= row[5] * 1.0005 for row in ahead)
    assert share == pytest.approx(100 * within / KEPT_BACK, abs=0.06)
    assert all(row[4] <= row[3] <= row[5] for row in ahead)
    section.get_by_label("Over the chart").select_option("none")
    page.wait_for_function("() => !location.hash.includes('forecast=')")
    assert page.get_by_role("columnheader", name="Forecast").count() == 0


def test_what_has_no_forecast_says_why(reader, shop):
    page = reader.go(f"#/series?job={PLAIN}&detector=4")
    page.get_by_text("info_content has no value that goes on").wait_for()
    assert page.get_by_role("button", name="Forecast …").count() == 0
