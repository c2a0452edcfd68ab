"""Checkpoint and journal: an engine that is killed between any two writes ends where one that ran through does."""

from copy import deepcopy
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_engine import Killed, MortalStore

from anomalyops_engine.jobs import feed as feeds
from anomalyops_engine.jobs import journal
from anomalyops_engine.jobs.committing import Commits
from anomalyops_engine.jobs.feed import RunningDatafeed
from anomalyops_engine.jobs.indices import ensure_engine_indices
from anomalyops_engine.jobs.job_operations import JobOperations
from anomalyops_engine.jobs.journal import MODEL_JOURNAL, MODEL_STATE, load_analysis
from anomalyops_engine.jobs.registry import Registry
from anomalyops_engine.jobs.results import BUCKETS, RECORDS, ResultQuery, ResultReader
from anomalyops_engine.jobs.runtime import Runtime, Settings
from anomalyops_engine.scoring import SnapshotError, StepInputs
from anomalyops_engine.scoring.snapshot import read_snapshot
from anomalyops_engine.store import Store

START_MS = 1_704_067_200_000
HOUR_MS = 3_600_000
BUCKETS_IN_ALL = 150
CHUNK = 7
JOB = {
    "analysis_config": {
        "bucket_span": "1h",
        "detectors": [
            {"function": "count", "partition_field_name": "host"},
            {"function": "mean", "field_name": "value", "by_field_name": "host"},
            {"function": "high_sum", "field_name": "value", "over_field_name": "client"},
        ],
        "influencers": ["client"],
    },
    "data_description": {"time_field": "time"},
    "datafeed_config": {"datafeed_id": "j", "indices": ["logs"]},
}
UPDATE = {
    "model_plot_config": {"enabled": True},
    "detectors": [
        {
            "detector_index": 1,
            "custom_rules": [
                {
                    "actions": ["skip_model_update"],
                    "conditions": [{"applies_to": "actual", "operator": "gt", "value": 300}],
                }
            ],
        }
    ],
}


def documents():
    rng = np.random.default_rng(0)
    for bucket in range(BUCKETS_IN_ALL):
        for number in range(rng.poisson(8)):
            value = rng.gamma(3, 10) * (40 if rng.random() < 0.02 else 1)
            yield {
                "time": START_MS + bucket * HOUR_MS + number * 1000,
                "host": str(rng.choice(["a", "b", "c"], p=[0.7, 0.29, 0.01])),
                "value": float(value),
                "client": f"c{rng.integers(10)}",
            }


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    store = Store.open(tmp_path_factory.mktemp("journal"))
    with store.write() as writer:
        ensure_engine_indices(writer)
        kinds = {"time": "date", "host": "keyword", "value": "double", "client": "keyword"}
        writer.create_index("logs", mappings={"properties": {name: {"type": kind} for name, kind in kinds.items()}})
        writer.append("logs", list(documents()))
    yield store
    store.close()


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """Steps of a few buckets, and a checkpoint after every third."""
    monkeypatch.setattr(feeds, "_FIRST_CHUNK", CHUNK)
    monkeypatch.setattr(RunningDatafeed, "_resize", lambda *_: None)
    monkeypatch.setattr(journal, "_FEWEST_ENTRIES", 3)
    monkeypatch.setattr(journal, "_CHECKPOINT_MS", 0)


def process(store):
    """The parts of an engine that has just started on what a store holds."""
    registry = Registry(store)
    registry.load()
    runtime = Runtime(registry, Settings(workers=1))
    return SimpleNamespace(registry=registry, runtime=runtime, jobs=JobOperations(runtime))


def begin(store):
    engine = process(store)
    engine.jobs.create("j", JOB)
    engine.jobs.open("j")
    job, feed = engine.registry.jobs["j"], engine.registry.datafeeds["j"]
    feed.run.state, feed.run.end_ms = "started", START_MS + BUCKETS_IN_ALL * HOUR_MS
    with store.write() as writer:
        engine.registry.save_datafeed_run(writer, "j", feed.run)
    return job


