"""What results show is what the documents say, to the last digit, and what cannot be used is counted and said."""

import json

import numpy as np
import pytest

from anomalyops_engine.jobs import JobService
from anomalyops_engine.jobs.documents import NOTIFICATIONS_INDEX
from anomalyops_engine.jobs.results import RECORDS, ResultQuery
from anomalyops_engine.query import search
from anomalyops_engine.store import Store
from waiting import until

START_MS = 1_704_067_200_000
HOUR_MS = 3_600_000
HOURS = 300
AT = START_MS + 250 * HOUR_MS
HUGE = 2**53 + 1


@pytest.fixture
def engine(tmp_path):
    store = Store.open(tmp_path / "data")
    service = JobService(store)
    service.start()
    yield store, service
    service.stop()
    store.close()


def load(store, kind, usual, unusual, **more):
    """An index of one document an hour with a usual value, and in one hour the unusual documents."""
    properties = {"time": {"type": "date"}, "v": {"type": kind}, "who": {"type": "keyword"}}
    rng = np.random.default_rng(0)
    quiet = [
        {"time": START_MS + hour * HOUR_MS, "v": usual(rng), "who": "x", **more}
        for hour in range(HOURS)
        if START_MS + hour * HOUR_MS != AT
    ]
    with store.write() as writer:
        writer.create_index("logs", mappings={"properties": properties})
        writer.append("logs", quiet + [{"time": AT + n, "who": "x", **more, **one} for n, one in enumerate(unusual)])


def run(service, *functions, field="v", **detector):
    body = {
        "analysis_config": {
            "bucket_span": "1h",
            "detectors": [{"function": function, "field_name": field, **detector} for function in functions],
            "influencers": ["who"],
        },
        "data_description": {"time_field": "time"},
        "datafeed_config": {"datafeed_id": "j", "indices": ["logs"]},
    }
    service.jobs.create("j", body)
    service.jobs.open("j")
    service.datafeeds.start("j", start_ms=None, end_ms=START_MS + HOURS * HOUR_MS)
    until(lambda: service.jobs.stats("j", allow_no_match=False)["jobs"][0]["state"] != "opened")
    stats = service.jobs.stats("j", allow_no_match=False)["jobs"][0]
    assert stats["state"] == "closed"
    return stats["data_counts"]


def actual(service):
    """By function: the text of `actual` in the record of the unusual bucket, as a client gets it."""
    records = service.results.page("j", RECORDS, ResultQuery(start_ms=AT, end_ms=AT + 1))["records"]
    shown = {record["function"]: record["causes"][0] if "causes" in record else record for record in records}
    return {function: json.dumps(record["actual"]) for function, record in shown.items()}


@pytest.mark.parametrize("value", [1.68, 0.1 + 0.2, 123456.78901234567, 1e15 + 0.3, -1.0000000000000002])
def test_actual_is_the_value_of_a_document_to_the_last_digit(engine, value):
    store, service = engine
    load(store, "double", lambda rng: float(rng.normal(50, 0.1)), [{"v": value}])
    functions = ["mean", "max", "min", "sum", "median", "non_null_sum"]
    run(service, *functions)
    assert actual(service) == dict.fromkeys(functions, f"[{value!r}]")


def test_equal_values_have_themselves_as_mean_and_decimals_add_up(engine):
    store, service = engine
    load(store, "double", lambda rng: float(rng.normal(50, 0.1)), [{"v": 1.1}] * 10)
    run(service, "sum")
    assert actual(service) == {"sum": "[11.0]"}


@pytest.mark.parametrize("value", [HUGE, -HUGE, 2**62 + 1, 2**63 - 1])
def test_whole_numbers_keep_all_their_digits(engine, value):
    store, service = engine
    load(store, "long", lambda rng: int(rng.integers(40, 60)), [{"v": value}])
    functions = ["max", "min", "mean", "sum"]
    run(service, *functions)
    assert actual(service) == dict.fromkeys(functions, f"[{value}]")


