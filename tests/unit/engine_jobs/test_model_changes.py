"""Changes of models become annotations: once, of the right series, whatever happens on the way."""

import numpy as np
import pytest
from small_engine import SmallEngine

from anomalyops_engine.jobs.indices import ensure_engine_indices
from anomalyops_engine.jobs.snapshots import find_snapshots
from anomalyops_engine.store import Store

START_MS = 1_704_067_200_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
DAYS = 24
END_MS = START_MS + DAYS * DAY_MS
SHIFT_MS = START_MS + 15 * DAY_MS + 5 * HOUR_MS
CONFIG = {
    "analysis_config": {
        "bucket_span": "1h",
        "detectors": [{"function": "mean", "field_name": "value", "partition_field_name": "host"}],
    },
    "data_description": {"time_field": "time"},
    "datafeed_config": {"indices": ["values"]},
}


def documents():
    rng = np.random.default_rng(8)
    for hour in range(DAYS * 24):
        time_ms = START_MS + hour * HOUR_MS
        season = 10 * np.sin(2 * np.pi * hour / 24)
        yield {"time": time_ms, "host": "shifts", "value": float(50 + rng.normal() + 70 * (time_ms >= SHIFT_MS))}
        yield {"time": time_ms, "host": "daily", "value": float(100 + season + rng.normal())}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    opened = Store.open(tmp_path_factory.mktemp("changes"))
    kinds = {"time": "date", "host": "keyword", "value": "double"}
    with opened.write() as writer:
        ensure_engine_indices(writer)
        writer.create_index("values", mappings={"properties": {name: {"type": kind} for name, kind in kinds.items()}})
        writer.append("values", list(documents()))
    yield opened
    opened.close()


@pytest.fixture
def engine(store):
    engine = SmallEngine(store)
    yield engine
    for job_id in list(engine.registry.jobs):
        engine.delete(job_id)


def changes(engine, job_id="job"):
    """The annotations of model changes without the times at which they were written."""
    found = [note for note in engine.annotations(job_id) if note["event"] == "model_change"]
    written = {"create_time", "modified_time"}
    return [{name: value for name, value in note.items() if name not in written} for note in found]


def create(engine, job_id="job", **plot):
    engine.service.jobs.create(job_id, {**CONFIG, **({"model_plot_config": plot} if plot else {})})


def test_a_season_and_a_level_shift_are_annotated_with_their_series(engine):
    create(engine, enabled=True)
    engine.look_back("job", END_MS)
    season, shift = changes(engine)
    series = {"detector_index": 0, "partition_field_name": "host", "job_id": "job", "type": "annotation"}
    assert season.items() >= {**series, "partition_field_value": "daily"}.items()
    assert season["annotation"] == "Detected periodicity with period 1d"
    assert START_MS < season["timestamp"] < START_MS + 4 * DAY_MS
    assert shift.items() >= {**series, "partition_field_value": "shifts"}.items()
    text, _, amount = shift["annotation"].rpartition(" ")
    assert text == "Detected level shift by"
    assert float(amount) == pytest.approx(70, rel=0.05)
    assert shift["timestamp"] == SHIFT_MS
    assert SHIFT_MS < shift["end_timestamp"] <= SHIFT_MS + DAY_MS


@pytest.mark.parametrize(
    ("plot", "count"),
    [
        ({}, 0),
        ({"enabled": False}, 0),
        ({"enabled": True, "annotations_enabled": False}, 0),
        ({"enabled": False, "annotations_enabled": True}, 2),
    ],
)
def test_they_are_written_where_the_job_wants_them(engine, plot, count):
    create(engine, **plot)
    engine.look_back("job", END_MS)
    assert len(changes(engine)) == count


def test_cut_in_steps_and_replayed_they_are_the_same(engine):
    create(engine, "whole", enabled=True)
    create(engine, enabled=True)
    engine.look_back("whole", END_MS)
    for day in (2, 3, 15, 16, 20):
        engine.look_back("job", START_MS + day * DAY_MS)
        # The process ends: what was learnt is restored from checkpoint and journal.
        engine.registry.jobs["job"].analysis = None
    engine.look_back("job", END_MS)
    whole = [{**note, "job_id": "job"} for note in changes(engine, "whole")]
    assert changes(engine) == whole


def test_going_back_takes_away_what_was_found_after_the_snapshot_and_it_is_found_again(engine):
    create(engine, enabled=True)
    engine.look_back("job", SHIFT_MS + 2 * HOUR_MS)  # the shift has begun, and is not told yet
    engine.look_back("job", END_MS)
    before = changes(engine)
    assert len(before) == 2
    with engine.registry.store.read() as reader:
        older, _ = find_snapshots(reader, engine.entry("job").config)
    engine.service.snapshots.revert("job", older.snapshot_id, delete_intervening_results=True)
    assert changes(engine) == before[:1]
    engine.look_back("job", END_MS)
    assert changes(engine) == before


def test_a_deleted_job_leaves_none(engine):
    create(engine, enabled=True)
    engine.look_back("job", END_MS)
    engine.service.jobs.delete("job", force=True, delete_user_annotations=False, task="t")
    assert changes(engine) == []
