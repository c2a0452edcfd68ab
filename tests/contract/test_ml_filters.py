"""Filter lists over REST, through the official client: shapes, statuses and texts."""

import uuid

import pytest
from elasticsearch import ApiError
from refused import refusal


@pytest.fixture
def name():
    return f"filter-{uuid.uuid4().hex[:12]}"


def scoped_job(client, filter_id, **options):
    rule = {"scope": {"airline": {"filter_id": filter_id}}}
    detector = {"function": "mean", "field_name": "delay", "by_field_name": "airline", "custom_rules": [rule]}
    job_id = f"job-{uuid.uuid4().hex[:12]}"
    client.ml.put_job(
        job_id=job_id,
        analysis_config={"bucket_span": "1h", "detectors": [detector]},
        data_description={"time_field": "time"},
        **options,
    )
    return job_id


def messages(client, job_id):
    client.indices.refresh(index=".ml-notifications-*")
    hits = client.search(index=".ml-notifications-*", query={"term": {"job_id": job_id}}, size=100)["hits"]["hits"]
    return [hit["_source"]["message"] for hit in hits]


def test_a_filter_is_a_sorted_set(client, name):
    made = client.ml.put_filter(filter_id=name, items=["xyz", "abc", "xyz", "*.org"], description="airlines")
    assert made.body == {"filter_id": name, "description": "airlines", "items": ["*.org", "abc", "xyz"]}
    assert client.ml.get_filters(filter_id=name).body == {"count": 1, "filters": [made.body]}
    plain = client.ml.put_filter(filter_id=f"{name}-2", items=[])
    assert plain.body == {"filter_id": f"{name}-2", "items": []}


def test_filters_are_found_by_lists_and_wildcards_page_by_page(client, name):
    for number in range(3):
        client.ml.put_filter(filter_id=f"{name}-{number}", items=[str(number)])
    everything = client.ml.get_filters(filter_id=f"{name}-*")
    assert [one["filter_id"] for one in everything["filters"]] == [f"{name}-{number}" for number in range(3)]
    page = client.ml.get_filters(filter_id=f"{name}-*", from_=1, size=1)
    assert (page["count"], [one["items"] for one in page["filters"]]) == (3, [["1"]])
    assert client.ml.get_filters(filter_id=f"{name}-0,{name}-2")["count"] == 2
    assert client.ml.get_filters(filter_id=f"{name}-none-*").body == {"count": 0, "filters": []}
    assert refusal(client.ml.get_filters, filter_id=f"{name}-9") == (
        404,
        "resource_not_found_exception",
        f"No filter with id [{name}-9] exists",
    )
    assert refusal(client.ml.get_filters, from_=-1)[0] == 400


def test_what_cannot_be_a_filter_is_refused(client, name):
    rule = (
        "can contain lowercase alphanumeric (a-z and 0-9), hyphens or underscores; must start and end with alphanumeric"
    )
    assert refusal(client.ml.put_filter, filter_id="Invalid", items=["a"]) == (
        400,
        "status_exception",
        f"Invalid filter_id; 'Invalid' {rule}",
    )
    body = {"filter_id": "another", "items": ["a"]}
    assert refusal(client.ml.put_filter, filter_id=name, body=body) == (
        400,
        "illegal_argument_exception",
        f"Inconsistent filter_id; 'another' specified in the body differs from '{name}' specified as a URL argument",
    )
    many = [str(number) for number in range(10_001)]
    assert refusal(client.ml.put_filter, filter_id=name, items=many)[2] == (
        f"Filter [{name}] contains too many items; up to [10000] items are allowed"
    )
    assert refusal(client.ml.put_filter, filter_id=name, body={"item": []})[0] == 400
    client.ml.put_filter(filter_id=name, items=["a"])
    assert refusal(client.ml.put_filter, filter_id=name, items=["a"]) == (
        400,
        "resource_already_exists_exception",
        f"A filter with id [{name}] already exists",
    )


