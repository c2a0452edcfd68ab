"""Calendars, filter lists and reports of investigations in a real browser."""

from __future__ import annotations

import json

import pytest
from axe import broken_rules
from beside import console_beside

MARK = '[anomalyops.io {"cluster": "local", "namespace": "default", "name": "holidays"}]'
HOSTILE = "<img src=x onerror=alert(1)>"
FILE = f"""BEGIN:VCALENDAR
BEGIN:VEVENT
SUMMARY:{HOSTILE}
DTSTART;VALUE=DATE:20200101
RRULE:FREQ=DAILY
END:VEVENT
BEGIN:VEVENT
SUMMARY:Odd
DTSTART;VALUE=DATE:20200101
EXRULE:FREQ=DAILY
END:VEVENT
END:VCALENDAR
"""
REPORT = {
    "window": {"start": "2026-10-31T10:00:00+00:00", "end": "2026-10-31T14:00:00+00:00"},
    "empty": None,
    "rootCause": HOSTILE,
    "faultClass": "security",
    "severity": "critical",
    "likelihood": 0.9,
    "recommendedActions": ["Look at the source."],
    "suspects": [
        {
            "entity": HOSTILE,
            "fields": ["clientip"],
            "likelihood": 0.9,
            "onset": "2026-10-31T12:00:00+00:00",
            "onsetBetween": None,
            "jobs": ["url_scanning"],
            "maxScore": 99.0,
            "parts": {},
        }
    ],
    "leads": [],
    "affectedJobs": ["url_scanning"],
    "notes": ["Two jobs could not be read."],
}


@pytest.fixture
def things(engine):
    """A calendar and a filter list of nobody, and of a manifest; whatever a test makes is taken away."""
    with engine.client() as client:
        client.ml.put_calendar(calendar_id="managed", job_ids=["_all"])
        marking = {"description": MARK, "start_time": 0, "end_time": 1000}
        real = {"description": "Christmas", "start_time": 4_102_444_800_000, "end_time": 4_102_531_200_000}
        client.ml.post_calendar_events(calendar_id="managed", events=[marking, real])
        client.ml.put_filter(filter_id="used", items=["10.*"])
        rule = {"actions": ["skip_result"], "scope": {"clientip": {"filter_id": "used", "filter_type": "include"}}}
        client.ml.put_job(
            job_id="ruled",
            groups=["shared_group"],
            analysis_config={
                "bucket_span": "1h",
                "detectors": [{"function": "count", "over_field_name": "clientip", "custom_rules": [rule]}],
            },
            data_description={"time_field": "timestamp"},
        )
        yield client
        client.ml.delete_job(job_id="ruled", force=True)
        for one in ("managed", "made"):
            client.options(ignore_status=404).ml.delete_calendar(calendar_id=one)
        for one in ("used", "made"):
            client.options(ignore_status=404).ml.delete_filter(filter_id=one)


def row(page, table, name):
    there = page.get_by_role("region", name=table).locator("tbody tr")
    return there.filter(has=page.get_by_role("rowheader", name=name))


def test_what_jobs_share_is_listed_with_what_it_bears_on_and_whose_it_is(reader, things):
    page = reader.go("#/shared")
    managed = row(page, "List of calendars", "managed")
    managed.wait_for()
    reader.keep("shared")
    said = managed.inner_text()
    assert "local/default/holidays" in said
    assert "Christmas" in said
    assert "url_scanning" in said or "more" in said
    assert "anomalyops.io" not in said
    assert managed.get_by_role("button").count() == 0  # it is changed in its manifest
    used = row(page, "List of filter lists", "used").inner_text()
    assert "ruled: " in used
    assert "where clientip is in it" in used


def test_a_calendar_is_made_changed_and_deleted(reader, things):
    page = reader.go("#/shared")
    page.get_by_role("button", name="New calendar").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Calendar id").fill("made")
    dialog.get_by_label("Holds for").fill("shared_group")
    dialog.get_by_label("What happens").fill(HOSTILE)
    dialog.get_by_label("Begins").fill("2026-12-24")
    dialog.get_by_label("Ends").fill("2026-12-27")
    dialog.get_by_label("Ends").press("Enter")
    dialog.get_by_label("Move clocks by").fill("an hour")
    dialog.get_by_label("Move clocks by").press("Enter")
    dialog.get_by_text("“an hour” is no whole number").wait_for()
    assert dialog.get_by_role("button", name="Add the event").is_disabled()
    dialog.get_by_label("Move clocks by").fill("-3600")
    dialog.get_by_label("Move clocks by").press("Enter")
    dialog.get_by_label("No anomalies in it").uncheck()
    dialog.get_by_role("button", name="Add the event").click()
    dialog.get_by_text("anomalies as ever, nothing is learnt, clocks are moved by -3600 s").wait_for()
    dialog.get_by_role("button", name="Make the calendar").click()
    made = row(page, "List of calendars", "made")
    made.wait_for()
    assert "ruled" in made.inner_text()
    assert HOSTILE in made.inner_text() or "1" in made.inner_text()
    (event,) = things.ml.get_calendar_events(calendar_id="made")["events"]
    assert event["description"] == HOSTILE
    assert (event["skip_result"], event["skip_model_update"], event["force_time_shift"]) == (False, True, -3600)
    made.get_by_role("button", name="Edit made").click()
    dialog.get_by_label("Holds for").fill("_all")
    dialog.get_by_label("Holds for").press("Enter")
    dialog.get_by_role("button", name="Take <img").click()
    dialog.get_by_role("button", name="Change the calendar").click()
    dialog.wait_for(state="hidden")
    assert things.ml.get_calendars(calendar_id="made")["calendars"][0]["job_ids"] == ["_all"]
    assert things.ml.get_calendar_events(calendar_id="made")["events"] == []
    page.get_by_role("button", name="Delete made").click()
    dialog.get_by_role("button", name="Delete it").click()
    dialog.wait_for(state="hidden")
    made.wait_for(state="detached")


