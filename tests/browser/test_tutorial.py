"""The steps of docs/tutorial.md over the demo's data, in its order; a picture of each where `make screenshots` asks.

What single steps do beside this is in the files of their views; here is that one leads to the next.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from waiting import until

_OPERATOR = Path(__file__).parents[2] / "operator"
INDEX = "kibana_sample_data_logs"
SCANNER = "30.156.16.164"
FORECAST_HOURS = 7 * 24


@pytest.fixture
def own_job(engine):
    """A job that the reader makes; it is gone at the end."""
    name = "requests"
    yield name
    with engine.client() as client:
        lenient = client.options(ignore_status=404)
        lenient.ml.stop_datafeed(datafeed_id=f"datafeed-{name}", force=True)
        lenient.ml.delete_datafeed(datafeed_id=f"datafeed-{name}", force=True)
        lenient.ml.delete_job(job_id=name, force=True)


@pytest.fixture
def notes(engine):
    """What people have written about a job; all of it is deleted at the end."""
    query = {"bool": {"filter": [{"term": {"job_id": "low_request_rate"}}, {"term": {"event": "user"}}]}}

    def found():
        with engine.client() as client:
            client.indices.refresh(index=".ml-annotations-read")
            hits = client.search(index=".ml-annotations-read", query=query)["hits"]["hits"]
            return [hit["_source"]["annotation"] for hit in hits]

    yield found
    with engine.client() as client:
        client.delete_by_query(index=".ml-annotations-read", query=query, refresh=True)


def menu(page, name):
    page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()


def rows(page):
    return page.get_by_role("region", name="Anomalies", exact=True).locator("tbody tr")


def moment(page, label):
    return datetime.fromisoformat(page.get_by_label(label, exact=True).input_value())


def time_of(row):
    """The time of an anomaly, as its row has it."""
    day, month, year, hour = re.search(r"(\d+) (\w{3})\w? (\d{4}), (\d\d:\d\d)", row).groups()
    return datetime.strptime(f"{day} {month} {year} {hour}", "%d %b %Y %H:%M").replace(tzinfo=UTC)


def enter(page, label, value):
    box = page.get_by_label(label, exact=True).and_(page.locator("input"))
    box.fill(value)
    box.press("Enter")


def end_of_data(engine):
    """The last hour of the demo's logs that is whole."""
    with engine.client() as client:
        last = client.search(index=INDEX, size=0, aggs={"last": {"max": {"field": "timestamp"}}})
    at = datetime.fromtimestamp(last["aggregations"]["last"]["value"] / 1000, UTC)
    return at.replace(minute=0, second=0, microsecond=0)


def written(at):
    return at.isoformat().replace("+00:00", "Z")


def test_the_data_are_explored(reader):
    page = reader.go("#/jobs")
    menu(page, "Data")
    page.get_by_role("link", name=INDEX).click()
    page.get_by_text(re.compile(r"^14,\d{3} documents$")).wait_for()
    page.get_by_label("From", exact=True).fill("now-2w")
    page.get_by_label("To", exact=True).fill("now")
    page.get_by_role("button", name="Show").click()
    page.get_by_text(re.compile(r"^[1-4],\d{3} documents$")).wait_for()
    page.get_by_role("button", name="All data").click()
    page.get_by_text(re.compile(r"^14,\d{3} documents$")).wait_for()
    page.get_by_role("searchbox", name="Filter").fill("response.keyword")
    page.get_by_text("1 of 34 fields").wait_for()
    page.get_by_role("button", name="Details of response.keyword").click()
    details = page.locator(".details")
    details.wait_for()
    reader.settle()
    assert re.search(r"200\s+9\d\.\d\s%", details.inner_text())
    reader.keep("tutorial-data", details)