def test_an_update_adds_and_removes(client, name):
    client.ml.put_filter(filter_id=name, items=["a", "b"], description="old")
    changed = client.ml.update_filter(filter_id=name, description="new", add_items=["c", "d", "b"], remove_items=["a"])
    assert changed.body == {"filter_id": name, "description": "new", "items": ["b", "c", "d"]}
    assert client.ml.get_filters(filter_id=name)["filters"] == [changed.body]
    assert client.ml.update_filter(filter_id=name, body={}).body == changed.body
    assert refusal(client.ml.update_filter, filter_id=name, remove_items=["z"]) == (
        400,
        "status_exception",
        f"Cannot remove item [z] as it is not present in filter [{name}]",
    )
    assert client.ml.get_filters(filter_id=name)["filters"] == [changed.body]
    assert refusal(client.ml.update_filter, filter_id=f"{name}-9", body={})[0] == 404


def test_a_filter_that_a_job_uses_stays(client, name):
    client.ml.put_filter(filter_id=name, items=["a"])
    job_id = scoped_job(client, name)
    assert refusal(client.ml.delete_filter, filter_id=name) == (
        409,
        "status_exception",
        f"Cannot delete filter [{name}] currently used by jobs [{job_id}]",
    )
    client.ml.delete_job(job_id=job_id)
    assert client.ml.delete_filter(filter_id=name).body == {"acknowledged": True}
    assert refusal(client.ml.delete_filter, filter_id=name)[:2] == (404, "resource_not_found_exception")


def test_a_job_opens_only_with_its_filters(client, name):
    job_id = scoped_job(client, name)
    [detector] = client.ml.get_jobs(job_id=job_id)["jobs"][0]["analysis_config"]["detectors"]
    assert detector["custom_rules"] == [
        {"actions": ["skip_result"], "scope": {"airline": {"filter_id": name, "filter_type": "include"}}}
    ]
    assert refusal(client.ml.open_job, job_id=job_id) == (
        404,
        "resource_not_found_exception",
        f"No filter with id [{name}] exists",
    )
    client.ml.put_filter(filter_id=name, items=["a"])
    client.ml.open_job(job_id=job_id)
    other = {"actions": ["skip_model_update"], "scope": {"airline": {"filter_id": f"{name}-9"}}}
    change = [{"detector_index": 0, "custom_rules": [other]}]
    assert refusal(client.ml.update_job, job_id=job_id, detectors=change)[0] == 404
    client.ml.update_filter(filter_id=name, add_items=["b", "c"], remove_items=["a"])
    told = f"Filter [{name}] has been modified; added items: ['b','c'], removed items: ['a']"
    assert told in messages(client, job_id)
    client.ml.delete_job(job_id=job_id, force=True)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (
            {"scope": {"host": {"filter_id": "f"}}},
            "Invalid detector rule: scope field 'host' is invalid; select from [airline]",
        ),
        ({"actions": ["skip_result"]}, "Invalid detector rule: at least scope or a condition is required"),
        (
            {"actions": ["force_time_shift"], "conditions": [{"applies_to": "time", "operator": "gt", "value": 1}]},
            "Invalid detector rule: action force_time_shift requires params.force_time_shift",
        ),
    ],
)
def test_rules_that_cannot_be_are_refused_in_words(client, rule, reason):
    detector = {"function": "mean", "field_name": "delay", "by_field_name": "airline", "custom_rules": [rule]}
    with pytest.raises(ApiError) as caught:
        client.ml.put_job(
            job_id="refused", analysis_config={"detectors": [detector]}, data_description={"time_field": "time"}
        )
    cause = caught.value.body["error"]
    while "caused_by" in cause:
        cause = cause["caused_by"]
    assert (caught.value.status_code, cause["reason"]) == (400, reason)


def test_filters_survive_a_kill(engine, name):
    with engine.client() as client:
        client.ml.put_filter(filter_id=name, items=["b", "a"], description="kept")
        client.ml.update_filter(filter_id=name, add_items=["c"])
        before = client.ml.get_filters().body
    engine.kill()
    engine.start()
    with engine.client() as client:
        assert client.ml.get_filters().body == before
