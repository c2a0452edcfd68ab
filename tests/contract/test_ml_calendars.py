"""Calendars and scheduled events over REST, through the official client: shapes, statuses and texts."""

import uuid

import pytest
from refused import refusal

DAY_MS = 86_400_000
START_MS = 1_512_086_400_000  # 2017-12-01T00:00:00Z


@pytest.fixture
def name():
    return f"cal-{uuid.uuid4().hex[:12]}"


def job(client, **options):
    job_id = f"job-{uuid.uuid4().hex[:12]}"
    client.ml.put_job(
        job_id=job_id,
        analysis_config={"bucket_span": "1h", "detectors": [{"function": "count"}]},
        data_description={"time_field": "time"},
        **options,
    )
    return job_id


def event(description, day, days=1, **options):
    begin = START_MS + day * DAY_MS
    return {"description": description, "start_time": begin, "end_time": begin + days * DAY_MS, **options}


def described(found):
    return [one["description"] for one in found["events"]]


def test_a_calendar_names_jobs_and_groups(client, name):
    made = client.ml.put_calendar(calendar_id=name, job_ids=["a-job", "new-group"], description="about")
    assert made.body == {"calendar_id": name, "job_ids": ["a-job", "new-group"], "description": "about"}
    assert client.ml.get_calendars(calendar_id=name).body == {"count": 1, "calendars": [made.body]}
    assert client.ml.put_calendar(calendar_id=f"{name}-2").body == {"calendar_id": f"{name}-2", "job_ids": []}
    added = client.ml.put_calendar_job(calendar_id=f"{name}-2", job_id="b,a,b")
    assert added["job_ids"] == ["b", "a"]
    assert client.ml.delete_calendar_job(calendar_id=f"{name}-2", job_id="b")["job_ids"] == ["a"]
    assert refusal(client.ml.delete_calendar_job, calendar_id=f"{name}-2", job_id="a,otter") == (
        400,
        "status_exception",
        f"Cannot remove [otter] as it is not present in calendar [{name}-2]",
    )
    assert client.ml.get_calendars(calendar_id=f"{name}-2")["calendars"][0]["job_ids"] == ["a"]
    assert refusal(client.ml.put_calendar_job, calendar_id=f"{name}-9", job_id="a")[2] == (
        f"No calendar with id [{name}-9]"
    )


def test_what_cannot_be_a_calendar_is_refused(client, name):
    client.ml.put_calendar(calendar_id=name)
    assert refusal(client.ml.put_calendar, calendar_id=name) == (
        400,
        "status_exception",
        f"Cannot create calendar with id [{name}] as it already exists",
    )
    for calendar_id in ("_all", "Mayas", "x" * 65):
        status, kind, _ = refusal(client.ml.put_calendar, calendar_id=calendar_id)
        assert (status, kind) == (400, "action_request_validation_exception")
    assert refusal(client.ml.get_calendars, calendar_id=f"{name}-9") == (
        404,
        "resource_not_found_exception",
        f"No calendar with id [{name}-9]",
    )
    assert refusal(client.ml.get_calendars, calendar_id=name, size=10) == (
        400,
        "action_request_validation_exception",
        "Validation Failed: 1: Params [from, size] are incompatible with [calendar_id].;",
    )


def test_calendars_are_shown_page_by_page(engine):
    with engine.client() as client:
        for number in range(3):
            client.ml.put_calendar(calendar_id=f"c{number}")

        def shown(**options):
            found = client.ml.get_calendars(**options)
            assert found["count"] == 3
            return [one["calendar_id"] for one in found["calendars"]]

        assert shown() == shown(calendar_id="_all") == shown(calendar_id="c*") == ["c0", "c1", "c2"]
        assert shown(from_=2) == ["c2"]
        assert shown(page={"from": 1, "size": 1}) == ["c1"]
        client.ml.post_calendar_events(calendar_id="c1", events=[event("x", 0)])
        client.ml.post_calendar_events(calendar_id="c2", events=[event("y", 0), event("z", 2)])
        before = client.ml.get_calendars().body, client.ml.get_calendar_events(calendar_id="_all").body
        client.ml.delete_calendar(calendar_id="c0")
        client.ml.delete_calendar(calendar_id="c1")
    engine.kill()
    engine.start()
    with engine.client() as client:
        assert client.ml.get_calendars()["calendars"] == before[0]["calendars"][2:]
        kept = [one for one in before[1]["events"] if one["calendar_id"] == "c2"]
        assert client.ml.get_calendar_events(calendar_id="*")["events"] == kept
        assert refusal(client.ml.get_calendar_events, calendar_id="c1")[0] == 404


def test_events_are_listed_by_time(client, name):
    client.ml.put_calendar(calendar_id=name)
    posted = client.ml.post_calendar_events(
        calendar_id=name,
        events=[event("four", 11, 3), event("three", 11), event("two", 4), event("one", 0, calendar_id=name)],
    )
    assert posted["events"][2] == {
        "description": "two",
        "start_time": START_MS + 4 * DAY_MS,
        "end_time": START_MS + 5 * DAY_MS,
        "skip_result": True,
        "skip_model_update": True,
        "calendar_id": name,
    }
    found = client.ml.get_calendar_events(calendar_id=name)
    assert (found["count"], described(found)) == (4, ["one", "two", "four", "three"])
    assert all(one["event_id"] for one in found["events"])

    def between(**options):
        return described(client.ml.get_calendar_events(calendar_id=name, **options))

    assert between(from_=1, size=2) == ["two", "four"]
    assert between(end="2017-12-12T00:00:00Z") == ["one", "two"]
    assert between(start="2017-12-05T03:00:00Z") == ["two", "four", "three"]
    assert between(start=str(START_MS + DAY_MS), end=str(START_MS + 11 * DAY_MS)) == ["two"]


