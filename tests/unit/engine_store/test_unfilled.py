"""A document costs what is in it: columns that no document has filled are not stored, and nobody can tell."""

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from anomalyops_engine.query.search import search
from anomalyops_engine.store import Frame, Store

KINDS = {
    "whole": ("long", st.integers(-(2**53), 2**53)),
    "real": ("double", st.floats(allow_nan=False, allow_infinity=False, width=32)),
    "word": ("keyword", st.text("abcé", max_size=5)),
    "prose": ("text", st.text("ab ", max_size=9)),
    "said": ("boolean", st.booleans()),
    "day": ("date", st.integers(10**12, 2 * 10**12)),
    "inner.word": ("keyword", st.text("ab", max_size=3)),
}


def bodies():
    """Documents with some of the fields, some of them lists."""
    fields = {name: st.one_of(kind, st.lists(kind, max_size=3), st.none()) for name, (_, kind) in KINDS.items()}
    return st.lists(st.fixed_dictionaries({}, optional=fields), min_size=1, max_size=5)


def properties():
    """The mapping of all fields, before any document."""
    flat = {name: {"type": kind} for name, (kind, _) in KINDS.items() if "." not in name}
    return flat | {"inner": {"properties": {"word": {"type": "keyword"}}}}


def stored(store, index):
    """The columns that a table stores, and those that the mapping says are not."""
    with store.read() as reader:
        (found,) = reader.resolve(index)
        rows = reader.connection.execute(f"PRAGMA table_info('{found.table}')").fetchall()
        sql = "SELECT sql FROM duckdb_tables() WHERE table_name = ?"
        (text,) = reader.connection.execute(sql, [found.table]).fetchone()
        virtual = {row[1] for row in rows if f" {row[1]} {row[2]} GENERATED" in text}
        return virtual, set(found.mapping.unfilled), found.mapping


def answers(store, index):
    """What searches say of every field."""
    with store.read() as reader:
        ask = {f"any {name}": {"query": {"exists": {"field": name}}} for name in KINDS}
        ask |= {f"by {name}": {"sort": [{name: "asc"}, {"at": "asc"}]} for name in KINDS if name != "prose"}
        found = {}
        for title, body in ask.items():
            hits = search(reader, reader.resolve(index), {"size": 100, **body})["hits"]["hits"]
            found[title] = [(hit["_id"], hit.get("sort")) for hit in hits]
            if "sort" not in body:
                found[title].sort()
        return found


@settings(max_examples=25, deadline=None)
@given(st.lists(bodies(), min_size=1, max_size=4), st.data())
def test_what_is_mapped_and_not_filled_changes_no_answer(tmp_path_factory, batches, data):
    """An index whose fields are all filled by one document that is deleted again stores every column."""
    store = Store.open(tmp_path_factory.mktemp("store"))
    mappings = {"properties": properties() | {"at": {"type": "long"}}}
    whole = {"whole": 1, "real": 1.5, "word": "a", "prose": "a", "said": True, "day": 10**12, "inner.word": "a"}
    with store.write() as writer:
        writer.create_index("lazy", mappings=mappings)
        writer.create_index("full", mappings=mappings)
        writer.append("full", [whole], ids=["first"])
        writer.connection.execute(f"DELETE FROM {writer.index('full').table}")
    assert not stored(store, "full")[0] - {column(store, "full", "at")}
    number = 0
    for batch in batches:
        documents = [{**body, "at": number + k} for k, body in enumerate(batch)]
        ids = [str(number + k) for k in range(len(batch))]
        number += len(batch)
        for name in ("lazy", "full"):
            with store.write() as writer:
                writer.append(name, documents, ids=ids)
    revised = data.draw(st.lists(st.integers(0, number - 1), unique=True, max_size=3))
    change = data.draw(st.fixed_dictionaries({}, optional={n: k for n, (_, k) in KINDS.items() if "." not in n}))
    for name in ("lazy", "full"):
        with store.write() as writer:
            writer.revise(name, [str(k) for k in revised], lambda _id, _document: change)
    virtual, unfilled, mapping = stored(store, "lazy")
    assert virtual == unfilled
    given_names = {name for batch in batches for body in batch for name, value in body.items() if filled(value)}
    given_names |= set(change) if revised else set()
    kept = {leaf.path for leaf in mapping.fields.values() if leaf.column not in unfilled}
    assert given_names <= kept
    assert answers(store, "lazy") == answers(store, "full")
    store.close()


def column(store, index, field):
    """The column of a field."""
    with store.read() as reader:
        return reader.resolve(index)[0].mapping.fields[field].column


def filled(value):
    """Whether a document has the field."""
    return any(item is not None for item in value) if isinstance(value, list) else value is not None


def test_columns_come_with_the_first_frame_and_outlive_a_restart(tmp_path):
    store = Store.open(tmp_path)
    with store.write() as writer:
        writer.create_index("results", mappings={"properties": properties()})
        writer.append_frame("results", Frame(["a", "b"], {"word": "x", "real": 0.5}))
    store.close()
    store = Store.open(tmp_path)
    virtual, unfilled, mapping = stored(store, "results")
    assert virtual == unfilled
    assert {leaf.path for leaf in mapping.fields.values() if leaf.column not in unfilled} == {"word", "real"}
    with store.write() as writer:
        writer.append("results", [{"whole": [1, 2]}], ids=["c"])
    with store.read() as reader:
        found = search(reader, reader.resolve("results"), {"query": {"exists": {"field": "whole"}}})
    assert [hit["_id"] for hit in found["hits"]["hits"]] == ["c"]
    store.close()


def test_a_write_that_fails_fills_nothing(tmp_path):
    store = Store.open(tmp_path)
    with store.write() as writer:
        writer.create_index("logs", mappings={"properties": properties()})
    before = stored(store, "logs")[:2]
    try:
        with store.write() as writer:
            writer.append("logs", [{"whole": 1}])
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert stored(store, "logs")[:2] == before
    with store.write() as writer:
        writer.append("logs", [{"whole": 1}])
    virtual, unfilled, _ = stored(store, "logs")
    assert virtual == unfilled
    assert len(unfilled) == len(before[1]) - 1
    store.close()


def test_a_folder_of_the_format_before_has_all_of_its_columns(tmp_path):
    store = Store.open(tmp_path)
    with store.write() as writer:
        writer.create_index("logs", mappings={"properties": properties()})
        writer.append("logs", [{"whole": 1, "real": 1, "word": "a", "prose": "a", "said": True, "day": 10**12}])
        writer.append("logs", [{"inner": {"word": "a"}}])
    store.close()
    with duckdb.connect(str(tmp_path / "engine.duckdb")) as connection:
        connection.execute("""UPDATE indices SET mapping = replace(mapping, ',"unfilled":[]', '')""")
        connection.execute("ALTER TABLE indices DROP COLUMN parts")
        connection.execute("UPDATE format SET version = 5")
    store = Store.open(tmp_path)
    assert stored(store, "logs")[:2] == (set(), set())
    with store.write() as writer:
        writer.append("logs", [{"whole": 2, "fresh": "b"}])
    store.close()
