"""One job closely in the console: its settings, counts and messages, and what its datafeed reads and has read."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from axe import broken_rules

from waiting import PATIENCE_S

TABS = ("health", "settings", "counts", "messages", "datafeed", "preview", "json")
START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
HOUR_MS = 3_600_000
HOURS = 48
JOB = "watched"


@pytest.fixture(scope="module")
def watched(engine):
    """A job over two days of events, three of which came after it had looked."""
    with engine.client() as client:
        client.indices.create(index="watched", mappings={"properties": {"time": {"type": "date"}}})
        write(client, [START_MS + hour * HOUR_MS + 60_000 for hour in range(HOURS) for _ in range(2)])
        client.ml.put_job(
            job_id=JOB,
            analysis_config={"bucket_span": "1h", "detectors": [{"function": "count"}]},
            data_description={"time_field": "time"},
        )
        client.ml.put_datafeed(datafeed_id=f"feed-{JOB}", job_id=JOB, indices=["watched"])
        client.ml.open_job(job_id=JOB)
        client.ml.start_datafeed(datafeed_id=f"feed-{JOB}", end=START_MS + HOURS * HOUR_MS)
        deadline = time.monotonic() + PATIENCE_S
        while client.ml.get_job_stats(job_id=JOB)["jobs"][0]["state"] != "closed":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        write(client, [START_MS + 10 * HOUR_MS] * 3)
        annotation = {
            "annotation": "Datafeed has missed 3 documents due to ingest latency",
            "timestamp": START_MS + 10 * HOUR_MS,
            "end_timestamp": START_MS + 11 * HOUR_MS,
            "job_id": JOB,
            "type": "annotation",
            "event": "delayed_data",
            "create_username": "_xpack",
            "create_time": START_MS,
            "modified_username": "_xpack",
            "modified_time": START_MS,
        }
        client.index(index=".ml-annotations-write", document=annotation, refresh=True)
        yield client
        client.ml.delete_job(job_id=JOB)
        client.indices.delete(index="watched")


def write(client, times):
    client.bulk(
        index="watched", operations=[line for at in times for line in ({"index": {}}, {"time": at})], refresh=True
    )


def test_from_the_list_to_every_side_of_a_job(reader):
    page = reader.go("#/jobs")
    page.get_by_role("link", name="low_request_rate", exact=True).click()
    page.get_by_role("region", name="Findings").wait_for()
    reader.keep("job")
    assert "Managed by AnomalyJob default/low-request-rate of the files" in page.locator("main").inner_text()
    sides = page.get_by_role("navigation", name="Sides of the job")
    sides.get_by_role("link", name="Settings").click()
    page.get_by_role("row", name=re.compile("^analysis_config.bucket_span ")).wait_for()
    sides.get_by_role("link", name="Counts").click()
    page.get_by_role("row", name=re.compile("^processed_record_count [1-9]")).wait_for()
    assert "tab=counts" in page.url  # every side is a link
    page.reload()
    page.get_by_role("row", name=re.compile("^processed_record_count [1-9]")).wait_for()
    sides.get_by_role("link", name="Preview").click()
    page.get_by_role("region", name="Preview").get_by_role("row").nth(2).wait_for()
    page.get_by_role("link", name="All jobs").click()
    page.get_by_text(re.compile(r"of \d+ jobs$")).wait_for()


def test_messages_are_those_of_a_level_and_above(reader, watched):
    page = reader.go(f"#/jobs?job={JOB}&tab=messages")
    rows = page.get_by_role("region", name="Messages").locator("tbody tr")
    rows.first.wait_for()
    noted = watched.search(index=".ml-notifications-*", query={"term": {"job_id": JOB}}, size=100)["hits"]["hits"]
    assert sorted(hit["_source"]["message"] for hit in noted) == sorted(
        rows.locator("td:nth-child(3)").all_inner_texts()
    )
    page.get_by_label("Show").select_option("errors")
    page.get_by_text("The server has noted nothing of this kind").wait_for()
    assert "level=error" in page.url


def test_what_the_source_holds_and_the_job_has_not_seen_is_told(reader, watched):
    page = reader.go(f"#/jobs?job={JOB}&tab=datafeed")
    differences = page.get_by_role("region", name="Differences")
    differences.wait_for()
    assert differences.locator("tbody tr").all_inner_texts() == ["1 Jan 2026, 10:00\t5\t2\t3"]
    page.locator(".chart canvas").wait_for()
    reader.keep("datafeed")
    page.get_by_text("Datafeed has missed 3 documents").first.wait_for()
    page.get_by_role("textbox", name="From", exact=True).fill("2026-01-02T00:00Z")
    page.get_by_role("button", name="Show", exact=True).click()
    page.get_by_text("it has counted what the source holds").wait_for()
    assert "from=2026-01-02" in page.url


def test_the_json_is_the_servers(reader, watched):
    page = reader.go(f"#/jobs?job={JOB}&tab=json")
    page.get_by_role("group", name="The job", exact=True).wait_for()
    for name, body in (
        ("The job", watched.ml.get_jobs(job_id=JOB)["jobs"][0]),
        ("The datafeed", watched.ml.get_datafeeds(datafeed_id=f"feed-{JOB}")["datafeeds"][0]),
    ):
        assert json.loads(page.get_by_role("group", name=name, exact=True).inner_text()) == body
    assert "anomalyops export --url URL --job watched" in page.locator("main").inner_text()


def test_a_job_that_is_not_there_says_so(reader):
    reader.go("#/jobs?job=nothing").get_by_text("This server has no job nothing").wait_for()


def test_what_may_not_be_read_leaves_the_rest(reader, watched):
    reader.page.route(
        "**/_preview",
        lambda route: route.fulfill(status=403, json={"error": {"reason": "action is unauthorized"}, "status": 403}),
    )
    page = reader.go(f"#/jobs?job={JOB}&tab=preview")
    assert "The preview cannot be shown. action is unauthorized" in page.get_by_role("alert").inner_text()
    page.get_by_role("link", name="Counts").click()
    page.get_by_role("row", name=re.compile("^processed_record_count 96")).wait_for()
    assert all("403" in text for text in reader.problems)
    reader.problems.clear()


def test_a_server_that_is_gone_is_no_blank_page(reader):
    reader.page.route("**/_ml/**", lambda route: route.abort("connectionrefused"))
    page = reader.go(f"#/jobs?job={JOB}")
    assert "no connection to the server" in page.get_by_role("alert").inner_text()
    assert page.get_by_role("link", name="All jobs").count() == 1
    reader.problems.clear()


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("options", [{"color_scheme": "light"}, {"color_scheme": "dark"}], ids=["light", "dark"])
def test_no_rule_of_accessibility_is_broken(reader, watched, tab):
    page = reader.go(f"#/jobs?job={JOB}&tab={tab}")
    page.locator("main table, main pre").first.wait_for(state="attached")
    reader.settle()
    assert broken_rules(page) == []


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("options", [{"viewport": {"width": 360, "height": 800}, "locale": "de-DE"}])
def test_on_a_phone_the_page_is_no_wider_than_the_phone(reader, watched, tab):
    page = reader.go(f"#/jobs?job={JOB}&tab={tab}")
    page.locator("main table, main pre").first.wait_for(state="attached")
    reader.settle()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_health_is_told_in_the_words_of_the_command_line(reader, engine, watched):
    now = int(time.time() * 1000)
    annotation = {
        "annotation": "Datafeed has missed 7 documents due to ingest latency",
        "timestamp": now - HOUR_MS,
        "end_timestamp": now,
        "job_id": JOB,
        "type": "annotation",
        "event": "delayed_data",
        "create_username": "_xpack",
        "create_time": now,
        "modified_username": "_xpack",
        "modified_time": now,
    }
    watched.index(index=".ml-annotations-write", id="late", document=annotation, refresh=True)
    words = "documents came too late for the datafeed"
    page = reader.go("#/jobs?search=watched")
    page.get_by_role("row", name=re.compile(JOB)).get_by_text(words).wait_for()
    page.get_by_role("link", name=JOB, exact=True).click()
    findings = page.get_by_role("region", name="Findings").locator("tbody tr")
    findings.first.wait_for()
    command = [sys.executable, "-m", "anomalyops.cli.main", "troubleshoot", JOB, "--url", engine.url, "-o", "json"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "operator")}
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    (job,) = json.loads(told.stdout)["jobs"]
    # The page does not compare the source with the results, so it has nothing to add to the evidence of this one.
    assert [row.split("\t")[:3] for row in findings.all_inner_texts()] == [
        [one["severity"], one["tree"], one["text"]] for one in job["findings"]
    ]
    assert "1 annotations of delayed data, 7 documents" in findings.first.inner_text()
