"""AnomalyCalendars: made, changed, healed, taken over, deleted; and the AnomalyJobs that they choose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from kube_harness.kubectl import TIMEOUT
from kube_harness.processes import wait_until
from kube_harness.world import World

CHRISTMAS = {"description": "Christmas", "start": "2026-12-24", "end": "2026-12-27"}
EASTER = {"description": "Easter", "start": "2027-03-26T00:00:00Z", "end": "2027-03-30T00:00:00Z", "skipResult": False}


def jobs(world: World) -> list[str] | None:
    status, answer = world.engine.request("GET", f"/_ml/calendars/{world.calendar_id}")
    return sorted(answer["calendars"][0]["job_ids"]) if status == 200 else None


def raw_events(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.engine.call("GET", f"/_ml/calendars/{world.calendar_id}/events")["events"]
    return found


def marks(world: World) -> list[str]:
    return [one["description"] for one in raw_events(world) if one["description"].startswith("[anomalyops.io {")]


def events(world: World) -> list[str]:
    return [one["description"] for one in raw_events(world) if not one["description"].startswith("[anomalyops.io ")]


def start(world: World, *values: dict[str, Any], **spec: Any) -> None:
    world.apply(world.connection(), world.calendar(*values, **spec))
    world.wait_ready("elasticsearchconnection/default", "anomalycalendar/holidays")


def delete(world: World, *names: str) -> None:
    world.kubectl("delete", *names, "-n", world.namespace, TIMEOUT)


def wait_for_jobs(world: World, *wanted: str) -> None:
    wait_until(lambda: jobs(world) == sorted(wanted), what=f"the jobs {wanted}, not {jobs(world)}")


def wait_for_events(world: World, *wanted: str) -> None:
    wait_until(lambda: events(world) == list(wanted), what=f"the events {wanted}")


def test_a_calendar_is_made_changed_and_healed(world: World) -> None:
    start(world, CHRISTMAS, jobIds=["some-job", "group"], description="Days off")
    assert jobs(world) == ["group", "some-job"]
    assert events(world) == ["Christmas"]
    (mark,) = marks(world)
    assert f'"namespace": "{world.namespace}"' in mark
    table = world.kubectl("get", "acal", "holidays", "-n", world.namespace).splitlines()
    assert table[0].split() == ["NAME", "CALENDAR", "JOBS", "EVENTS", "READY", "SYNCED", "REASON", "AGE"]
    assert table[1].split()[1:7] == [world.calendar_id, "2", "1", "True", "True", "Ready"]

    kept = {one["event_id"] for one in raw_events(world)}
    world.apply(world.calendar(CHRISTMAS, EASTER, jobIds=["group"]))
    world.wait_ready("anomalycalendar/holidays")
    assert (jobs(world), events(world)) == (["group"], ["Christmas", "Easter"])
    assert kept < {one["event_id"] for one in raw_events(world)}  # only what changed was sent
    assert any("add events to calendar: Easter" in event["note"] for event in world.events("PlanExecuted"))

    path = f"/_ml/calendars/{world.calendar_id}"
    christmas = next(one for one in raw_events(world) if one["description"] == "Christmas")
    world.engine.call("DELETE", f"{path}/events/{christmas['event_id']}")
    drift = {"description": "by hand", "start_time": 1_800_000_000_000, "end_time": 1_800_000_001_000}
    world.engine.call("POST", f"{path}/events", {"events": [drift]})
    world.engine.call("PUT", f"{path}/jobs/by-hand")
    wait_for_jobs(world, "group")
    wait_for_events(world, "Christmas", "Easter")
    world.engine.request("DELETE", path)
    wait_until(lambda: jobs(world) == ["group"], what="the calendar anew")
    wait_for_events(world, "Christmas", "Easter")


def test_events_that_come_again_are_written_out(world: World) -> None:
    today = datetime.now(UTC).date()
    tomorrow = today + timedelta(days=1)
    backup = {"description": "Backup", "start": f"{today}T02:00", "duration": "1h", "rrule": "FREQ=DAILY;COUNT=3"}
    text = (
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\nBEGIN:VEVENT\nUID:1\nSUMMARY:Inventory\n"
        f"DTSTART;VALUE=DATE:{tomorrow:%Y%m%d}\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    more: dict[str, Any] = {"recurringEvents": [backup], "timeZone": "Asia/Tokyo", "ics": [{"inline": text}]}
    start(world, CHRISTMAS, jobIds=["a"], **more)
    assert sorted(events(world)) == ["Backup"] * 3 + ["Christmas", "Inventory"]
    first = min(one["start_time"] for one in raw_events(world) if one["description"] == "Backup")
    assert (
        first == int(datetime(today.year, today.month, today.day, 2, tzinfo=ZoneInfo("Asia/Tokyo")).timestamp()) * 1000
    )

    kept = {one["event_id"] for one in raw_events(world)}
    more["recurringEvents"] = [backup | {"excluded": [f"{tomorrow}T02:00"]}]
    world.apply(
        world.calendar(CHRISTMAS, jobIds=["a"], daylightSavingTimeZone="Europe/Berlin", expandAhead="300d", **more)
    )
    world.wait_ready("anomalycalendar/holidays")
    assert events(world).count("Backup") == 2
    shifts = [one for one in raw_events(world) if "force_time_shift" in one]
    assert shifts
    assert all(abs(one["force_time_shift"]) == 3600 and not one["skip_result"] for one in shifts)
    assert len(kept - {one["event_id"] for one in raw_events(world)}) == 1, "the one that does not take place, alone"

    wrong = world.calendar(CHRISTMAS, recurringEvents=[backup | {"rrule": "FREQ=SECONDLY"}])
    world.apply(wrong)
    refused = world.condition("anomalycalendar", "Stalled", status="True", reason="InvalidSpec")
    assert "needs FREQ, which is one of DAILY" in refused["message"]
    assert "Backup" in events(world)


def test_jobs_by_name_and_by_label_come_and_go(world: World) -> None:
    world.apply(world.connection(), world.calendar(CHRISTMAS, jobRefs=[{"name": "requests"}]))
    waits = world.condition("anomalycalendar", "Reconciling", status="True", reason="WaitingForJob")
    assert waits["message"].endswith("not there yet: requests")
    assert events(world) == ["Christmas"]  # all else is done

    world.apply(world.job(deletionPolicy="Delete", replacePolicy="Recreate"), world.datafeed())
    world.wait_ready("anomalyjob/requests", "datafeed/feed", "anomalycalendar/holidays")
    assert jobs(world) == [world.job_id]

    selector = {"matchLabels": {"team": "web"}}
    calendar = world.calendar(CHRISTMAS, jobSelector=selector)
    world.apply(calendar)
    wait_for_jobs(world)
    world.kubectl("label", "anomalyjob/requests", "team=web", "-n", world.namespace)
    wait_for_jobs(world, world.job_id)

    delete(world, "datafeed/feed", "anomalyjob/requests")
    wait_for_jobs(world)


def test_a_job_that_is_created_anew_is_in_its_calendars_before_it_opens(world: World) -> None:
    world.start_pair(world.job(deletionPolicy="Delete", replacePolicy="Recreate"))
    path = f"/_ml/calendars/{world.calendar_id}"
    world.engine.call("PUT", path, {"job_ids": [world.job_id]})  # a calendar that somebody else manages
    other = world.job(deletionPolicy="Delete", replacePolicy="Recreate")
    other["spec"]["analysisConfig"]["bucketSpan"] = "30m"
    world.apply(other)
    world.wait_ready()
    wait_until(
        lambda: world.engine.job_config(world.job_id)["analysis_config"]["bucket_span"] == "30m",
        what="the new job",
    )
    assert jobs(world) == [world.job_id]
    note = next(event["note"] for event in world.events("PlanExecuted") if "delete job" in event["note"])
    assert note.index("create job") < note.index("add jobs to calendar") < note.index("open job")


def test_each_deletion_policy(world: World) -> None:
    start(world, CHRISTMAS, jobIds=["a"])
    delete(world, "anomalycalendar/holidays")
    (mark,) = marks(world)
    assert '"retained": true' in mark

    start(world, CHRISTMAS, jobIds=["a"])  # the same manifest takes it up again
    world.apply(world.calendar(CHRISTMAS, jobIds=["a"], deletionPolicy="Orphan"))
    world.wait_ready("anomalycalendar/holidays")
    delete(world, "anomalycalendar/holidays")
    assert (jobs(world), events(world), marks(world)) == (["a"], ["Christmas"], [])

    start(world, CHRISTMAS, jobIds=["a"], deletionPolicy="Delete")
    delete(world, "anomalycalendar/holidays")
    assert jobs(world) is None


def test_a_calendar_that_somebody_made_keeps_what_it_has(world: World) -> None:
    path = f"/_ml/calendars/{world.calendar_id}"
    world.engine.call("PUT", path, {"job_ids": ["theirs"], "description": "by hand"})
    world.apply(world.connection(), world.calendar(CHRISTMAS, jobIds=["ours"]))
    refused = world.condition("anomalycalendar", "Stalled", status="True", reason="AlreadyExists")
    assert "has what the manifest lacks (jobs theirs)" in refused["message"]
    delete(world, "anomalycalendar/holidays")
    assert (jobs(world), raw_events(world)) == (["theirs"], [])

    start(world, CHRISTMAS, jobIds=["ours", "theirs"])
    assert jobs(world) == ["ours", "theirs"]
    world.apply(world.calendar(CHRISTMAS, jobIds=["ours", "theirs"], description="other words"))
    fixed = world.condition("anomalycalendar", "Stalled", status="True", reason="ImmutableFieldChanged")
    assert "by hand -> other words" in fixed["message"]


def test_two_manifests_cannot_have_one_calendar(world: World) -> None:
    start(world, CHRISTMAS)
    second = world.calendar(EASTER, adoptionPolicy="Always")
    second["metadata"]["name"] = "more"
    world.apply(second)
    refused = world.kubectl.wait_condition(
        "anomalycalendar", "more", world.namespace, "Stalled", status="True", reason="NotOwned"
    )
    assert f"managed by AnomalyCalendar {world.namespace}/holidays of cluster" in refused["message"]
    delete(world, "anomalycalendar/more")
    assert events(world) == ["Christmas"]
