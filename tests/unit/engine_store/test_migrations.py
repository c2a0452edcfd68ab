"""A data folder of an earlier format is read: what is in it stays, and a kill on the way changes nothing."""

import duckdb
import pytest

from anomalyops_engine.store import Store, StoreError
from anomalyops_engine.store import layout as module


def older(folder):
    """A folder as the version before left it: its tables have no column for the routing."""
    store = Store.open(folder)
    with store.write() as writer:
        writer.create_index("logs", mappings={"properties": {"n": {"type": "long"}}})
        writer.append("logs", [{"n": 1}, {"n": 2}], ids=["a", "b"])
    store.close()
    with duckdb.connect(str(folder / "engine.duckdb")) as connection:
        for (table,) in connection.execute("SELECT table_name FROM indices").fetchall():
            connection.execute(f'ALTER TABLE "{table}" DROP COLUMN _routing')
        connection.execute("ALTER TABLE indices DROP COLUMN parts")
        connection.execute("UPDATE format SET version = 4")


def documents(store):
    with store.read() as reader:
        (index,) = reader.resolve("logs")
        return reader.documents(index, ["a", "b", "c"])


def test_what_was_there_is_read_and_new_documents_go_on(tmp_path):
    older(tmp_path)
    for _ in range(2):  # the second time there is nothing to do
        store = Store.open(tmp_path)
        assert {name: (found.source, found.routing) for name, found in documents(store).items()} == {
            "a": (b'{"n":1}', None),
            "b": (b'{"n":2}', None),
        }
        store.close()
    store = Store.open(tmp_path)
    with store.write() as writer:
        writer.index_documents("logs", [{"n": 3}], [b'{"n":3}'], ["c"], routings=["west"])
    assert documents(store)["c"].routing == "west"
    store.close()


def test_who_is_killed_on_the_way_begins_again(tmp_path, monkeypatch):
    older(tmp_path)

    def killed(connection):
        module._add_routing(connection)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setitem(module._MIGRATIONS, 4, killed)
        with pytest.raises(KeyboardInterrupt):
            Store.open(tmp_path)
    store = Store.open(tmp_path)
    assert len(documents(store)) == 2
    store.close()


@pytest.mark.parametrize("version", [3, 99])
def test_other_formats_are_refused_with_those_that_can_be_read(tmp_path, version):
    Store.open(tmp_path).close()
    with duckdb.connect(str(tmp_path / "engine.duckdb")) as connection:
        connection.execute("UPDATE format SET version = ?", [version])
    with pytest.raises(StoreError, match=f"format version {version}; this version reads format versions 4 to 7"):
        Store.open(tmp_path)