def test_a_job_is_made_runs_forecasts_and_is_held_against_what_came(reader, engine, own_job):
    end = end_of_data(engine)
    began = end - timedelta(hours=FORECAST_HOURS)
    page = reader.go("#/jobs")
    menu(page, "New job")
    enter(page, "Index", INDEX)
    page.get_by_text(re.compile(r"^14,\d{3} documents, from ")).wait_for()
    page.get_by_label("Function").select_option("low_count")
    enter(page, "Job id", own_job)
    enter(page, "Bucket span", "1h")
    enter(page, "End", written(began))
    page.get_by_text('end: "').first.wait_for()
    page.get_by_text("The data fill buckets of 3h").wait_for()
    page.get_by_role("button", name="Create and start the job").click()
    page.get_by_text(f"The job {own_job} runs.").wait_for()
    page.get_by_text(re.compile(r"^Datafeed stopped: 1\d,\d{3} documents, 1,\d{3} buckets")).wait_for()
    reader.keep("tutorial-running", page.get_by_role("region", name="Running job"))
    page.get_by_role("link", name="View its series").click()
    page.locator(".chart canvas").wait_for()
    forecasts = page.get_by_role("region", name="Forecasts")
    forecasts.get_by_role("button", name="Forecast …").click()
    form = page.get_by_role("form", name="New forecast")
    form.get_by_label("How far ahead").fill("1w")
    form.get_by_text("The job is closed: it is opened for the forecast and closed again.").wait_for()
    form.get_by_role("button", name="Make the forecast").click()
    forecasts.get_by_text(f"None of its {FORECAST_HOURS} buckets has come since").wait_for()
    goes_on(page, engine, own_job, end)
    menu(page, "Single metric viewer")
    page.get_by_role("combobox", name="Job", exact=True).select_option(own_job)
    forecasts.get_by_label("Over the chart").select_option(index=1)
    told = forecasts.get_by_text(re.compile("buckets have come since"))
    told.wait_for()
    come, share = re.search(rf"(\d+) of {FORECAST_HOURS} buckets .* ([\d.]+) % within", told.inner_text()).groups()
    assert int(come) >= FORECAST_HOURS - 1
    assert float(share) > 85
    page.get_by_label("From", exact=True).fill("now-16d")
    page.get_by_role("button", name="Show").click()
    page.wait_for_function("() => location.hash.includes('from=now-16d')")
    forecasts.get_by_text(re.compile("buckets have come since")).wait_for()
    reader.settle()
    reader.keep("tutorial-forecast", page.locator(".chart"))


