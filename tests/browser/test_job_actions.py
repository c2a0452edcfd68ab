"""Acting on jobs in the console: calls are shown, their outcome is read back, and manifests keep their jobs."""

from __future__ import annotations

import re

import pytest
import yaml
from axe import broken_rules

from anomalyops.resources.manifests import resource_from_object
from waiting import until

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
HOUR_MS = 3_600_000
HOURS = 72
NAMES = ("acting-a", "acting-b", "acting-c")
CONFIG = {
    "analysis_config": {"bucket_span": "1h", "detectors": [{"function": "count"}]},
    "data_description": {"time_field": "time"},
}


@pytest.fixture
def jobs(engine):
    """Three jobs with datafeeds over three days of events, none of them run; gone afterwards."""
    documents = [
        action for hour in range(HOURS) for action in ({"index": {}}, {"time": START_MS + hour * HOUR_MS + 60_000})
    ]
    with engine.client() as client:
        client.options(ignore_status=404).indices.delete(index="acting")
        client.indices.create(index="acting", mappings={"properties": {"time": {"type": "date"}}})
        client.bulk(index="acting", operations=documents, refresh=True)
        for name in NAMES:
            client.ml.put_job(job_id=name, **CONFIG)
            client.ml.put_datafeed(datafeed_id=f"feed-{name}", job_id=name, indices=["acting"])
        yield client
        for name in (*NAMES, "acting-copy"):
            client.options(ignore_status=404).ml.delete_job(job_id=name, force=True)


def feed_state(client, name):
    return client.ml.get_datafeed_stats(datafeed_id=f"feed-{name}")["datafeeds"][0]["state"]


def job_stats(client, name):
    return client.ml.get_job_stats(job_id=name)["jobs"][0]


def run_to_the_end(client, name):
    """Let a datafeed run over all data there is, as somebody else did before; the job is closed by that."""
    client.ml.open_job(job_id=name)
    client.ml.start_datafeed(datafeed_id=f"feed-{name}", end=START_MS + HOURS * HOUR_MS)
    until(lambda: job_stats(client, name)["state"] == "closed")


def select(page, *names):
    for name in names:
        page.get_by_role("checkbox", name=f"Select {name}", exact=True).check()


def action(page, verb):
    page.get_by_role("group", name="Actions on the selected jobs").get_by_role("button", name=verb).click()
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    dialog.get_by_text(re.compile("^Loading ")).wait_for(state="detached")
    return dialog


def said_at_last(dialog, words):
    dialog.get_by_role("status").filter(has_text=words).wait_for()


def test_a_datafeed_is_started_from_a_date_to_a_date_and_its_state_read_back(reader, jobs):
    page = reader.go("#/jobs?search=acting")
    select(page, "acting-a")
    dialog = action(page, "Start")
    dialog.get_by_label("Time to begin at").fill("2026-01-02T00:00Z")
    dialog.get_by_label("Time to end at").fill("yesterday")
    assert "“yesterday” is no time" in dialog.get_by_role("alert").inner_text()
    dialog.get_by_label("Time to end at").fill("2026-01-03T00:00Z")
    dialog.get_by_text('_start {"start":"2026-01-02T00:00:00.000Z","end":"2026-01-03T00:00:00.000Z"}').wait_for()
    dialog.get_by_role("button", name="Start acting-a").click()
    said_at_last(dialog, "Of 1: 1 done.")
    until(lambda: feed_state(jobs, "acting-a") == "stopped")
    counts = job_stats(jobs, "acting-a")["data_counts"]
    assert counts["processed_record_count"] == 24
    assert counts["earliest_record_timestamp"] == START_MS + 24 * HOUR_MS + 60_000


def test_what_would_be_refused_is_said_before(reader, jobs):
    run_to_the_end(jobs, "acting-a")
    page = reader.go("#/jobs?search=acting")
    select(page, "acting-a")
    dialog = action(page, "Start")
    dialog.get_by_text("at the first data").click()
    dialog.get_by_text("nothing is done: it has seen data up to 2026-01-03T23:01:00.000Z").wait_for()
    assert dialog.get_by_role("button", name=re.compile("^Start ")).count() == 0
    dialog.get_by_text("where it was: after").click()
    dialog.get_by_role("button", name="Start acting-a").click()
    said_at_last(dialog, "Of 1: 1 done.")
    dialog.get_by_text("its datafeed started").wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    dialog = action(page, "Stop")
    dialog.get_by_role("button", name="Stop acting-a").click()
    said_at_last(dialog, "Of 1: 1 done.")
    assert feed_state(jobs, "acting-a") == "stopped"
    assert job_stats(jobs, "acting-a")["state"] == "opened"


