"""Real time: the same documents live, in whatever pieces they arrive, and as a lookback give the same final results."""

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_engine import SmallEngine

from anomalyops_engine.jobs import delayed_data
from anomalyops_engine.jobs import feed as feeds
from anomalyops_engine.jobs.indices import ensure_engine_indices
from anomalyops_engine.jobs.results import BUCKETS, ResultQuery
from anomalyops_engine.store import Store

MINUTE_MS = 60_000
SPAN_MS = 15 * MINUTE_MS
START_MS = 1_704_067_200_000
SPANS = 60
END_MS = START_MS + SPANS * SPAN_MS
DELAY_MS = 90_000
PEAK = 52
CONFIG = {
    "analysis_config": {
        "bucket_span": "15m",
        "detectors": [
            {"function": "count", "partition_field_name": "host"},
            {"function": "max", "field_name": "value"},
        ],
        "influencers": ["host"],
    },
    "data_description": {"time_field": "time"},
}
FEED = {"query_delay": "90s", "frequency": "5m", "delayed_data_check_config": {"enabled": True, "check_window": "2h"}}
MAPPINGS = {"properties": {"time": {"type": "date"}, "host": {"type": "keyword"}, "value": {"type": "double"}}}


def documents():
    rng = np.random.default_rng(11)
    for bucket in range(SPANS):
        for offset in rng.integers(
            0, SPAN_MS, 0 if bucket in range(20, 24) else rng.poisson(8) + 50 * (bucket == PEAK)
        ):
            yield {
                "time": START_MS + bucket * SPAN_MS + int(offset),
                "host": str(rng.choice(["a", "b"])),
                "value": round(float(rng.gamma(3, 10)), 3),
            }


DOCUMENTS = sorted(documents(), key=lambda document: document["time"])


class Clock:
    """The time that datafeeds see."""

    now_ms = START_MS

    def __call__(self):
        return self.now_ms


@pytest.fixture(scope="module")
def clock():
    patch = pytest.MonkeyPatch()
    clock = Clock()
    patch.setattr(feeds, "wall_clock_ms", clock)
    yield clock
    patch.undo()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    opened = Store.open(tmp_path_factory.mktemp("real-time"))
    with opened.write() as writer:
        ensure_engine_indices(writer)
        writer.create_index("all", mappings=MAPPINGS)
        writer.append("all", DOCUMENTS)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def looked_back(store, clock):
    engine, clock.now_ms = SmallEngine(store), END_MS + 10 * SPAN_MS
    engine.service.jobs.create("looked", {**CONFIG, "datafeed_config": {**FEED, "indices": ["all"]}})
    engine.look_back("looked", END_MS)
    return engine.outcome("looked")


@pytest.fixture
def live(store, clock):
    """Begin a job whose index is empty, at the time of the first document; end it afterwards."""
    clock.now_ms = START_MS
    begin(store)
    yield
    end(store)


def begin(store):
    with store.write() as writer:
        writer.create_index("live", mappings=MAPPINGS)
    engine = SmallEngine(store)
    engine.service.jobs.create("live", {**CONFIG, "datafeed_config": {**FEED, "indices": ["live"]}})
    engine.service.jobs.open("live")
    engine.running("live", start_ms=START_MS)


def end(store):
    SmallEngine(store).delete("live")
    with store.write() as writer:
        writer.delete_index("live")


def arrive(store, records):
    if records:
        with store.write() as writer:
            writer.append("live", records)


def search_once(running):
    """Let a run do all that it can do now."""
    while running.step() == 0.0:
        pass


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(5, 60),
    restarts=st.sets(st.integers(0, 59), max_size=4),
)
def test_live_and_as_a_lookback_give_the_same(store, clock, looked_back, seed, count, restarts):
    """Documents are late by less than the query delay, searches come at any time, the process ends now and then."""
    chance = random.Random(seed)
    arrivals = sorted((document["time"] + chance.randrange(DELAY_MS), n) for n, document in enumerate(DOCUMENTS))
    searches = sorted(chance.randrange(START_MS, END_MS + SPAN_MS) for _ in range(count))
    clock.now_ms = START_MS
    begin(store)
    try:
        running, next_one, interim = SmallEngine(store).resumed("live"), 0, 0
        for number, moment in enumerate([*searches, END_MS + DELAY_MS]):
            batch = next_one
            while next_one < len(arrivals) and arrivals[next_one][0] <= moment:
                next_one += 1
            arrive(store, [DOCUMENTS[n] for _, n in arrivals[batch:next_one]])
            if number in restarts:
                running = SmallEngine(store).resumed("live")
            clock.now_ms = moment
            search_once(running)
            interim += running.job.run.has_interim
        engine = SmallEngine(store)
        assert engine.outcome("live") == looked_back
        assert interim > 0
        assert not engine.annotations("live")
    finally:
        end(store)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stops=st.sets(st.integers(START_MS + 1, END_MS - 1), min_size=1, max_size=4))