def test_whole_numbers_of_members_keep_their_digits(engine):
    store, service = engine
    load(store, "long", lambda rng: int(rng.integers(40, 60)), [{"v": HUGE}])
    with store.write() as writer:
        rng = np.random.default_rng(1)
        others = [
            {"time": START_MS + hour * HOUR_MS, "v": int(rng.integers(40, 60)), "who": f"w{k}"}
            for hour in range(HOURS)
            for k in range(10)
        ]
        writer.append("logs", others)
    run(service, "max", over_field_name="who")
    assert actual(service) == {"max": f"[{HUGE}]"}


@pytest.mark.parametrize("kind", ["double", "long"])
def test_each_number_of_an_array_counts(engine, kind):
    store, service = engine
    expected = {"mean": 316, "sum": 3160, "max": 700, "min": 200, "median": 275, "distinct_count": 10}
    array = [200, 210, 220, 230, 240, 310, 320, 330, 400, 700]
    load(store, kind, lambda rng: int(rng.integers(48, 52)), [{"v": array}])
    counts = run(service, *expected)
    assert {function: json.loads(shown)[0] for function, shown in actual(service).items()} == expected
    assert counts["processed_record_count"] == HOURS
    assert counts["missing_field_count"] == 0


def test_arrays_are_explained_by_their_influencers(engine):
    store, service = engine
    load(store, "long", lambda rng: int(rng.integers(48, 52)), [{"v": 50}, {"v": [9000, 9100], "who": "evil"}])
    run(service, "mean")
    (record,) = service.results.page("j", RECORDS, ResultQuery(start_ms=AT, end_ms=AT + 1))["records"]
    assert record["influencers"] == [{"influencer_field_name": "who", "influencer_field_values": ["evil"]}]


def warnings_of(store):
    with store.read() as reader:
        body = {"size": 100, "query": {"bool": {"filter": [{"term": {"job_id": "j"}}, {"term": {"level": "warning"}}]}}}
        return [
            hit["_source"]["message"]
            for hit in search(reader, reader.resolve(NOTIFICATIONS_INDEX), body)["hits"]["hits"]
        ]


def test_what_is_no_number_is_counted_and_said(engine):
    store, service = engine
    load(store, "keyword", lambda rng: str(rng.integers(48, 52)), [{"v": "n/a"}, {"v": "NaN"}, {"v": "700"}])
    counts = run(service, "mean")
    assert actual(service) == {"mean": "[700.0]"}
    assert counts["missing_field_count"] == 2
    assert counts["processed_record_count"] == HOURS + 2
    (said,) = warnings_of(store)
    assert said.startswith("2 values of field [v] cannot be used as numbers and count as missing")


def test_a_summary_count_that_is_no_number_is_counted_and_said(engine):
    store, service = engine
    load(store, "double", lambda rng: 1.0, [{"n": "many"}, {"n": "3"}], n="2")
    with store.read() as reader:
        assert reader.index("logs").get("n") is not None
    body = {
        "analysis_config": {
            "bucket_span": "1h",
            "detectors": [{"function": "count"}],
            "summary_count_field_name": "n.keyword",
        },
        "data_description": {"time_field": "time"},
        "datafeed_config": {"datafeed_id": "j", "indices": ["logs"]},
    }
    service.jobs.create("j", body)
    service.jobs.open("j")
    service.datafeeds.start("j", start_ms=None, end_ms=START_MS + HOURS * HOUR_MS)
    until(lambda: service.jobs.stats("j", allow_no_match=False)["jobs"][0]["state"] != "opened")
    (said,) = warnings_of(store)
    assert said.startswith("1 values of field [n.keyword] cannot be used as numbers")


def test_a_rule_sees_the_value_that_is_shown(engine):
    """A value on the edge of a condition is on the side where its digits say it is."""
    store, service = engine
    load(store, "double", lambda rng: float(rng.normal(50, 0.1)), [{"v": 1.68}])
    rule = {"actions": ["skip_result"], "conditions": [{"applies_to": "actual", "operator": "lt", "value": 1.68}]}
    run(service, "mean", custom_rules=[rule])
    assert actual(service) == {"mean": "[1.68]"}
