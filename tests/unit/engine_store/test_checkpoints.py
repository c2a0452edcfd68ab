"""The log is brought into the file in the background, and what deletions free is used again."""

import subprocess
import sys
import time

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anomalyops_engine.store import Store, checkpoints
from waiting import until

ROWS = 30_000


def log_bytes(folder):
    """The bytes of the log."""
    log = folder / "engine.duckdb.wal"
    return log.stat().st_size if log.exists() else 0


def fill(store, index, rounds):
    """Write documents that do not compress."""
    for number in range(rounds):
        with store.write() as writer:
            documents = [{"n": k, "text": f"{hash((number, k)):x}" * 8} for k in range(ROWS // 10)]
            writer.append(index, documents)


@pytest.fixture
def eager(monkeypatch):
    """Take checkpoints of short logs."""
    monkeypatch.setattr(checkpoints, "_SHORT", 2**20)
    monkeypatch.setattr(checkpoints, "_PAUSE_S", 0.2)
    monkeypatch.setattr(checkpoints, "_AGAIN_S", 1.0)


@pytest.mark.usefixtures("eager")
def test_the_log_is_brought_in_when_writing_pauses_and_nothing_is_lost(tmp_path):
    store = Store.open(tmp_path)
    fill(store, "logs", 10)
    until(lambda: log_bytes(tmp_path) < 2**20)
    with store.read() as reader:
        table = reader.index("logs").table
        assert reader.connection.execute(f"SELECT count(*) FROM {table}").fetchall() == [(ROWS,)]
    store.close()


def used_blocks(store):
    """The blocks of the file that hold something."""
    with store.read() as reader:
        return reader.connection.execute("SELECT total_blocks - free_blocks FROM pragma_database_size()").fetchone()[0]


def blocks_at_rest(store):
    """The same once all is in the file: while a checkpoint is taken, there are too few of them or too many."""
    store._checkpoint()
    return used_blocks(store)


@pytest.mark.usefixtures("eager")
def test_what_an_index_took_is_used_again_once_it_is_deleted(tmp_path):
    store = Store.open(tmp_path)
    full = None
    for name in ("first", "second", "third"):
        fill(store, name, 20)
        until(lambda: log_bytes(tmp_path) < 2**20)
        size = (tmp_path / "engine.duckdb").stat().st_size
        full = full or size
        assert size < 1.5 * full
        before = blocks_at_rest(store)
        with store.write() as writer:
            writer.delete_index(name)
        until(lambda before=before: used_blocks(store) < before / 2)
    store.close()


@pytest.mark.usefixtures("eager")
def test_what_a_reader_could_still_see_is_freed_once_it_has_ended(tmp_path):
    store = Store.open(tmp_path)
    fill(store, "logs", 20)
    until(lambda: log_bytes(tmp_path) < 2**20)
    before = blocks_at_rest(store)
    held = store.hold()
    with store.write() as writer:
        writer.delete_index("logs")
    time.sleep(2)
    assert used_blocks(store) >= before / 2
    held.close()
    until(lambda: used_blocks(store) < before / 2)
    store.close()


@pytest.mark.usefixtures("eager")
def test_snapshots_that_are_held_see_what_they_saw_while_checkpoints_are_taken(tmp_path):
    store = Store.open(tmp_path)
    fill(store, "logs", 2)
    held = store.hold()
    try:
        fill(store, "logs", 8)
        time.sleep(1)
        with held.read() as reader:
            table = reader.index("logs").table
            assert reader.connection.execute(f"SELECT count(*) FROM {table}").fetchall() == [(ROWS // 5,)]
    finally:
        held.close()
    fill(store, "logs", 1)
    until(lambda: log_bytes(tmp_path) < 2**20)
    store.close()


_KILLED = """
import os, signal, sys, time
from pathlib import Path
from anomalyops_engine.store import Store, checkpoints
checkpoints._SHORT = checkpoints._LONG = 2**18
checkpoints._POLL_S = 0.01
store = Store.open(Path(sys.argv[1]))
for number in range(10**6):
    with store.write() as writer:
        writer.append("logs", [{"n": number, "text": f"{hash((number, k)):x}" * 8} for k in range(300)])
    print(number, flush=True)
"""


def test_what_was_acknowledged_is_there_after_a_kill_in_the_middle_of_checkpoints(tmp_path):
    for delay in (0.5, 1.1, 1.7):
        folder = tmp_path / str(delay)
        process = subprocess.Popen(
            [sys.executable, "-c", _KILLED, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        process.kill()
        known = [0, *(int(line) for line in process.stdout.read().split("\n")[:-1])]
        process.wait()
        store = Store.open(folder)
        with store.read() as reader:
            table = reader.index("logs").table
            ((count, latest),) = reader.connection.execute(
                f"SELECT count(*), max({quoted_field(reader)}) FROM {table}"
            ).fetchall()
        store.close()
        assert latest >= known[-1]
        assert count == 300 * (latest + 1)


def quoted_field(reader):
    """The column of the field n."""
    return reader.index("logs").mapping.fields["n"].column


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(("error", "failures"), [(duckdb.TransactionException, 0), (duckdb.IOException, 1)])
def test_a_transaction_that_is_just_ending_is_no_trouble_and_what_was_freed_is_not_forgotten(
    tmp_path, monkeypatch, error, failures
):
    monkeypatch.setattr(checkpoints, "_AGAIN_S", 0.2)
    (tmp_path / "engine.duckdb").touch()
    attempts = []

    def take():
        attempts.append(background.trouble)
        if len(attempts) == 1:
            raise error("there are other write transactions active")
        return 0, True

    background = checkpoints.Checkpoints(tmp_path / "engine.duckdb", take)
    background.note_commit(freed=True)
    until(lambda: background.taken)
    background.stop()
    assert (len(attempts), background.failed) == (2, failures)
    assert (attempts[1] is not None) == bool(failures)
    assert background.trouble is None


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    file_bytes=st.integers(0, 2**40),
    bytes_per_s=st.floats(2**18, 2**34),
    size=st.integers(checkpoints._SHORT, 2**30),
)
def test_writers_wait_a_moment_for_a_checkpoint_however_large_the_file_is(tmp_path, file_bytes, bytes_per_s, size):
    file = tmp_path / "engine.duckdb"
    with file.open("wb") as opened:
        opened.truncate(file_bytes)
    background = checkpoints.Checkpoints(file, lambda: (0, True))
    background._latest = time.monotonic() + 60  # writing goes on
    background._note_speed(size, size / bytes_per_s)
    due = next(length for length in range(2**20, 2**30, 2**20) if background._is_due(length))
    moment = bytes_per_s * checkpoints._STALL_S
    assert min(checkpoints._LEAST, checkpoints._LONG) <= due <= checkpoints._LONG
    # It is as much as that machine brings in within a moment, to the step of this search; less is not worth it.
    assert due <= max(moment + 2**20, checkpoints._LEAST)
    assert due >= min(moment, checkpoints._LONG)
