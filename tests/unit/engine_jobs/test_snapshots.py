"""Model snapshots: going back and on again ends where a job that never went back does, wherever a process dies."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_engine import Killed, MortalStore, SmallEngine

from anomalyops_engine.config import create_job
from anomalyops_engine.config.units import DAY_MS
from anomalyops_engine.jobs import feed, stepping
from anomalyops_engine.jobs.indices import ensure_engine_indices
from anomalyops_engine.jobs.posting import Flush
from anomalyops_engine.jobs.results import BUCKETS, ResultQuery
from anomalyops_engine.jobs.retention import expired_snapshots
from anomalyops_engine.jobs.snapshots import SNAPSHOT_RECORDS, SNAPSHOT_STATE, Snapshot, find_snapshots
from anomalyops_engine.refusals import MlError
from anomalyops_engine.store import Store

START_MS = 1_704_067_200_000
HOUR_MS = 3_600_000
SPANS = 90
END_MS = START_MS + SPANS * HOUR_MS
# The second peak is far larger: it lowers the scores of the first.
PEAKS = {60: 60, 80: 900}
CONFIG = {
    "analysis_config": {
        "bucket_span": "1h",
        "detectors": [
            {"function": "count", "partition_field_name": "host"},
            {"function": "mean", "field_name": "value"},
        ],
        "influencers": ["host"],
    },
    "data_description": {"time_field": "time"},
    "datafeed_config": {"indices": ["logs"]},
}


def documents():
    rng = np.random.default_rng(5)
    for bucket in range(SPANS):
        for offset in rng.integers(0, HOUR_MS, rng.poisson(9) + PEAKS.get(bucket, 0)):
            yield {
                "time": START_MS + bucket * HOUR_MS + int(offset),
                "host": "a" if bucket in PEAKS else str(rng.choice(["a", "b"])),
                "value": round(float(rng.normal(100, 5)), 3),
            }


DOCUMENTS = sorted(documents(), key=lambda document: document["time"])


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    opened = Store.open(tmp_path_factory.mktemp("snapshots"))
    kinds = {"time": "date", "host": "keyword", "value": "double"}
    with opened.write() as writer:
        ensure_engine_indices(writer)
        writer.create_index("logs", mappings={"properties": {name: {"type": kind} for name, kind in kinds.items()}})
        writer.append("logs", DOCUMENTS)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def undisturbed(store):
    engine = SmallEngine(store)
    engine.service.jobs.create("undisturbed", CONFIG)
    engine.look_back("undisturbed", END_MS)
    found, learnt = engine.outcome("undisturbed")
    lowered = [
        one for one in found if one["result_type"] == "record" and one["record_score"] < one["initial_record_score"]
    ]
    assert lowered, "the data must lower a score, else the law does not see a normaliser that is left behind"
    return found, learnt


@pytest.fixture
def job(store):
    SmallEngine(store).service.jobs.create("job", CONFIG)
    yield "job"
    SmallEngine(store).delete("job")
    with store.read() as reader:
        for kind in (SNAPSHOT_STATE, SNAPSHOT_RECORDS):
            assert not [name for name in reader.state_ids(kind) if name.startswith("job/")]


def snapshots(engine, job_id="job"):
    with engine.registry.store.read() as reader:
        return find_snapshots(reader, engine.entry(job_id).config)


def revert(engine, snapshot_id, *, again=True):
    return engine.service.snapshots.revert("job", snapshot_id, delete_intervening_results=again)


def surely(store, kills, act):
    """Do something that a client asks for until it is answered, though the process dies on the way."""
    for at, durable in kills:
        try:
            return act(SmallEngine(MortalStore(store, at, durable=durable)))
        except Killed:
            continue
    return act(SmallEngine(store))


@settings(max_examples=8, deadline=None)
@given(
    stops=st.lists(st.integers(5, SPANS - 1), min_size=1, max_size=3, unique=True).map(sorted),
    back=st.integers(-1, 2),
    kills=st.lists(st.tuples(st.integers(1, 3), st.booleans()), max_size=2),
)
def test_going_back_and_on_gives_every_bucket_once(store, undisturbed, stops, back, kills):
    engine = SmallEngine(store)
    engine.service.jobs.create("job", CONFIG)
    try:
        for stop in [*stops, SPANS]:
            engine.look_back("job", START_MS + stop * HOUR_MS)
        made = snapshots(engine)
        assert len(made) == len(stops) + 1
        chosen = "empty" if back < 0 else made[min(back, len(made) - 1)].snapshot_id
        surely(store, kills, lambda engine: revert(engine, chosen))
        engine = SmallEngine(store)
        expected = [
            one
            for one in engine.found("job")
            if back >= 0 and one["timestamp"] <= made[min(back, len(made) - 1)].body["latest_result_time_stamp"]
        ]
        assert engine.found("job") == expected
        engine.look_back("job", END_MS)
        assert engine.outcome("job") == undisturbed
        assert engine.entry("job").run.counts.processed_record_count >= len(DOCUMENTS)
    finally:
        SmallEngine(store).delete("job")


def test_going_back_alone_keeps_results_and_goes_on_with_the_older_model(store, job):
    engine = SmallEngine(store)
    engine.look_back(job, START_MS + 20 * HOUR_MS)
    engine.look_back(job, START_MS + 40 * HOUR_MS)
    before, (older, _) = engine.found(job), snapshots(engine)
    shown = revert(engine, older.snapshot_id, again=False)["model"]
    assert (shown["snapshot_id"], shown["retain"], "quantiles" in shown) == (older.snapshot_id, False, False)
    assert engine.found(job) == before
    assert engine.entry(job).config.model_snapshot_id == older.snapshot_id
    assert engine.entry(job).run.model_size["model_bytes"] == older.body["model_size_stats"]["model_bytes"]
    assert f"Job model snapshot reverted to '{older.body['description']}'" in engine.messages(job)
    engine.look_back(job, START_MS + 60 * HOUR_MS)
    times = [b["timestamp"] for b in engine.service.results.page(job, BUCKETS, ResultQuery(size=1000))["buckets"]]
    assert times == list(range(START_MS, START_MS + 60 * HOUR_MS, HOUR_MS))


def test_records_that_waited_come_back_with_their_snapshot(store, undisturbed):
    """A client sends again what came after the last record that the snapshot knows."""
    engine = SmallEngine(store)
    engine.service.jobs.create("job", {name: part for name, part in CONFIG.items() if name != "datafeed_config"})
    try:
        data = engine.service.data
        half, most = len(DOCUMENTS) // 3, len(DOCUMENTS) // 2
        for part in (DOCUMENTS[:half], DOCUMENTS[half:most]):
            engine.service.jobs.open("job")
            data.post("job", part, size=1, reset=None)
            engine.service.jobs.close("job", allow_no_match=True, force=False, timeout_ms=1000)
        first = snapshots(engine)[0]
        assert first.body["latest_record_time_stamp"] == DOCUMENTS[half - 1]["time"]
        revert(engine, first.snapshot_id)
        engine = SmallEngine(store)
        engine.service.jobs.open("job")
        engine.service.data.post("job", DOCUMENTS[half:], size=1, reset=None)
        engine.service.data.flush("job", Flush(advance_ms=END_MS))
        assert engine.outcome("job") == undisturbed
    finally:
        SmallEngine(store).delete("job")


def test_a_snapshot_in_use_stays_and_another_goes_with_all_of_it(store, job):
    engine = SmallEngine(store)
    engine.look_back(job, START_MS + 10 * HOUR_MS)
    engine.look_back(job, START_MS + 20 * HOUR_MS)
    older, newer = (snapshot.snapshot_id for snapshot in snapshots(engine))
    with pytest.raises(MlError, match=f"Model snapshot '{newer}' is the active snapshot for job 'job'") as caught:
        engine.service.snapshots.delete(job, newer)
    assert caught.value.status == 400
    engine.service.snapshots.delete(job, older)
    assert [snapshot.snapshot_id for snapshot in snapshots(engine)] == [newer]
    with store.read() as reader:
        assert reader.state(SNAPSHOT_STATE, f"job/{older}") is None
    with pytest.raises(MlError, match=rf"No model snapshot with id \[{older}\] exists for job \[job\]"):
        engine.service.snapshots.delete(job, older)
    revert(engine, "empty")
    assert engine.entry(job).config.model_snapshot_id is None
    engine.service.snapshots.delete(job, newer)
    assert snapshots(engine) == []


def test_an_open_job_takes_snapshots_at_its_interval(store, job, monkeypatch):
    engine = SmallEngine(store)
    engine.service.jobs.update(job, {"background_persist_interval": "2h"})
    engine.service.jobs.open(job)
    monkeypatch.setattr(feed, "_FIRST_CHUNK", 5)
    monkeypatch.setattr(feed.RunningDatafeed, "_resize", lambda *_: None)
    running, opened_ms = engine.running(job, END_MS), engine.entry(job).run.opened_ms
    made = []
    for hours in (0, 1, 2, 3):
        monkeypatch.setattr(stepping, "wall_clock_ms", lambda hours=hours: opened_ms + hours * HOUR_MS + 60_000)
        running.step()
        made.append(len(snapshots(engine)))
    assert made == [0, 0, 1, 2]  # the snapshot itself is dated by the clock, and the next one is due two hours later
    first = snapshots(engine)[0].body
    assert first["description"].startswith("State persisted due to background persistence at ")
    assert first["latest_result_time_stamp"] == START_MS + 14 * HOUR_MS
    assert engine.entry(job).config.model_snapshot_id == snapshots(engine)[-1].snapshot_id
    assert [note["event"] for note in engine.annotations(job)] == ["model_snapshot_stored"] * 2
    assert "Job model snapshot with id" in "".join(engine.messages(job))


def test_only_a_closed_job_goes_back(store, job):
    engine = SmallEngine(store)
    engine.look_back(job, START_MS + 10 * HOUR_MS)
    engine.service.jobs.open(job)
    with pytest.raises(MlError, match="Can only revert to a model snapshot when the job is closed") as caught:
        revert(engine, snapshots(engine)[0].snapshot_id)
    assert caught.value.status == 409


def test_a_snapshot_without_a_state_leaves_a_job_that_says_so(store, job):
    engine = SmallEngine(store)
    document = {"job_id": job, "snapshot_id": "foreign", "timestamp": "2016-06-02T00:00:00Z", "description": "theirs"}
    with store.write() as writer:
        writer.append(".ml-anomalies-shared", [document])
    shown = revert(engine, "foreign")["model"]
    assert (shown["timestamp"], shown["snapshot_doc_count"]) == (1_464_825_600_000, 0)
    with pytest.raises(MlError, match="has no model state in this engine"):
        engine.service.jobs.open(job)
    engine.service.jobs.close(job, allow_no_match=True, force=True, timeout_ms=1000)
    revert(engine, "empty")
    engine.look_back(job, START_MS + 10 * HOUR_MS)
    assert engine.entry(job).run.state == "closed"


def test_descriptions_and_retain_are_changed(store, job):
    engine = SmallEngine(store)
    engine.look_back(job, START_MS + 10 * HOUR_MS)
    (made,) = snapshots(engine)
    answer = engine.service.snapshots.update(job, made.snapshot_id, {"description": "good", "retain": True})
    assert answer["acknowledged"]
    assert (answer["model"]["description"], answer["model"]["retain"]) == ("good", True)
    (kept,) = snapshots(engine)
    assert kept.body == answer["model"]
    engine.service.snapshots.update(job, made.snapshot_id, {"retain": False})
    (kept,) = snapshots(engine)
    assert (kept.body["description"], kept.retained) == ("good", False)


@settings(max_examples=200, deadline=None)
@given(
    hours=st.lists(st.integers(0, 24 * 20), min_size=1, max_size=40, unique=True).map(sorted),
    retained=st.sets(st.integers(0, 39), max_size=3),
    used=st.integers(0, 39),
    kept_days=st.integers(0, 12),
    data=st.data(),
)
def test_snapshots_are_kept_as_the_job_says(hours, retained, used, kept_days, data):
    daily = data.draw(st.one_of(st.none(), st.integers(0, kept_days)))
    body = {**{name: CONFIG[name] for name in ("analysis_config", "data_description")}}
    config, _ = create_job({**body, "model_snapshot_retention_days": kept_days}, job_id="j", now_ms=0)
    config = replace(config, daily_model_snapshot_retention_after_days=daily, model_snapshot_id=str(used))
    made = [
        Snapshot(str(n), {"snapshot_id": str(n), "timestamp": START_MS + hour * HOUR_MS, "retain": n in retained})
        for n, hour in enumerate(hours)
    ]
    gone = set(expired_snapshots(config, made))
    newest = made[-1].made_ms
    safe = {snapshot.snapshot_id for snapshot in made if snapshot.retained} | {str(used)}
    assert not gone & safe
    for snapshot in made:
        age = newest - snapshot.made_ms
        if snapshot.snapshot_id in safe:
            continue
        if age > kept_days * DAY_MS:
            assert snapshot.snapshot_id in gone
        elif daily is None or age <= daily * DAY_MS:
            assert snapshot.snapshot_id not in gone
    # Of the days between, each that had a snapshot keeps one.
    days = lambda some: {(one.made_ms - (newest - kept_days * DAY_MS)) // DAY_MS for one in some}  # noqa: E731
    old = [one for one in made if newest - one.made_ms <= kept_days * DAY_MS and one.snapshot_id not in safe]
    left = [one for one in made if one.snapshot_id not in gone]
    assert len(days(old) - days(left)) == 0
    # Expiring what is left expires nothing more.
    assert expired_snapshots(config, left) == []


def test_expired_results_and_snapshots_are_deleted_on_request(store, job):
    engine = SmallEngine(store)
    engine.look_back(job, START_MS + 10 * HOUR_MS)
    engine.look_back(job, END_MS)
    first, second = snapshots(engine)
    with store.write() as writer:
        writer.revise(
            ".ml-anomalies-shared", [first.document_id], lambda *_: {"timestamp": first.made_ms - 40 * DAY_MS}
        )
    engine.service.jobs.update(job, {"results_retention_days": 1})
    engine.service.snapshots.delete_expired(job)
    assert [snapshot.snapshot_id for snapshot in snapshots(engine)] == [second.snapshot_id]
    buckets = engine.service.results.page(job, BUCKETS, ResultQuery(size=1000))["buckets"]
    assert buckets[0]["timestamp"] == END_MS - HOUR_MS - DAY_MS
    said = engine.messages(job)
    assert "[1] expired model snapshots deleted" in said
    assert any(message.startswith("Deleted results prior to 2024-01-0") for message in said)
    assert json.dumps(said).count("Deleted results") == 1
