"""Posted data: however it is cut into uploads, it gives what a lookback over the same documents gives."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_engine import Killed, MortalStore, SmallEngine

from anomalyops_engine.jobs.indices import ensure_engine_indices
from anomalyops_engine.jobs.posted_records import POSTED_RECORDS
from anomalyops_engine.jobs.posting import Flush, flush_of
from anomalyops_engine.jobs.results import BUCKETS, RECORDS, ResultQuery
from anomalyops_engine.refusals import MlError
from anomalyops_engine.store import Store

START_MS = 1_704_067_200_000
HOUR_MS = 3_600_000
SPANS = 70
END_MS = START_MS + SPANS * HOUR_MS
PEAK = 55
CONFIG = {
    "analysis_config": {
        "bucket_span": "1h",
        "detectors": [
            {"function": "count", "partition_field_name": "host"},
            {"function": "mean", "field_name": "value"},
            {"function": "distinct_count", "field_name": "client.id"},
        ],
        "influencers": ["client.id"],
    },
    "data_description": {"time_field": "time"},
}


def documents():
    rng = np.random.default_rng(3)
    for bucket in range(SPANS):
        if 30 <= bucket < 33:
            continue
        times = rng.integers(0, HOUR_MS, rng.poisson(6) + (40 if bucket == PEAK else 0))
        for offset in times:
            yield {
                "time": START_MS + bucket * HOUR_MS + int(offset),
                "host": str(rng.choice(["a", "b"])),
                "value": round(float(rng.gamma(3, 10)), 3),
                "client": {"id": f"c{rng.integers(5)}"},
            }


DOCUMENTS = list(documents())


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    opened = Store.open(tmp_path_factory.mktemp("posting"))
    kinds = {"time": "date", "host": "keyword", "value": "double", "client.id": "keyword"}
    with opened.write() as writer:
        ensure_engine_indices(writer)
        writer.create_index("logs", mappings={"properties": {name: {"type": kind} for name, kind in kinds.items()}})
        writer.append("logs", DOCUMENTS)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def looked_back(store):
    engine = SmallEngine(store)
    engine.service.jobs.create("looked", {**CONFIG, "datafeed_config": {"indices": ["logs"]}})
    engine.look_back("looked", END_MS)
    return engine.outcome("looked")


@pytest.fixture
def posted(store):
    """The name of an open job that nothing was posted to."""
    engine = SmallEngine(store)
    engine.service.jobs.create("posted", CONFIG)
    engine.service.jobs.open("posted")
    yield "posted"
    SmallEngine(store).delete("posted")
    with store.read() as reader:
        assert reader.state_ids(POSTED_RECORDS) == []


def post(engine, records, **more):
    return engine.service.data.post("posted", records, size=10, reset=None, **more)


@st.composite
def uploads(draw):
    """All documents bucket by bucket, shuffled within each, with late ones put in between, cut into uploads."""
    chance = random.Random(draw(st.integers(0, 2**32)))
    ordered = sorted(DOCUMENTS, key=lambda doc: (doc["time"] // HOUR_MS, chance.random()))
    late = draw(st.lists(st.sampled_from(DOCUMENTS[: len(DOCUMENTS) // 2]), max_size=4))
    for document in late:
        first = next(
            place for place, other in enumerate(ordered) if other["time"] // HOUR_MS > document["time"] // HOUR_MS
        )
        ordered.insert(chance.randint(first + 1, len(ordered)), {**document, "host": "late"})
    cuts = sorted(draw(st.lists(st.integers(0, len(ordered)), max_size=8)))
    parts = [ordered[left:right] for left, right in zip([0, *cuts], [*cuts, len(ordered)], strict=True)]
    return [part for part in parts if part], len(late)


@settings(max_examples=6, deadline=None)
@given(parts=uploads(), restarts=st.booleans(), deaths=st.dictionaries(st.integers(0, 8), st.booleans(), max_size=3))
def test_posted_data_gives_what_a_lookback_gives(store, looked_back, parts, restarts, deaths):
    """The process may die in an upload, before it is durable (the client sends it again) or before it is answered."""
    pieces, late = parts
    engine = SmallEngine(store)
    engine.service.jobs.create("posted", CONFIG)
    engine.service.jobs.open("posted")
    try:
        answers = []
        for number, piece in enumerate(pieces):
            if number in deaths:
                with pytest.raises(Killed):
                    post(SmallEngine(MortalStore(store, 1, durable=deaths[number])), piece)
            if not deaths.get(number, False):
                engine = SmallEngine(store) if number in deaths or restarts else engine
                answers.append(post(engine, piece))
            else:
                engine = SmallEngine(store)
        flushed = engine.service.data.flush("posted", Flush(advance_ms=END_MS))
        assert flushed == {"flushed": True, "last_finalized_bucket_end": END_MS}
        assert engine.outcome("posted") == looked_back
        counts = engine.service.jobs.stats("posted", allow_no_match=True)["jobs"][0]["data_counts"]
        assert counts["out_of_order_timestamp_count"] == late
        assert counts["processed_record_count"] == len(DOCUMENTS)
        assert (counts["bucket_count"], counts["input_record_count"]) == (SPANS, len(DOCUMENTS) + late)
        if len(answers) == len(pieces):
            assert sum(answer["bucket_count"] for answer in answers) == SPANS - 1
            assert sum(answer["input_record_count"] for answer in answers) == len(DOCUMENTS) + late
    finally:
        SmallEngine(store).delete("posted")


def test_what_was_answered_survives_a_restart_with_its_incomplete_bucket(store, posted):
    post(
        SmallEngine(store),
        [{"time": START_MS, "host": "a", "value": 1}, {"time": START_MS + 5, "host": "b", "value": 2}],
    )
    post(SmallEngine(store), [{"time": START_MS + HOUR_MS, "host": "a", "value": 3}])
    engine = SmallEngine(store)
    page = engine.service.results.page(posted, BUCKETS, ResultQuery())
    assert [(bucket["timestamp"], bucket["event_count"]) for bucket in page["buckets"]] == [(START_MS, 2)]
    engine.service.data.flush(posted, Flush(advance_ms=START_MS + 2 * HOUR_MS))
    page = engine.service.results.page(posted, BUCKETS, ResultQuery())
    assert [bucket["event_count"] for bucket in page["buckets"]] == [2, 1]


def test_what_is_counted_of_an_upload(store, posted):
    counts = post(
        SmallEngine(store),
        [
            {"time": START_MS + HOUR_MS, "host": "a", "value": "1.5", "client": {"id": "x"}, "more": [1, 2]},
            {"time": "soon", "host": "a", "value": 1},
            {"host": "a", "value": 1},
            {"time": START_MS, "host": "a", "value": 1},
            {"time": START_MS + HOUR_MS + 1, "host": None, "value": "much"},
        ],
    )
    assert counts["job_id"] == posted
    assert (counts["input_record_count"], counts["processed_record_count"]) == (5, 2)
    assert (counts["invalid_date_count"], counts["out_of_order_timestamp_count"]) == (2, 1)
    assert (counts["input_field_count"], counts["processed_field_count"]) == (4 + 2 + 1 + 2 + 2, 3)
    assert counts["missing_field_count"] == 3
    assert counts["earliest_record_timestamp"] == START_MS + HOUR_MS
    assert counts["latest_record_timestamp"] == START_MS + HOUR_MS + 1


def test_latency_keeps_buckets_open_and_reset_empties_them(store):
    engine = SmallEngine(store)
    body = {**CONFIG, "analysis_config": {**CONFIG["analysis_config"], "latency": "2h"}}
    engine.service.jobs.create("posted", body)
    engine.service.jobs.open("posted")
    try:
        post(engine, [{"time": START_MS + hour * HOUR_MS, "host": "a"} for hour in (0, 3, 1)])
        # Three hours on, two of them to wait for: only the first bucket is complete.
        assert engine.registry.jobs["posted"].run.position_ms == START_MS + HOUR_MS
        counts = post(engine, [{"time": START_MS + minute * 60_000, "host": "a"} for minute in (59, 60, 120)])
        assert (counts["processed_record_count"], counts["out_of_order_timestamp_count"]) == (2, 1)
        engine.service.data.post(
            "posted",
            [{"time": START_MS + HOUR_MS, "host": "b"}],
            size=1,
            reset=(START_MS + HOUR_MS + 1, START_MS + 2 * HOUR_MS),
        )
        engine.service.data.flush("posted", Flush(advance_ms=START_MS + 6 * HOUR_MS))
        page = engine.service.results.page("posted", BUCKETS, ResultQuery())
        assert [bucket["event_count"] for bucket in page["buckets"]] == [1, 1, 1, 1]
    finally:
        engine.service.jobs.delete("posted", force=True, delete_user_annotations=True, task="t")


def test_skipped_time_leaves_no_buckets(store, posted):
    engine = SmallEngine(store)
    post(engine, [{"time": START_MS, "host": "a"}, {"time": START_MS + HOUR_MS, "host": "a"}])
    flushed = engine.service.data.flush(posted, Flush(skip_ms=START_MS + 2 * HOUR_MS - 100_000))
    assert flushed["last_finalized_bucket_end"] == START_MS + 2 * HOUR_MS
    assert post(engine, [{"time": START_MS + 2 * HOUR_MS - 1, "host": "a"}])["out_of_order_timestamp_count"] == 1
    post(engine, [{"time": START_MS + 2 * HOUR_MS + 1, "host": "a"}, {"time": START_MS + 3 * HOUR_MS, "host": "a"}])
    buckets = engine.service.results.page(posted, BUCKETS, ResultQuery())["buckets"]
    assert [(bucket["timestamp"], bucket["event_count"]) for bucket in buckets] == [
        (START_MS, 1),
        (START_MS + 2 * HOUR_MS, 1),
    ]


def test_interim_results_are_replaced_and_teach_nothing(store, looked_back, posted):
    engine = SmallEngine(store)
    ordered = sorted(DOCUMENTS, key=lambda doc: doc["time"])
    peak = [doc for doc in ordered if doc["time"] // HOUR_MS == START_MS // HOUR_MS + PEAK]
    before = [doc for doc in ordered if doc["time"] < peak[0]["time"]]
    post(engine, before)
    for part in (peak[:30], peak[30:]):
        post(engine, part)
        engine.service.data.flush(posted, Flush(calc_interim=True))
    interim = engine.service.results.page(posted, BUCKETS, ResultQuery(size=10_000))["buckets"][-1]
    assert interim["is_interim"]
    assert interim["event_count"] == len(peak)
    assert interim["anomaly_score"] > 10
    records = engine.service.results.page(posted, RECORDS, ResultQuery(size=10_000))["records"]
    assert any(record["is_interim"] and record["function"] == "count" for record in records)
    final = engine.service.results.page(posted, BUCKETS, ResultQuery(size=10_000, exclude_interim=True))["buckets"]
    assert len(final) == PEAK
    post(engine, [doc for doc in ordered if doc["time"] > peak[-1]["time"]])
    engine.service.data.flush(posted, Flush(advance_ms=END_MS))
    assert engine.outcome(posted) == looked_back


def test_half_a_bucket_is_not_found_to_be_low(store, posted):
    engine = SmallEngine(store)
    many = [{"time": START_MS + n * HOUR_MS // 20, "host": "a", "value": 1} for n in range(20 * 60)]
    post(engine, many)
    post(engine, [{"time": START_MS + 60 * HOUR_MS, "host": "a", "value": 1}])
    engine.service.data.flush(posted, Flush(calc_interim=True))
    last = engine.service.results.page(posted, BUCKETS, ResultQuery(size=10_000))["buckets"][-1]
    assert (last["timestamp"], last["is_interim"], last["anomaly_score"]) == (START_MS + 60 * HOUR_MS, True, 0)


def test_a_mean_of_part_of_a_bucket_counts_for_as_much_as_is_seen(store, posted):
    """The first values of a bucket stray; that they do so weighs the more, the more of the bucket is known."""
    engine = SmallEngine(store)
    rng = np.random.default_rng(5)
    far_ms = START_MS + 60 * HOUR_MS
    usual = [
        {"time": START_MS + n * HOUR_MS // 20, "host": "a", "value": round(float(rng.normal(50, 5)), 3)}
        for n in range(20 * 60)
    ]
    post(engine, usual)
    scores = []
    for minutes in (range(1), range(1, 30), range(30, 59)):
        post(engine, [{"time": far_ms + minute * HOUR_MS // 60, "host": "a", "value": 75.0} for minute in minutes])
        engine.service.data.flush(posted, Flush(calc_interim=True))
        records = engine.service.results.page(posted, RECORDS, ResultQuery(size=10_000))["records"]
        scores.append(max((r["record_score"] for r in records if r["function"] == "mean"), default=0.0))
    assert scores[0] == 0.0
    assert 0.0 < scores[1] < scores[2]
    assert scores[2] > 50


def test_a_flush_says_what_does_not_go_together():
    start, end = ("10", 10_000), ("9", 9_000)
    for given_, said in [
        ({"calc_interim": False, "start": start}, "Invalid flush parameters: unexpected 'start'."),
        ({"calc_interim": True, "end": end}, "Invalid flush parameters: 'start' has not been specified."),
        (
            {"calc_interim": True, "start": start, "end": end},
            "Invalid time range: end time '9' is earlier than start time '10'.",
        ),
    ]:
        with pytest.raises(MlError) as caught:
            flush_of(**{"start": None, "end": None, "advance_ms": None, "skip_ms": None, **given_})
        assert (caught.value.status, caught.value.reason) == (400, said)


def test_only_open_jobs_take_data(store, posted):
    engine = SmallEngine(store)
    engine.service.jobs.close(posted, allow_no_match=True, force=False, timeout_ms=1000)
    for job_id in (posted, "missing"):
        for ask in (
            lambda name: engine.service.data.post(name, [], size=1, reset=None),
            lambda n: engine.service.data.flush(n, Flush()),
        ):
            with pytest.raises(MlError) as caught:
                ask(job_id)
            assert caught.value.status == 409
            assert caught.value.reason == f"Cannot perform requested action because job [{job_id}] is not open"
