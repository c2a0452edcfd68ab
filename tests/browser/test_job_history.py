"""What a job had learnt and what it foretold, in the console: model snapshots, forecasts, annotations."""

from __future__ import annotations

import re
import time

import pytest
import yaml
from axe import broken_rules

from anomalyops.resources.manifests import resource_from_object
from waiting import PATIENCE_S

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
HOUR_MS = 3_600_000
HOURS = 96
JOB = "going-back"


@pytest.fixture
def job(engine):
    """A closed job over four days of events, with snapshots of two and of four days, and a forecast."""
    documents = [
        line for hour in range(HOURS) for line in ({"index": {}}, {"time": START_MS + hour * HOUR_MS + 60_000})
    ]
    with engine.client() as client:
        client.options(ignore_status=404).indices.delete(index=JOB)
        client.indices.create(index=JOB, mappings={"properties": {"time": {"type": "date"}}})
        client.bulk(index=JOB, operations=documents, refresh=True)
        client.ml.put_job(
            job_id=JOB,
            analysis_config={"bucket_span": "1h", "detectors": [{"function": "count"}]},
            data_description={"time_field": "time"},
        )
        client.ml.put_datafeed(datafeed_id=f"feed-{JOB}", job_id=JOB, indices=[JOB])
        for hours in (HOURS // 2, HOURS):
            client.ml.open_job(job_id=JOB)
            client.ml.start_datafeed(datafeed_id=f"feed-{JOB}", end=START_MS + hours * HOUR_MS)
            wait_until(lambda: stats(client)["state"] == "closed")
        yield client
        client.ml.delete_job(job_id=JOB, force=True)
        for calendar in client.ml.get_calendars()["calendars"]:
            if calendar["calendar_id"].startswith("skip-"):
                client.ml.delete_calendar(calendar_id=calendar["calendar_id"])


def wait_until(holds):
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def stats(client):
    return client.ml.get_job_stats(job_id=JOB)["jobs"][0]


def snapshots(client):
    """Ids of the job's snapshots, the newest first."""
    found = client.ml.get_model_snapshots(job_id=JOB, sort="latest_record_time_stamp", desc=True)["model_snapshots"]
    return [one["snapshot_id"] for one in found if one.get("latest_record_time_stamp")]


def buckets(client):
    return client.ml.get_buckets(job_id=JOB, size=1000)["count"]


def dialog_of(page, snapshot):
    page.get_by_role("button", name=f"Go back to {snapshot}", exact=True).click()
    dialog = page.get_by_role("dialog", name=f"Back to a model snapshot: {JOB}")
    dialog.wait_for()
    return dialog


def test_a_job_goes_back_and_nothing_is_read_again(reader, job):
    older = snapshots(job)[-1]
    assert buckets(job) == HOURS
    page = reader.go(f"#/jobs?job={JOB}&tab=snapshots")
    dialog = dialog_of(page, older)
    lost = dialog.get_by_text(re.compile(r"Deleted are the results after .*: 48 buckets"))
    lost.wait_for()
    dialog.get_by_label("read again what came since").uncheck()
    assert dialog.locator(".calls li").count() == 1
    dialog.get_by_role("button", name=f"Go back to {older}").click()
    dialog.get_by_text("done: the job is closed").wait_for(timeout=60_000)
    assert job.ml.get_jobs(job_id=JOB)["jobs"][0]["model_snapshot_id"] == older
    assert buckets(job) == HOURS // 2
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    page.get_by_role("row", name=re.compile(f"^{older} ?in use")).wait_for()


def test_a_snapshot_is_described_and_kept_and_read_back(reader, job):
    older = snapshots(job)[-1]
    page = reader.go(f"#/jobs?job={JOB}&tab=snapshots")
    for description, kept in (("Before <the> sale", True), ("", False)):
        page.get_by_role("button", name=f"Change {older}", exact=True).click()
        dialog = page.get_by_role("dialog", name=f"Model snapshot: {older}")
        dialog.get_by_label("Description").fill(description)
        dialog.get_by_label("Keep it for good").set_checked(kept)
        dialog.get_by_role("button", name="Change the snapshot").click()
        dialog.wait_for(state="hidden")
        row = page.get_by_role("row", name=re.compile(f"^{older}"))
        row.get_by_text("for good").wait_for(state="visible" if kept else "hidden")
        found = job.ml.get_model_snapshots(job_id=JOB, snapshot_id=older)["model_snapshots"][0]
        assert (found["description"], found["retain"]) == (description, kept)


def test_what_came_since_is_read_again_without_a_bad_stretch(reader, job):
    older = snapshots(job)[-1]
    page = reader.go(f"#/jobs?job={JOB}&tab=snapshots")
    dialog = dialog_of(page, older)
    dialog.get_by_label("do not learn a bad stretch").check()
    dialog.get_by_label("Skip from").fill("2026-01-03T06:00Z")
    dialog.get_by_label("Skip to").fill("2026-01-03T04:00Z")
    assert "ends before it begins" in dialog.get_by_role("alert").inner_text()
    dialog.get_by_label("Skip to").fill("2026-01-03T09:00Z")
    assert "Say what happened" in dialog.get_by_role("alert").inner_text()
    dialog.get_by_label("What happened").fill("outage")
    dialog.get_by_role("button", name=f"Go back to {older}").click()
    dialog.get_by_text(re.compile("^done: ")).wait_for(timeout=60_000)
    wait_until(lambda: stats(job)["state"] == "closed")
    assert buckets(job) == HOURS
    skipped = [hit for hit in job.ml.get_buckets(job_id=JOB, size=1000)["buckets"] if hit.get("scheduled_events")]
    assert len(skipped) == 3
    assert {event for hit in skipped for event in hit["scheduled_events"]} == {"outage"}


def test_a_return_that_the_server_refuses_is_told(reader, job):
    reader.page.route(
        "**/_revert",
        lambda route: route.fulfill(status=403, json={"error": {"reason": "action is unauthorized"}, "status": 403}),
    )
    page = reader.go(f"#/jobs?job={JOB}&tab=snapshots")
    older = snapshots(job)[-1]
    dialog = dialog_of(page, older)
    dialog.get_by_role("button", name=f"Go back to {older}").click()
    dialog.get_by_text("failed: could not go back").wait_for(timeout=60_000)
    assert stats(job)["state"] == "closed"
    assert buckets(job) == HOURS
    assert all("403" in text for text in reader.problems)
    reader.problems.clear()


def test_of_a_job_that_a_manifest_has_a_manifest_asks_for_it(reader):
    page = reader.go("#/jobs?job=low_request_rate&tab=snapshots")
    page.get_by_role("button", name=re.compile("^Go back to")).first.click()
    dialog = page.get_by_role("dialog")
    document = yaml.safe_load(dialog.locator("pre").first.inner_text())
    assert resource_from_object(document).spec.job_ref.name == "low-request-rate"
    dialog.get_by_label("do not learn a bad stretch").check()
    dialog.get_by_label("Skip from").fill("2026-01-03T06:00Z")
    dialog.get_by_label("Skip to").fill("2026-01-03T09:00Z")
    dialog.get_by_label("What happened").fill("outage: a # sign")
    document = yaml.safe_load(dialog.locator("pre").first.inner_text())
    assert resource_from_object(document).spec.skip_period.description == "outage: a # sign"
    assert dialog.locator("button[type=submit], .calls").count() == 0


def test_a_forecast_is_listed_and_deleted(reader, job):
    job.ml.open_job(job_id=JOB)
    forecast = job.ml.forecast(job_id=JOB, duration="1d")["forecast_id"]
    page = reader.go(f"#/jobs?job={JOB}&tab=forecasts")
    rows = page.get_by_role("region", name="Forecasts").locator("tbody tr")
    rows.first.wait_for()
    assert rows.count() == 1
    assert f"forecast={forecast}" in rows.get_by_role("link", name="View the forecast").get_attribute("href")
    rows.get_by_role("button", name="Delete the forecast").click()
    dialog = page.get_by_role("dialog")
    assert f"DELETE _ml/anomaly_detectors/{JOB}/_forecast/{forecast}" in dialog.inner_text()
    dialog.get_by_role("button", name="Delete the forecast").click()
    dialog.get_by_text("done: the server has it no more").wait_for()
    dialog.get_by_role("button", name="Close this dialog").click()
    page.get_by_text("The job has none, or they have expired.").wait_for()


def test_an_annotation_of_the_job_is_written(reader, job):
    page = reader.go(f"#/jobs?job={JOB}&tab=annotations")
    page.get_by_role("button", name="Annotate this time").click()
    page.get_by_label("Text").fill("deployed")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name=re.compile("^deployed, ")).wait_for()


@pytest.mark.parametrize("options", [{"color_scheme": "light"}, {"color_scheme": "dark"}], ids=["light", "dark"])
def test_no_rule_of_accessibility_is_broken(reader, job):
    page = reader.go(f"#/jobs?job={JOB}&tab=snapshots")
    dialog = dialog_of(page, snapshots(job)[-1])
    dialog.get_by_label("do not learn a bad stretch").check()
    dialog.get_by_text("Deleted are the results").wait_for()
    assert broken_rules(page) == []
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    for tab in ("snapshots", "forecasts", "annotations"):
        reader.go(f"#/jobs?job={JOB}&tab={tab}")
        reader.settle()
        assert broken_rules(page) == []