def test_events_keep_what_they_do(client, name):
    client.ml.put_calendar(calendar_id=name)
    options = {"skip_result": False, "skip_model_update": False, "force_time_shift": -3600}
    client.ml.post_calendar_events(calendar_id=name, events=[event("winter time", 0, **options)])
    [kept] = client.ml.get_calendar_events(calendar_id=name)["events"]
    assert {key: kept[key] for key in options} == options


def test_what_cannot_be_an_event_is_refused(client, name):
    client.ml.put_calendar(calendar_id=name)

    def post(*events, calendar_id=name):
        return refusal(client.ml.post_calendar_events, calendar_id=calendar_id, events=list(events))

    assert post() == (400, "status_exception", "At least 1 event is required")
    assert post(event("x", 0), calendar_id=f"{name}-9")[0] == 404
    assert post(event("x", 0, calendar_id="other")) == (
        400,
        "status_exception",
        f"Inconsistent calendar_id; 'other' specified in the body differs from '{name}' specified as a URL argument",
    )
    assert post({"description": "x", "start_time": 5})[2] == "Field [end_time] cannot be null"
    assert post(event("x", 0, 0))[2] == (
        "Event start time [2017-12-01T00:00:00.000Z] must come before end time [2017-12-01T00:00:00.000Z]"
    )
    assert post(event("x", 0), event("y", 0, event_id="mine"))[0] == 400
    assert client.ml.get_calendar_events(calendar_id=name)["count"] == 0


def test_an_event_is_deleted_where_it_is(client, name):
    client.ml.put_calendar(calendar_id=name)
    client.ml.put_calendar(calendar_id=f"{name}-2")
    client.ml.post_calendar_events(calendar_id=name, events=[event("x", 0), event("y", 1)])
    event_id = client.ml.get_calendar_events(calendar_id=name)["events"][0]["event_id"]
    assert refusal(client.ml.delete_calendar_event, calendar_id=f"{name}-2", event_id=event_id) == (
        400,
        "status_exception",
        f"Event [{event_id}] has calendar_id [{name}] which does not match the request calendar_id [{name}-2]",
    )
    assert refusal(client.ml.delete_calendar_event, calendar_id=name, event_id="missing event") == (
        404,
        "resource_not_found_exception",
        "No event with id [missing event]",
    )
    assert refusal(client.ml.delete_calendar_event, calendar_id=f"{name}-9", event_id="x")[2] == (
        f"No calendar with id [{name}-9]"
    )
    assert client.ml.delete_calendar_event(calendar_id=name, event_id=event_id).body == {"acknowledged": True}
    assert described(client.ml.get_calendar_events(calendar_id=name)) == ["y"]


def test_events_of_a_job_come_by_its_id_its_groups_and_all(client, name):
    mine, grouped = job(client), job(client, groups=[f"{name}-group"])
    for calendar_id, job_ids in ((name, [mine]), (f"{name}-g", [f"{name}-group"]), (f"{name}-x", ["nobody"])):
        client.ml.put_calendar(calendar_id=calendar_id, job_ids=job_ids)
        client.ml.post_calendar_events(calendar_id=calendar_id, events=[event(calendar_id, 0)])
    for wanted, found in ((mine, name), (grouped, f"{name}-g"), (f"{name}-group", f"{name}-g")):
        assert described(client.ml.get_calendar_events(calendar_id="_all", job_id=wanted)) == [found]
    assert refusal(client.ml.get_calendar_events, calendar_id=name, job_id=mine) == (
        400,
        "action_request_validation_exception",
        "Validation Failed: 1: If job_id is used calendar_id must be '_all';",
    )
    assert refusal(client.ml.get_calendar_events, calendar_id="_all", job_id=f"{name}-9")[0] == 404
    client.ml.delete_job(job_id=mine)
    assert client.ml.get_calendars(calendar_id=name)["calendars"][0]["job_ids"] == []


def test_open_jobs_are_told_of_their_calendars(client, name):
    mine, other = job(client), job(client)
    for job_id in (mine, other):
        client.ml.open_job(job_id=job_id)
    client.ml.put_calendar(calendar_id=name, job_ids=[mine])
    client.ml.post_calendar_events(calendar_id=name, events=[event("x", 0)])
    client.indices.refresh(index=".ml-notifications-*")
    told = client.search(
        index=".ml-notifications-*", query={"match_phrase": {"message": "Updated calendars in running process"}}
    )["hits"]["hits"]
    jobs = [hit["_source"]["job_id"] for hit in told]
    assert (jobs.count(mine), jobs.count(other)) == (2, 0)
    for job_id in (mine, other):
        client.ml.delete_job(job_id=job_id, force=True)
