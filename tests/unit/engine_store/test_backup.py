"""A backup has everything that was acknowledged before it, and a data folder that is made of it is the same again."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anomalyops.cli.main import invoke
from anomalyops_engine.store import Store, checkpoints
from anomalyops_engine.store import backup as module
from anomalyops_engine.store.backup import DESCRIPTION, back_up, described, restore
from anomalyops_engine.store.errors import BackupError, LostLogError
from anomalyops_engine.store.standstill import standing_still
from waiting import until

FILE = "engine.duckdb"
EACH = 200


def write_batch(store, number):
    """Write some documents in one transaction, and take those of an earlier one away."""
    with store.write() as writer:
        ids = [f"{number}-{k}" for k in range(EACH)]
        documents = [{"batch": number, "text": f"{number * 7919 + k:064x}"} for k in range(EACH)]
        writer.append("logs", documents, ids=ids)
        if number % 3 == 2:
            writer.delete_own_documents("logs", [f"{number - 1}-{k}" for k in range(EACH)])
        writer.put_config("law", str(number), {"number": number})


def expected(numbers):
    """The batches that are there after some were written."""
    return {number for number in numbers if number % 3 != 1 or number + 1 not in numbers}


def found(folder):
    """The configurations and the batches of a data folder; every batch is whole."""
    store = Store.open(folder)
    try:
        with store.read() as reader:
            configs = {int(name) for name in reader.configs("law")}
            if not reader.indices():
                return configs, set()
            index = reader.index("logs")
            column = index.mapping.fields["batch"].column
            rows = reader.connection.execute(f"SELECT {column}, count(*) FROM {index.table} GROUP BY ALL").fetchall()
    finally:
        store.close()
    assert {count for _, count in rows} <= {EACH}
    return configs, {number for number, _ in rows}


@settings(max_examples=12, deadline=None)
@given(st.lists(st.sampled_from(["write", "write", "checkpoint", "restart", "backup"]), max_size=10))
def test_a_backup_at_any_moment_is_what_was_acknowledged(steps):
    with tempfile.TemporaryDirectory() as name:
        place, acknowledged = Path(name), set()
        store = Store.open(place / "data")
        for number, step in enumerate([*steps, "backup"]):
            if step == "write":
                write_batch(store, number)
                acknowledged.add(number)
            elif step == "checkpoint":
                with contextlib.suppress(duckdb.TransactionException):  # something of the database is just ending
                    store._checkpoint()
            elif step == "restart":
                store.close()
                store = Store.open(place / "data")
            else:
                made = back_up(place / "data", place / f"backup-{number}")
                assert made == described(place / f"backup-{number}")
                assert restore(place / f"backup-{number}", place / f"new-{number}") == made
                assert found(place / f"new-{number}") == (acknowledged, expected(acknowledged))
                assert made.uuid == store.uuid
        store.close()
        assert not list(place.glob(".*"))


def test_backups_beside_writers_and_checkpoints_have_what_was_acknowledged_before(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "_SHORT", 2**16)
    monkeypatch.setattr(checkpoints, "_LONG", 2**17)
    monkeypatch.setattr(checkpoints, "_POLL_S", 0.01)
    monkeypatch.setattr(checkpoints, "_AGAIN_S", 0.02)
    store = Store.open(tmp_path / "data")
    write_batch(store, 0)
    acknowledged, ended = [0], threading.Event()

    def work():
        while not ended.is_set():
            write_batch(store, acknowledged[-1] + 1)
            acknowledged.append(acknowledged[-1] + 1)

    writer = threading.Thread(target=work)
    writer.start()
    try:
        for number in range(4):
            before, taken = acknowledged[-1], store.figures().checkpoints
            back_up(tmp_path / "data", tmp_path / str(number))
            # Checkpoints go on between backups, so that each is of another file.
            until(lambda taken=taken: store.figures().checkpoints > taken)
            restore(tmp_path / str(number), tmp_path / f"new-{number}")
            configs, batches = found(tmp_path / f"new-{number}")
            assert configs == set(range(max(configs) + 1))
            assert max(configs) >= before
            assert batches == expected(configs)
    finally:
        ended.set()
        writer.join()
        store.close()
    assert store._checkpoints.taken > 3
    assert found(tmp_path / "data")[0] == set(acknowledged)


def test_while_the_file_is_copied_no_checkpoint_changes_it(tmp_path):
    store = Store.open(tmp_path)
    write_batch(store, 0)
    with standing_still(tmp_path):
        before = (tmp_path / FILE).read_bytes()
        assert store._checkpoint() is None
        write_batch(store, 1)
        assert store.close()
        assert (tmp_path / FILE).read_bytes() == before
        opened = []
        starting = threading.Thread(target=lambda: opened.append(Store.open(tmp_path)))
        starting.start()
        time.sleep(0.5)
        assert not opened
    starting.join()
    opened[0].close()
    assert found(tmp_path) == ({0, 1}, {0, 1})


@pytest.fixture(scope="module")
def backup(tmp_path_factory):
    """A folder of data, and a backup of it."""
    place = tmp_path_factory.mktemp("backup")
    store = Store.open(place / "data")
    for number in range(4):
        write_batch(store, number)
    store.close()
    back_up(place / "data", place / "whole")
    return place / "whole"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([FILE, DESCRIPTION]), st.floats(0, 1, exclude_max=True), st.booleans())
def test_a_backup_that_is_cut_or_changed_is_refused_or_restored_as_it_was(backup, tmp_path, name, where, cut):
    source, target = tmp_path / "backup", tmp_path / "data"
    for folder in (source, target):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(backup, source)
    data = bytearray((source / name).read_bytes())
    place = int(where * len(data))
    if cut:
        del data[place:]
    else:
        data[place] ^= 0x01
    (source / name).write_bytes(data)
    with contextlib.suppress(BackupError):
        restore(source, target)
        # Only what is said of it can have been changed without harm: the version, or the moment.
        assert name == DESCRIPTION
    if target.exists() and (target / FILE).exists():
        assert found(target) == ({0, 1, 2, 3}, {0, 2, 3})
    else:
        assert not target.exists() or {path.name for path in target.iterdir()} <= {"engine.lock"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"layout": 99}, "has layout version 99; this version reads format versions "),
        ({"layout": "6"}, "[layout] is '6' and must be a whole number"),
        ({"bytes": True}, "[bytes] is True and must be a whole number"),
        ({"tables": {"a": "b"}}, "[tables] must hold numbers"),
        ({"uuid": "other"}, "its uuid are not those of its backup.json"),
        ({"more": 1}, "it must have taken, engine, layout, uuid, bytes, sha256, tables, indices and nothing else"),
    ],
)
def test_a_description_that_says_something_else_is_refused_by_what_it_says(backup, tmp_path, capsys, change, words):
    shutil.copytree(backup, tmp_path / "backup")
    path = tmp_path / "backup" / DESCRIPTION
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert invoke(["engine", "restore", str(tmp_path / "backup"), "--data", str(tmp_path / "data")]) == 1
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert not (tmp_path / "data" / FILE).exists()


def test_nothing_is_overwritten(backup, tmp_path, capsys):
    before = {file.name: file.read_bytes() for file in backup.iterdir()}
    data = backup.parent / "data"
    assert invoke(["engine", "backup", str(backup), "--data", str(data)]) == 1
    assert "is there already" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert invoke(["engine", "backup", str(tmp_path / "empty"), "--data", str(data)]) == 1
    assert "is there already" in capsys.readouterr().err
    assert invoke(["engine", "restore", str(backup), "--data", str(data)]) == 1
    assert "does not replace" in capsys.readouterr().err
    assert {file.name: file.read_bytes() for file in backup.iterdir()} == before
    assert invoke(["engine", "backup", str(tmp_path / "new"), "--data", str(tmp_path / "empty")]) == 1
    assert "engine.duckdb is missing" in capsys.readouterr().err
    assert invoke(["engine", "restore", str(tmp_path / "empty"), "--data", str(tmp_path / "new")]) == 1
    assert "is no backup: backup.json is missing" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_folder_that_an_engine_is_to_use_may_be_there_and_one_that_it_uses_is_refused(backup, tmp_path, capsys):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "lost+found").mkdir()
    assert invoke(["engine", "restore", str(backup), "--data", str(tmp_path / "data")]) == 0
    assert "1 index with 600 documents" in capsys.readouterr().out
    assert found(tmp_path / "data") == ({0, 1, 2, 3}, {0, 2, 3})
    store = Store.open(tmp_path / "used")
    (tmp_path / "used" / FILE).rename(tmp_path / "elsewhere")
    (tmp_path / "used" / "engine.mark").unlink()
    for log in (tmp_path / "used").glob("*.wal"):
        log.unlink()
    assert invoke(["engine", "restore", str(backup), "--data", str(tmp_path / "used")]) == 1
    assert f"in use by process {os.getpid()}" in capsys.readouterr().err
    with contextlib.suppress(Exception):
        store.close()


def test_acknowledged_writes_that_are_missing_are_no_backup(tmp_path):
    store = Store.open(tmp_path / "data")
    write_batch(store, 0)
    shutil.copytree(tmp_path / "data", tmp_path / "crashed")
    store.close()
    (tmp_path / "crashed" / f"{FILE}.wal").unlink()
    with pytest.raises(LostLogError, match="crashed has lost acknowledged writes"):
        back_up(tmp_path / "crashed", tmp_path / "backup")
    assert {path.name for path in tmp_path.iterdir()} == {"data", "crashed"}


def test_a_disk_is_not_filled_with_a_backup(backup, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(BackupError, match="its disk has 1000 free"):
        back_up(backup.parent / "data", tmp_path / "new")
    with pytest.raises(BackupError, match="the disk has 1000 free"):
        restore(backup, tmp_path / "data")
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "data" / FILE).exists()


_KILLED = """
import os, signal, sys
from pathlib import Path
from anomalyops_engine.store import backup
real = getattr(backup, sys.argv[1])
calls = 0
def killed(*arguments, **named):
    global calls
    calls += 1
    if calls > int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments, **named)
