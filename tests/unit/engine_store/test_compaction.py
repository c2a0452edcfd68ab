"""Space that deletions leave returns to the disk at the next start, and nothing is lost wherever that is cut short."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from anomalyops_engine.store import Store, compaction

FILE = "engine.duckdb"


@pytest.fixture
def eager(monkeypatch):
    monkeypatch.setattr(compaction, "LEAST_FREE", 2**20)


def filled(folder: Path) -> dict[str, Any]:
    """Fill a folder with a little that stays and much that goes; returns what stays."""
    store = Store.open(folder)
    with store.write() as writer:
        writer.create_index("unused", mappings={"properties": {"never": {"type": "keyword"}}})
        writer.append("gone", [{"n": n, "text": f"{n * 7919:064x}"} for n in range(60_000)])
    with store.write() as writer:
        writer.append("kept", [{"n": n, "o": {"list": [n, n + 1]}, "k": f"{n}"} for n in range(500)])
        writer.put_alias("other", "kept", is_write_index=True)
        writer.put_config("kind", "id", {"a": 1})
        writer.put_state("kind", "id", b"\x00\xff" * 1000)
    store.close()
    store = Store.open(folder)
    with store.write() as writer:
        writer.delete_index("gone")
        writer.append("kept", [{"n": -1}])
    found = everything(store)
    store.close()
    return found


def everything(store: Store) -> dict[str, Any]:
    with store.read() as reader:
        indices = reader.indices()
        rows = {
            index.name: (index, reader.connection.execute(f"FROM {index.table} ORDER BY _seq_no").fetchall())
            for index in indices
        }
        return {
            "rows": rows,
            "uuid": store.uuid,
            "config": reader.config("kind", "id"),
            "state": reader.state("kind", "id"),
        }


@pytest.mark.usefixtures("eager")
def test_what_deletions_free_returns_to_the_disk_at_the_next_start(tmp_path):
    before = filled(tmp_path)
    size = (tmp_path / FILE).stat().st_size
    store = Store.open(tmp_path)
    assert (tmp_path / FILE).stat().st_size < size / 2
    assert everything(store) == before
    # What comes afterwards gets numbers that nothing had.
    with store.write() as writer:
        writer.append("fresh", [{"n": 1}])
        writer.append("unused", [{"never": "now"}])
        tables = [index.table for index in writer.indices()]
    assert len(set(tables)) == 3
    assert "docs_4" in tables
    store.close()
    assert Store.open(tmp_path).close()


@pytest.mark.usefixtures("eager")
def test_a_file_that_is_mostly_used_is_left_alone(tmp_path):
    filled(tmp_path)
    Store.open(tmp_path).close()
    inode = (tmp_path / FILE).stat().st_ino
    Store.open(tmp_path).close()
    assert (tmp_path / FILE).stat().st_ino == inode


_KILLED = """
    import os, signal, sys
    from pathlib import Path
    from anomalyops_engine.store import Store, compaction

    def die(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    compaction.LEAST_FREE = 2**20
    real, step = getattr(compaction, sys.argv[2]), [0]

    def counted(*given):
        if step[0] == int(sys.argv[3]):
            die()
        step[0] += 1
        return real(*given)

    setattr(compaction, sys.argv[2], counted)
    Store.open(Path(sys.argv[1]))
    if sys.argv[2] == "remove_remains":
        die()
"""


# Before the copy; with the copy made and not looked at; half of it; before it is on disk; after it took its place; and
# after all of it.
@pytest.mark.parametrize(
    ("where", "step", "copied"),
    [
        *(("_copy", 0, False), ("_counts", 0, False), ("_counts", 1, False)),
        *(("sync", 0, False), ("sync", 1, True), ("remove_remains", 1, True)),
    ],
)
@pytest.mark.usefixtures("eager")
def test_nothing_is_lost_where_it_is_killed(tmp_path, where, step, copied):
    before = filled(tmp_path)
    inode = (tmp_path / FILE).stat().st_ino
    script = textwrap.dedent(_KILLED)
    ended = subprocess.run([sys.executable, "-c", script, str(tmp_path), where, str(step)], check=False)
    assert ended.returncode == -9
    assert ((tmp_path / FILE).stat().st_ino != inode) is copied
    store = Store.open(tmp_path)
    assert everything(store) == before
    assert not list(tmp_path.glob("*.compact*"))
    store.close()


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("fault", [OSError("no space left on device"), compaction.duckdb.IOException("disk full")])
def test_a_copy_that_cannot_be_made_leaves_the_file_as_it_is(tmp_path, monkeypatch, caplog, fault):
    before = filled(tmp_path)

    def fail(*_):
        raise fault

    monkeypatch.setattr(compaction, "sync", fail)
    store = Store.open(tmp_path)
    assert everything(store) == before
    assert "could not be given back" in caplog.text
    assert not list(tmp_path.glob("*.compact*"))
    store.close()


@pytest.mark.usefixtures("eager")
def test_a_copy_that_lacks_rows_does_not_take_the_place_of_the_file(tmp_path, monkeypatch, caplog):
    before = filled(tmp_path)
    counts = compaction._counts
    monkeypatch.setattr(compaction, "_counts", lambda c, name: {**counts(c, name), "docs_3": len(name)})
    store = Store.open(tmp_path)
    assert everything(store) == before
    assert "other rows" in caplog.text
    store.close()