def run_on(store, update_at):
    """Run as far as the process lives, changing the job on the way."""
    engine = process(store)
    job, feed = engine.registry.jobs["j"], engine.registry.datafeeds["j"]
    running = RunningDatafeed(engine.registry, job, feed, node="n", ready=lambda: True, on_end=engine.runtime.finish)
    plain = job.config.model_plot_config is None or not job.config.model_plot_config.enabled
    while job.run.state == "opened":
        if plain and update_at is not None and job.run.position_ms == START_MS + update_at * HOUR_MS:
            engine.jobs.update("j", UPDATE)
            plain = False
        running.step()


def outcome(store):
    """Final results without timings, counts and everything learnt."""
    engine = process(store)
    reader, query = ResultReader(engine.registry), ResultQuery(size=10_000)
    buckets = reader.page("j", BUCKETS, query)["buckets"]
    records = reader.page("j", RECORDS, ResultQuery(size=10_000, sort="timestamp"))["records"]
    for bucket in buckets:
        del bucket["processing_time_ms"]
    counts = engine.registry.jobs["j"].run.counts.render("j")
    known = {name: value for name, value in counts.items() if name not in {"log_time", "last_data_time"}}
    with store.read() as reading:
        state = reading.state(MODEL_STATE, "j")
        assert reading.state_ids(MODEL_JOURNAL) == []
    plain, arrays = read_snapshot(state)
    key = lambda record: (record["timestamp"], record["detector_index"], record["record_score"])  # noqa: E731
    return buckets, sorted(records, key=key), known, plain, {name: array.tobytes() for name, array in arrays.items()}


def forget(store):
    process(store).jobs.delete("j", force=True, delete_user_annotations=True, task="t")
    with store.read() as reader:
        assert reader.state_ids(MODEL_JOURNAL) == []


@pytest.fixture(scope="module")
def undisturbed(data):
    """What a run ends with that is never killed, and in how many writes; by the bucket of the update."""
    known = {}

    def find(update_at):
        if update_at not in known:
            begin(data)
            counted = MortalStore(data)
            run_on(counted, update_at)
            known[update_at] = outcome(data), counted.writes
            forget(data)
        return known[update_at]

    return find


class LateCommits(Commits):
    """Commits that begin as late as they may: when the next step is analysed.

    What is to be committed is then what it was, and committing changes nothing that the next step went on from.
    """

    def __init__(self):
        super().__init__()
        self._waiting = None

    def behind(self, commit):
        self.settle()
        self._waiting = commit, deepcopy(handed_over(commit))

    def settle(self):
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            commit, before = waiting
            assert handed_over(commit) == before
            commit()
            assert handed_over(commit)[:2] == before[:2]


def handed_over(commit):
    step, run, feed_run, _ = commit.args
    return run.store(), feed_run.store(), step.results.found, step.results.renormalised


@settings(max_examples=16, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    drawn=st.data(),
    durable=st.booleans(),
    update_at=st.sampled_from([None, 5 * CHUNK, 9 * CHUNK]),
    behind=st.sampled_from([None, Commits, LateCommits]),
)
def test_a_kill_between_any_two_writes_changes_nothing(data, undisturbed, drawn, durable, update_at, behind):
    """Also where steps are committed behind the analysis of the next ones, as they are when legs get no longer."""
    expected, writes = undisturbed(update_at)
    if behind is not None and update_at is None:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(feeds, "CHECKED_BUCKETS", CHUNK)
            patched.setattr(feeds, "Commits", behind)
            check_kills(data, expected, writes, drawn, durable, update_at)
    else:
        check_kills(data, expected, writes, drawn, durable, update_at)


def check_kills(data, expected, writes, drawn, durable, update_at):
    assert any(record["record_score"] > 50 for record in expected[1])
    kills = drawn.draw(st.lists(st.integers(1, writes - 1), min_size=1, max_size=3), label="kills")
    begin(data)
    try:
        for at in kills:
            try:
                run_on(MortalStore(data, at, durable=durable), update_at)
            except Killed:
                continue
            break
        else:
            run_on(data, update_at)
        assert outcome(data) == expected
    finally:
        forget(data)