def test_a_file_of_events_is_shown_before_it_is_written(reader, things):
    page = reader.go("#/shared")
    page.get_by_role("button", name="New calendar").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Calendar id").fill("made")
    dialog.get_by_label("Calendar id").press("Enter")
    dialog.get_by_text("Events of a file (.ics)").click()
    given = dialog.get_by_label("Calendar file")
    given.set_input_files({"name": "x.ics", "mimeType": "text/calendar", "buffer": b"hello"})
    dialog.get_by_text("x.ics: not an iCalendar text").wait_for()
    given.set_input_files({"name": "team.ics", "mimeType": "text/calendar", "buffer": FILE.encode()})
    dialog.get_by_text("team.ics: 121 events of this time to add").wait_for()
    dialog.get_by_text("Left out: event Odd: EXRULE cannot be followed").wait_for()
    assert HOSTILE in dialog.get_by_role("region", name="Table of the file's events").inner_text()
    assert broken_rules(page) == []
    dialog.get_by_role("button", name="Take them over").click()
    dialog.get_by_text("121 events of team.ics are in the list above").wait_for()
    assert not things.options(ignore_status=404).ml.get_calendars(calendar_id="made").get("calendars")
    dialog.get_by_role("button", name="Make the calendar").click()
    row(page, "List of calendars", "made").wait_for()
    events = things.ml.get_calendar_events(calendar_id="made", size=1000)["events"]
    assert len(events) == 121
    assert {event["description"] for event in events} == {HOSTILE}


def test_a_filter_list_is_made_and_changed_and_one_that_rules_use_is_kept(reader, things):
    page = reader.go("#/shared")
    page.get_by_role("button", name="New filter list").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Filter id").fill("made")
    dialog.get_by_label("Values").fill("a\n b \n\na")
    dialog.get_by_label("Values").blur()
    dialog.get_by_role("button", name="Make the filter list").click()
    row(page, "List of filter lists", "made").wait_for()
    assert things.ml.get_filters(filter_id="made")["filters"][0]["items"] == ["a", "b"]
    page.get_by_role("button", name="Edit made").click()
    dialog.get_by_label("Values").fill("b\nc")
    dialog.get_by_label("Values").blur()
    dialog.get_by_role("button", name="Change the filter list").click()
    dialog.wait_for(state="hidden")
    assert things.ml.get_filters(filter_id="made")["filters"][0]["items"] == ["b", "c"]
    page.get_by_role("button", name="Delete used").click()
    dialog.get_by_text("Rules use it").wait_for()
    assert dialog.get_by_role("button", name="Delete it").is_disabled()


def test_what_the_server_refuses_is_said_in_the_dialog(reader, things):
    page = reader.go("#/shared")
    page.get_by_role("button", name="New calendar").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Calendar id").fill("Not An Id")
    dialog.get_by_label("Calendar id").press("Enter")
    dialog.get_by_role("button", name="Make the calendar").click()
    dialog.get_by_role("alert").wait_for()
    assert "Not done: make the calendar Not An Id." in dialog.get_by_role("alert").inner_text()
    reader.problems[:] = [text for text in reader.problems if "400" not in text]


def test_a_console_that_only_reads_offers_no_change(reader, engine, things):
    with console_beside(engine.url) as url:
        reader.base = url
        page = reader.go("#/shared")
        row(page, "List of filter lists", "used").wait_for()
        assert page.locator("main").get_by_role("button").count() == 0
        page.get_by_text("This console only reads").wait_for()
        page.goto("about:blank")


def test_a_report_of_an_investigation_is_shown_as_text(reader):
    page = reader.go("#/report")
    page.get_by_text("No report is open.").wait_for()
    given = page.get_by_label("Report (.json)")
    given.set_input_files({"name": "empty.json", "mimeType": "application/json", "buffer": b"{}"})
    page.get_by_text("empty.json: The file is no report of an investigation").wait_for()
    written = {"name": "x.json", "mimeType": "application/json", "buffer": json.dumps(REPORT).encode()}
    given.set_input_files(written)
    page.get_by_text("is the most likely cause: security fault").wait_for()
    assert HOSTILE in page.get_by_role("region", name="Suspects").inner_text()
    assert page.locator("main img").count() == 0
    assert broken_rules(page) == []
    page.get_by_role("link", name="affected jobs").click()
    page.locator("canvas").first.wait_for()


@pytest.mark.parametrize("options", [{"color_scheme": "light"}, {"color_scheme": "dark"}], ids=["light", "dark"])
def test_no_rule_of_accessibility_is_broken_by_what_is_shared(reader, things):
    page = reader.go("#/shared")
    row(page, "List of calendars", "managed").wait_for()
    assert broken_rules(page) == []
    page.get_by_role("button", name="New calendar").click()
    page.get_by_role("dialog").wait_for()
    assert broken_rules(page) == []
