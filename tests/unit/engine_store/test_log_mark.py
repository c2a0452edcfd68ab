"""A log that is lost or cut is noticed at the start; one that is whole, however the process ended, never is."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomalyops.cli.main import invoke
from anomalyops_engine.store import Store
from anomalyops_engine.store.errors import LostLogError

_LOG = "engine.duckdb.wal"


def written(store, number):
    with store.write() as writer:
        writer.put_config("law", str(number), {"number": number, "padding": "x" * (number % 7) * 50})


def found(folder):
    """The numbers that are there, None where the start was refused."""
    try:
        store = Store.open(folder)
    except LostLogError:
        return None
    try:
        with store.read() as reader:
            return {int(name) for name in reader.configs("law")}
    finally:
        store.close()


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(["write", "write", "write", "checkpoint", "restart", "crash"]), max_size=12),
    st.none() | st.floats(0, 1),
)
def test_whatever_is_left_of_the_log_no_acknowledged_write_is_lost_without_a_word(steps, left):
    """A crash leaves what is on disk at that moment, as a copy does."""
    with tempfile.TemporaryDirectory() as name:
        folder, acknowledged = Path(name) / "0", set()
        store = Store.open(folder)
        for number, step in enumerate(steps):
            if step == "write":
                written(store, number)
                acknowledged.add(number)
            elif step == "checkpoint":
                store._checkpoint()
            else:
                folder = Path(name) / str(number + 1)
                if step == "crash":
                    shutil.copytree(store.folder, folder)
                store.close()
                if step == "restart":
                    shutil.copytree(store.folder, folder)
                assert found(folder) == acknowledged
                store = Store.open(folder)
        after = Path(name) / "after"
        shutil.copytree(folder, after)
        store.close()
        log = after / _LOG
        if left is not None and log.exists():
            length = log.stat().st_size
            with log.open("r+b") as opened:
                opened.truncate(int(length * left))
            if int(length * left) == 0:
                log.unlink()
        assert found(after) in ([acknowledged] if left in {None, 1.0} else [acknowledged, None])


@pytest.fixture
def crashed(tmp_path):
    """A folder as a crash leaves it: with what was written in its log."""
    store = Store.open(tmp_path / "data")
    for number in range(5):
        written(store, number)
    shutil.copytree(tmp_path / "data", tmp_path / "crashed")
    store.close()
    return tmp_path / "crashed"


@pytest.mark.parametrize(
    ("lose", "words"),
    [
        (lambda folder: (folder / _LOG).unlink(), f"{_LOG} is missing, and "),
        (lambda folder: (folder / _LOG).write_bytes((folder / _LOG).read_bytes()[:-1]), f"{_LOG} has "),
        (lambda folder: (folder / "engine.duckdb").unlink(), "engine.duckdb is missing. Nothing was changed"),
    ],
)
def test_the_refusal_is_one_line_that_says_what_to_do_and_that_helps(crashed, capsys, lose, words):
    lose(crashed)
    before = {file.name: file.read_bytes() for file in crashed.iterdir() if file.name != "engine.lock"}
    assert invoke(["engine", "--data", str(crashed), "--port", "0"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert words in error
    assert "delete engine.mark in the folder and start again" in error
    assert {file.name: file.read_bytes() for file in crashed.iterdir() if file.name != "engine.lock"} == before
    (crashed / "engine.mark").unlink()
    assert found(crashed) is not None


def test_without_its_log_a_folder_has_lost_something(crashed):
    """Which is what the mark is for: the database itself does not notice."""
    (crashed / _LOG).unlink()
    (crashed / "engine.mark").unlink()
    assert found(crashed) == set()