def test_each_step_has_an_entry_of_its_own_however_late_it_is_committed(data, monkeypatch):
    """A step that is committed while the next one is analysed: the journal has both, and gives what was learnt."""
    monkeypatch.setattr(feeds, "CHECKED_BUCKETS", CHUNK)
    monkeypatch.setattr(feeds, "Commits", LateCommits)
    monkeypatch.setattr(feeds, "_STEP_SECONDS", 600.0)
    monkeypatch.setattr(journal, "_FEWEST_ENTRIES", BUCKETS_IN_ALL)
    begin(data)
    try:
        engine = process(data)
        job, feed = engine.registry.jobs["j"], engine.registry.datafeeds["j"]
        running = RunningDatafeed(engine.registry, job, feed, node="n", ready=lambda: True, on_end=lambda *_: None)
        running.step()
        with data.read() as reader:
            entries = {name: len(reader.state(MODEL_JOURNAL, name)) for name in reader.state_ids(MODEL_JOURNAL)}
        legs = -(-BUCKETS_IN_ALL // CHUNK)
        assert entries.keys() == {f"j/{number}" for number in range(1, legs + 1)}
        assert sum(entries.values()) == job.run.journal.size
        again = process(data).registry
        restored = load_analysis(again, again.jobs["j"]).snapshot()
        assert restored == job.analysis.snapshot()
    finally:
        forget(data)


def test_a_step_writes_what_it_read_and_not_the_model(data):
    """The cost of a step does not grow with the model: the state is written by checkpoints alone."""
    begin(data)
    try:
        engine = process(data)
        job, feed = engine.registry.jobs["j"], engine.registry.datafeeds["j"]
        running = RunningDatafeed(
            engine.registry, job, feed, node="n", ready=lambda: True, on_end=engine.runtime.finish
        )
        sizes = []
        for _ in range(2):
            running.step()
            with data.read() as reader:
                assert reader.state(MODEL_STATE, "j") is None
                sizes.append(sum(len(reader.state(MODEL_JOURNAL, name)) for name in reader.state_ids(MODEL_JOURNAL)))
        assert sizes[1] < 10_000
        assert sizes[1] < 2.5 * sizes[0]
    finally:
        forget(data)


def test_a_journal_that_is_damaged_or_of_another_version_is_refused_by_name(data):
    begin(data)
    try:
        engine = process(data)
        job, feed = engine.registry.jobs["j"], engine.registry.datafeeds["j"]
        running = RunningDatafeed(
            engine.registry, job, feed, node="n", ready=lambda: True, on_end=engine.runtime.finish
        )
        running.step()
        with data.read() as reader:
            good = reader.state(MODEL_JOURNAL, "j/1")
        assert StepInputs.unpack(good).pack() == good
        hurt = [
            (b"rubbish", "mark"),
            (good[:-9], "damaged"),
            (good[:7] + b"\x00\x63" + good[9:], "version 99"),
            (None, r"entry \[j/1\] of the journal of job \[j\] is missing"),
        ]
        for blob, said in hurt:
            with data.write() as writer:
                writer.delete_state(MODEL_JOURNAL, "j/1")
                if blob is not None:
                    writer.put_state(MODEL_JOURNAL, "j/1", blob)
            job.analysis = None
            with pytest.raises(SnapshotError, match=said):
                load_analysis(engine.registry, job)
    finally:
        forget(data)


def test_a_run_stored_before_there_was_a_journal_is_read(data):
    begin(data)
    try:
        run_on(data, None)
        expected = outcome(data)
        registry = process(data).registry
        with data.write() as writer:
            stored = registry.jobs["j"].run.store()
            del stored["journal"]
            writer.put_config("anomaly_detector_run", "j", stored)
        registry = process(data).registry
        assert load_analysis(registry, registry.jobs["j"]).model_size()["total_by_field_count"] > 0
        assert outcome(data) == expected
    finally:
        forget(data)