def test_several_jobs_are_closed_at_once_and_each_failure_is_told(reader, jobs):
    for name in ("acting-a", "acting-b"):
        jobs.ml.open_job(job_id=name)
    page = reader.go("#/jobs?search=acting")
    select(page, *NAMES)
    dialog = action(page, "Close")
    dialog.get_by_role("listitem").filter(has_text="acting-c").get_by_text("nothing is done: it is closed").wait_for()
    page.route(
        "**/acting-b/_close",
        lambda route: route.fulfill(status=403, json={"error": {"reason": "action is unauthorized"}, "status": 403}),
    )
    dialog.get_by_role("button", name="Close 2 jobs").click()
    said_at_last(dialog, "Of 2: 1 done, 1 failed.")
    failed = dialog.get_by_role("listitem").filter(has=page.get_by_text("acting-b", exact=True)).first.inner_text()
    assert "action is unauthorized" in failed
    assert "credentials" in failed
    assert job_stats(jobs, "acting-a")["state"] == "closed"
    assert job_stats(jobs, "acting-b")["state"] == "opened"
    assert all("403" in text for text in reader.problems)
    reader.problems.clear()


def test_reset_forgets_and_delete_asks_for_the_name(reader, jobs):
    run_to_the_end(jobs, "acting-a")
    page = reader.go("#/jobs?search=acting")
    select(page, "acting-a")
    dialog = action(page, "Reset")
    reader.settle()
    assert (
        dialog.get_by_role("listitem")
        .filter(has_text="_ml/")
        .all_inner_texts()[-1]
        .endswith("_ml/anomaly_detectors/acting-a/_reset?wait_for_completion=false")
    )
    dialog.get_by_role("button", name="Reset acting-a").click()
    said_at_last(dialog, "Of 1: 1 done.")
    assert job_stats(jobs, "acting-a")["data_counts"]["processed_record_count"] == 0
    dialog.get_by_role("button", name="Close this dialog").click()
    dialog = action(page, "Delete")
    button = dialog.get_by_role("button", name="Delete acting-a")
    assert button.is_disabled()
    dialog.get_by_label("To confirm").fill("acting-b")
    assert button.is_disabled()
    dialog.get_by_label("To confirm").fill("acting-a")
    button.click()
    said_at_last(dialog, "Of 1: 1 done.")
    dialog.get_by_role("button", name="Close this dialog").click()
    page.get_by_text(re.compile(r"^2 of \d+ jobs$")).wait_for()
    assert {one["job_id"] for one in jobs.ml.get_jobs(job_id="acting-*")["jobs"]} == {"acting-b", "acting-c"}


def test_a_copy_has_the_configuration_and_another_id(reader, jobs):
    page = reader.go("#/jobs?search=acting")
    select(page, "acting-a", "acting-b")
    page.get_by_role("button", name="Clone").click()
    page.get_by_text("Clone one job at a time.").wait_for()
    page.get_by_role("checkbox", name="Select acting-b", exact=True).uncheck()
    page.get_by_role("button", name="Clone…").click()
    page.get_by_label("Kind of job").wait_for()
    name = page.get_by_label("Job id")
    assert name.input_value() == "acting-a-copy"
    name.fill("acting-c")
    name.blur()
    page.get_by_role("list", name="Checks").get_by_text("acting-c").first.wait_for()
    assert page.get_by_role("button", name="Create and start the job").is_disabled()
    name.fill("acting-copy")
    name.blur()
    page.get_by_text("name: acting-copy").first.wait_for()
    reader.settle()
    page.get_by_role("checkbox", name="Start at the first data").uncheck()
    page.get_by_role("button", name="Create the job").click()
    page.get_by_text("The job acting-copy is there").wait_for()
    page.get_by_text("Datafeed stopped: 0 documents").wait_for()
    made, like = (
        jobs.ml.get_jobs(job_id=name, exclude_generated=True)["jobs"][0] for name in ("acting-copy", "acting-a")
    )
    # The memory limit is what the server estimates, where none was given; the query delay that it drew is copied.
    unlike = {"job_id": "", "analysis_limits": {}, "datafeed_config": {}}
    assert {**made, **unlike} == {**like, **unlike}
    made, like = (jobs.ml.get_jobs(job_id=name)["jobs"][0]["datafeed_config"] for name in ("acting-copy", "acting-a"))
    unlike = {"datafeed_id": "", "job_id": "", "authorization": {}}
    assert {**made, **unlike} == {**like, **unlike}


def test_the_way_back_from_a_copy_leads_to_where_it_was_asked_for(reader, jobs):
    page = reader.go("#/jobs?search=acting")
    select(page, "acting-a")
    page.get_by_role("button", name="Clone…").click()
    page.get_by_label("Kind of job").wait_for()
    page.go_back()
    page.get_by_role("group", name="Actions on the selected jobs").wait_for()
    assert "#/jobs?search=acting" in page.url


def test_asking_again_and_again_keeps_what_is_shown(reader, jobs):
    page = reader.go("#/jobs?search=acting")
    select(page, "acting-a")
    held, released = [], []

    def hold(route):
        if released:
            route.continue_()
        else:
            held.append(route)

    page.route("**/_ml/anomaly_detectors", hold)
    for _ in range(3):
        page.get_by_role("button", name="Refresh").click()
    assert page.get_by_text("1 selected").count() == 1
    assert page.get_by_role("checkbox", name="Select acting-a", exact=True).is_checked()
    released.append(True)  # a question may reach the route later than the click that asks it
    for route in held:
        route.continue_()
    page.locator("[aria-busy=true]").wait_for(state="detached")
    assert page.get_by_text("1 selected").count() == 1