setattr(backup, sys.argv[1], killed)
getattr(backup, sys.argv[3])(Path(sys.argv[4]), Path(sys.argv[5]))
"""


def killed_in(step, calls, what, source, target):
    script = textwrap.dedent(_KILLED)
    arguments = [sys.executable, "-c", script, step, str(calls), what, str(source), str(target)]
    assert subprocess.run(arguments, check=False).returncode == -9


@pytest.mark.parametrize(
    ("step", "calls"), [("_copy", 0), ("_brought_together", 0), ("_looked_through", 0), ("_write", 1), ("sync", 0)]
)
def test_who_is_killed_in_a_backup_leaves_none_or_a_whole_one(backup, tmp_path, step, calls):
    data, target = backup.parent / "data", tmp_path / "new"
    killed_in(step, calls, "back_up", data, target)
    assert target.exists() == (step == "sync")
    if not target.exists():
        back_up(data, target)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    restore(target, tmp_path / "data")
    assert found(tmp_path / "data") == ({0, 1, 2, 3}, {0, 2, 3})


@pytest.mark.parametrize("step", ["_copy", "_looked_through", "sync"])
def test_who_is_killed_in_a_restoration_leaves_no_data_or_all(backup, tmp_path, step):
    data = tmp_path / "data"
    killed_in(step, 0, "restore", backup, data)
    assert (data / FILE).exists() == (step == "sync")
    if step == "_looked_through":  # an engine that starts without data removes what is left
        shutil.copytree(data, tmp_path / "other")
        assert found(tmp_path / "other") == (set(), set())
        assert not list((tmp_path / "other").glob("*.restoring"))
    if not (data / FILE).exists():
        restore(backup, data)
    assert found(data) == ({0, 1, 2, 3}, {0, 2, 3})
    assert not list(data.glob("*.restoring"))