def test_lookbacks_that_end_anywhere_tell_of_their_last_bucket_and_give_the_same(store, clock, looked_back, stops):
    """What a lookback knows of the bucket that it ends in is interim, stays when the job is closed, and is replaced."""
    clock.now_ms = END_MS + 10 * SPAN_MS
    SmallEngine(store).service.jobs.create("stops", {**CONFIG, "datafeed_config": {**FEED, "indices": ["all"]}})
    try:
        begun = False
        for stop_ms in sorted(stops):
            engine = SmallEngine(store)
            engine.look_back("stops", stop_ms)
            begin_ms = stop_ms // SPAN_MS * SPAN_MS
            known = [document for document in DOCUMENTS if begin_ms <= document["time"] < stop_ms]
            begun = begun or any(document["time"] < begin_ms for document in DOCUMENTS)
            interim = [body for body in engine.found("stops") if body["is_interim"] and body["result_type"] == "bucket"]
            expected = [(begin_ms, len(known))] if known and begun else []
            assert [(body["timestamp"], body["event_count"]) for body in interim] == expected
            assert engine.entry("stops").run.state == "closed"
        engine = SmallEngine(store)
        engine.look_back("stops", END_MS)
        assert engine.outcome("stops") == looked_back
    finally:
        SmallEngine(store).delete("stops")


def test_interim_results_come_with_every_search_and_go_with_the_bucket(store, clock, live):
    running = SmallEngine(store).resumed("live")
    engine = SmallEngine(store)

    def last(**how):
        engine.registry.load()
        return engine.service.results.page("live", BUCKETS, ResultQuery(size=1000, **how))["buckets"][-1]

    peak_ms = START_MS + PEAK * SPAN_MS
    before = [document for document in DOCUMENTS if document["time"] < peak_ms]
    during = [document for document in DOCUMENTS if peak_ms <= document["time"] < peak_ms + SPAN_MS]
    arrive(store, before)
    clock.now_ms = peak_ms + DELAY_MS
    search_once(running)
    assert last()["timestamp"] == peak_ms - SPAN_MS
    seen = []
    for minute in (5, 10):
        now_ms = peak_ms + minute * MINUTE_MS
        arrive(store, [d for d in during if now_ms - 5 * MINUTE_MS <= d["time"] < now_ms])
        clock.now_ms = now_ms + DELAY_MS
        search_once(running)
        bucket = last()
        assert (bucket["timestamp"], bucket["is_interim"]) == (peak_ms, True)
        seen.append((bucket["event_count"], bucket["anomaly_score"]))
        assert last(exclude_interim=True)["timestamp"] == peak_ms - SPAN_MS
    assert seen[0] < seen[1]
    assert seen[1][1] > 0
    arrive(store, [d for d in during if d["time"] >= now_ms])
    clock.now_ms = peak_ms + SPAN_MS + DELAY_MS
    search_once(running)
    bucket = last()
    assert (bucket["timestamp"], bucket["is_interim"], bucket["event_count"]) == (peak_ms, False, len(during))
    assert engine.service.jobs.stats("live", allow_no_match=True)["jobs"][0]["data_counts"]["bucket_count"] == PEAK + 1


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(late=st.dictionaries(st.integers(26, 30), st.integers(1, 4), min_size=1, max_size=3))
def test_late_documents_are_told_with_bucket_and_number_and_change_nothing(store, clock, late):
    clock.now_ms = START_MS
    begin(store)
    try:
        running = SmallEngine(store).resumed("live")
        arrive(store, [document for document in DOCUMENTS if document["time"] < START_MS + 31 * SPAN_MS])
        clock.now_ms = START_MS + 31 * SPAN_MS + DELAY_MS
        search_once(running)
        engine = SmallEngine(store)
        before = engine.found("live")
        assert not engine.annotations("live")
        arrive(store, [{"time": START_MS + b * SPAN_MS, "host": "c"} for b, n in late.items() for _ in range(n)])
        clock.now_ms += delayed_data._INTERVAL_MS
        search_once(running)
        engine = SmallEngine(store)
        (note,) = engine.annotations("live")
        first, last = START_MS + min(late) * SPAN_MS, START_MS + max(late) * SPAN_MS
        assert (note["event"], note["timestamp"], note["end_timestamp"]) == ("delayed_data", first, last + SPAN_MS)
        shown = np.datetime_as_string(np.datetime64(last, "ms")) + "Z"
        assert note["annotation"] == (
            f"Datafeed has missed {sum(late.values())} documents due to ingest latency, latest bucket with missing "
            f"data is [{shown}]. Consider increasing query_delay"
        )
        since_created = engine.messages("live")[-(engine.messages("live")[::-1].index("Job created")) :]
        assert since_created.count(note["annotation"]) == 1
        assert engine.found("live")[: len(before)] == before
        assert engine.entry("live").run.counts.processed_record_count == sum(
            document["time"] < START_MS + 31 * SPAN_MS for document in DOCUMENTS
        )
    finally:
        end(store)