MANIFESTS = {
    "AnomalyJob": {"analysisConfig": {"detectors": [{"function": "count"}]}, "dataDescription": {"timeField": "time"}},
    "Datafeed": {"jobRef": {"name": "low-request-rate"}, "indices": ["logs"]},
    "ModelSnapshotRevert": {},
}


@pytest.mark.parametrize(
    ("verb", "wanted"),
    [
        ("Start", {("Datafeed", "state", "Started"), ("AnomalyJob", "state", "Opened")}),
        ("Stop", {("Datafeed", "state", "Stopped")}),
        ("Close", {("Datafeed", "state", "Stopped"), ("AnomalyJob", "state", "Closed")}),
        ("Reset", {("ModelSnapshotRevert", "snapshotId", "empty")}),
        ("Delete", {("Datafeed", "deletionPolicy", "Delete"), ("AnomalyJob", "deletionPolicy", "Delete")}),
    ],
)
def test_a_job_that_a_manifest_has_is_changed_there(reader, verb, wanted):
    page = reader.go("#/jobs?search=low_request_rate")
    select(page, "low_request_rate")
    dialog = action(page, verb)
    assert "AnomalyJob default/low-request-rate of the files" in dialog.inner_text()
    assert dialog.locator(".calls").count() == 0
    assert dialog.locator("button[type=submit]").count() == 0
    for document in yaml.safe_load_all(dialog.locator("pre").first.inner_text()):
        kind = document["kind"]
        # What is shown is what the manifest would say: the product's own models read it.
        resource_from_object({**document, "spec": {**MANIFESTS[kind], **document["spec"]}})
        told = {(kind, field, value) for field, value in document["spec"].items() if isinstance(value, str)}
        assert told <= wanted
        wanted = wanted - told
    assert wanted == set()


def test_a_console_that_only_reads_offers_no_action(reader):
    def reading(route):
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace('content="yes"', 'content="no"'))

    reader.page.route("**/_console/", reading)
    page = reader.go("#/jobs")
    page.get_by_text("This console only reads; start it with --allow-writes").wait_for()
    assert page.get_by_role("checkbox").count() == 0
    assert page.get_by_role("button", name="Delete").count() == 0


def test_an_action_is_done_by_the_keyboard_alone_and_the_focus_comes_back(reader, jobs):
    page = reader.go("#/jobs?search=acting")
    page.get_by_role("checkbox", name="Select acting-b", exact=True).focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Delete").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Delete: acting-b")
    dialog.wait_for()
    for _ in range(12):
        page.keyboard.press("Tab")
        # What is behind the dialog is out of reach; the browser's own controls are not.
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    dialog.get_by_label("To confirm").focus()
    page.keyboard.type("acting-b")
    page.keyboard.press("Enter")
    said_at_last(dialog, "Of 1: 1 done.")
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert page.evaluate("document.activeElement.textContent") == "Delete…"


@pytest.mark.parametrize("verb", ["Start", "Delete"])
@pytest.mark.parametrize("options", [{"color_scheme": "light"}, {"color_scheme": "dark"}], ids=["light", "dark"])
def test_no_rule_of_accessibility_is_broken_by_a_dialog(reader, jobs, verb):
    page = reader.go("#/jobs")
    select(page, "acting-a", "low_request_rate")
    dialog = action(page, verb)
    dialog.locator("pre, .calls").first.wait_for()
    assert broken_rules(page) == []


def test_five_hundred_jobs_are_windowed_and_all_of_them_are_reached(reader):
    names = [f"job-{number:03}" for number in range(500)]
    feeds = [{"datafeed_id": name, "job_id": name, "indices": ["logs"]} for name in names]
    answers = {
        "anomaly_detectors": {"jobs": [{"job_id": name, **CONFIG} for name in names]},
        "anomaly_detectors/_stats": {"jobs": [{"job_id": name, "state": "closed"} for name in names]},
        "datafeeds": {"datafeeds": feeds},
        "datafeeds/_stats": {"datafeeds": [{**feed, "state": "stopped"} for feed in feeds]},
    }
    reader.page.route("**/_ml/**", lambda route: route.fulfill(json=answers[route.request.url.partition("/_ml/")[2]]))
    page = reader.go("#/jobs")
    page.get_by_text("500 of 500 jobs").wait_for()
    assert page.locator("tbody tr[data-row]").count() < 120
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    last = page.get_by_role("checkbox", name="Select job-499", exact=True)
    last.wait_for()
    assert page.locator("tr", has=last).get_attribute("aria-rowindex") == "501"
    assert page.locator("tbody tr[data-row]").count() < 120
    page.get_by_role("checkbox", name="Select all jobs of the list").check()
    page.get_by_text("500 selected").wait_for()
    page.get_by_role("searchbox").fill("job-25")
    page.get_by_text("10 of 500 jobs").wait_for()
    page.get_by_role("checkbox", name="Select job-250", exact=True).wait_for()