def goes_on(page, engine, job, end):
    """Let the datafeed read what came since, from the list of jobs."""
    menu(page, "Jobs")
    page.get_by_role("checkbox", name=re.compile(rf"\b{job}\b")).check()
    page.get_by_role("button", name="Start…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("where it was: after").wait_for()
    dialog.get_by_label("Time to end at").fill(written(end))
    dialog.get_by_role("button", name=f"Start {job}").click()
    dialog.get_by_role("status").filter(has_text="Of 1: 1 done.").wait_for()
    page.keyboard.press("Escape")
    with engine.client() as client:
        until(lambda: client.ml.get_job_stats(job_id=job)["jobs"][0]["state"] == "closed", f"the end of {job}")


def test_one_series_is_looked_at_understood_and_annotated(reader, notes):
    page = reader.go("#/jobs")
    page.get_by_role("link", name="View a series of low_request_rate").click()
    page.locator(".chart canvas").wait_for()
    page.get_by_label("From", exact=True).fill("now-40d")
    page.get_by_label("To", exact=True).fill("now")
    page.get_by_role("button", name="Show").click()
    page.wait_for_function("() => location.hash.includes('from=now-40d')")
    page.get_by_label("Severity").select_option("50")
    page.wait_for_function("() => location.hash.includes('severity=50')")
    page.get_by_text("2 anomalies, the worst first").wait_for()
    worst = rows(page).first
    assert re.search(r"critical\s+Low request rates\s+0\s+\d\d\.\d+\s+unexpected zero value", worst.inner_text())
    worst.get_by_role("button", name="Details").click()
    page.locator(".details").get_by_text("What the score is made of").wait_for()
    page.locator(".details").get_by_role("button", name="Raw documents").wait_for()
    page.get_by_label("Dragging over the chart").select_option("annotates")
    chart = page.locator(".chart .u-over")
    share = 1 - (datetime.now(UTC) - time_of(worst.inner_text())) / timedelta(days=40)
    reader.drag(chart, (share - 0.01, 50), (share + 0.02, 60))
    form = page.get_by_role("form", name="New annotation")
    form.get_by_label("Text").fill("The web server was restarted")
    form.get_by_role("button", name="Save").click()
    page.get_by_role("region", name="Annotations").locator(".mark", has_text="The web server was restarted").wait_for()
    assert notes() == ["The web server was restarted"]
    reader.keep("tutorial-series", page.locator(".chart"))


def test_lanes_lead_to_one_anomaly_and_to_its_series(reader):
    page = reader.go("#/jobs")
    page.get_by_role("link", name="Explore the anomalies of response_code_rates").click()
    page.get_by_label("Lanes by").select_option("response.keyword")
    page.get_by_text("By response.keyword: 1 to 3 of 3").wait_for()
    page.get_by_label("Sorted by").select_option("name")
    page.wait_for_function("() => location.hash.includes('order=name')")
    page.get_by_label("Shown").select_option("people")
    page.wait_for_function("() => location.hash.includes('annotations=people')")
    reader.settle()
    influencers = page.get_by_role("region", name="Top influencers")
    assert re.search(rf"{re.escape(SCANNER)}\s+\d\d\s+critical\s+sum \d\d", influencers.inner_text())
    reader.keep("tutorial-lanes")
    worst = next(text for text in rows(page).all_inner_texts() if SCANNER in text)
    at = time_of(worst)
    first, last = moment(page, "From"), moment(page, "To")
    canvas = page.locator(".lanes canvas").nth(1)
    box = reader.box(canvas)
    label_px, lane_px = 150, 26
    share = (at + timedelta(minutes=30) - first) / (last - first)
    # By name, 404 is the second of the three.
    page.mouse.click(box["x"] + label_px + (box["width"] - label_px) * share, box["y"] + 1.5 * lane_px)
    page.get_by_text("influenced by response.keyword 404").wait_for()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.records tbody tr')].every((row) => row.innerText.includes('404'))"
    )
    charts = page.get_by_role("region", name="Charts of the anomalies")
    charts.get_by_role("heading", name=re.compile("response.keyword 404")).wait_for()
    one = rows(page).first
    assert re.search(rf"{re.escape(SCANNER)}.*\s101\s+[\d.]+\s+\d+x higher", one.inner_text(), re.DOTALL)
    one.get_by_role("button", name="Details").click()
    page.locator(".details").get_by_text("What the score is made of").wait_for()
    page.get_by_label("Interval").select_option("all")
    page.wait_for_function("() => location.hash.includes('interval=all')")
    reader.settle()
    reader.keep("tutorial-anomaly", charts)
    charts.get_by_role("link", name=re.compile("^View series")).first.click()
    page.wait_for_function("() => location.hash.startsWith('#/series') && location.hash.includes('partition=404')")
    page.locator(".chart canvas").wait_for()


def test_what_several_jobs_found_is_read_together(reader, engine, tmp_path):
    report = tmp_path / "report.json"
    # Weeks of the demo's logs begin on Wednesdays: the scan is 20 to 26 days old, the outage 31 at least.
    window = ["--start", "now-28d", "--end", "now-19d", "--jobs", "low_request_rate,response_code_rates,url_scanning"]
    command = ["investigate", *window, "--url", engine.url, "--report", str(report)]
    subprocess.run(
        [sys.executable, "-m", "anomalyops.cli.main", *command],
        env={**os.environ, "PYTHONPATH": str(_OPERATOR)},
        check=True,
        capture_output=True,
    )
    page = reader.go("#/jobs")
    menu(page, "Investigations")
    page.get_by_label("Report (.json)").set_input_files(report)
    page.get_by_text(f"{SCANNER} is the most likely cause").wait_for()
    reader.keep("tutorial-report")
