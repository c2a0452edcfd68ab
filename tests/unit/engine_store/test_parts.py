"""Documents of one shape lie in tables of their own, and nobody can tell."""

from __future__ import annotations

import shutil

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomalyops_engine.query import delete_where, search
from anomalyops_engine.query.esql.answer import answer
from anomalyops_engine.query.esql.parameters import Parameters
from anomalyops_engine.query.esql.planning import Surroundings
from anomalyops_engine.store import Frame, Store, compaction
from anomalyops_engine.store.backup import back_up, restore

MAPPINGS = {
    "properties": {
        **{name: {"type": "keyword"} for name in ("kind", "job", "who", "where", "why")},
        "time": {"type": "date"},
        **{name: {"type": "long"} for name in ("n", "events")},
        **{name: {"type": "double"} for name in ("x", "low", "high", "score", "first")},
        "final": {"type": "boolean"},
        "inner": {"properties": {"a": {"type": "keyword"}, "b": {"type": "double"}}},
    }
}
SIZES = (1, 40, 70)
SHAPES = {
    "bucket": ("n",),
    "plot": ("low", "high", "who"),
    "point": ("low",),
    "fresh": ("n", "brought"),
}


STATEMENTS = (
    '| WHERE inner.a == "b" OR n > 3 | STATS c = COUNT(*), t = MAX(time) BY kind, who | SORT kind, who, t',
    "METADATA _id, _version | SORT time, _id | KEEP _id, _version, kind, why, score, inner.b | LIMIT 500",
)


def frame_of(shape, size, start):
    """Documents of a shape; their ids tell it and their number."""
    fields = {"kind": shape, "final": False, "score": 0.0, "time": 10**12 + np.arange(start, start + size)}
    for name in SHAPES[shape]:
        match name:
            case "who":
                fields[name] = [f"w{number % 3}" for number in range(size)]
            case "brought":
                fields[name] = "new"
            case _:
                fields[name] = np.arange(size) if name == "n" else np.arange(size) / 4
    return Frame([f"{shape}_{start + number}" for number in range(size)], fields)


def whole(number, *, listed):
    """A document that fills what the shapes do not."""
    score = [1.5, number] if listed else 1.5
    return {
        "kind": "record",
        "time": 10**12 + number,
        "who": "w1",
        "score": score,
        "why": "x",
        "inner": {"a": "b", "b": number},
    }


NUMBERS = st.lists(st.integers(0, 150), min_size=1, max_size=4, unique=True)
STEPS = st.one_of(
    st.tuples(st.just("frame"), st.sampled_from(sorted(SHAPES)), st.sampled_from(SIZES)),
    st.tuples(st.just("record"), st.integers(0, 99), st.booleans()),
    st.tuples(st.just("overwrite"), st.sampled_from(sorted(SHAPES)), NUMBERS),
    st.tuples(st.just("revise"), st.sampled_from(sorted(SHAPES)), NUMBERS),
    st.tuples(st.just("remove"), st.sampled_from(sorted(SHAPES)), NUMBERS),
    st.tuples(
        st.just("delete"),
        st.sampled_from([{"term": {"kind": "bucket"}}, {"range": {"n": {"lt": 9}}}, {"exists": {"field": "inner.a"}}]),
        st.just(0),
    ),
    st.tuples(st.just("map"), st.sampled_from(["kind", "who"]), st.just(0)),
    st.tuples(st.just("long"), st.sampled_from(["kind", "who"]), st.just(0)),
    st.tuples(st.just("reopen"), st.just(0), st.just(0)),
)


def _there(step, number):
    """A step that changes no documents but those of numbers that no frame is going to use."""
    return (*step[:2], [place for place in step[2] if place < number]) if isinstance(step[2], list) else step


def do(writer, index, step, number, *, parted):
    """One step on an index; what makes parts in one is written document by document to the other."""
    match _there(step, number):
        case ("frame", shape, size):
            frame = frame_of(shape, size, number)
            if parted:
                writer.append_frame(index, frame)
            else:
                writer.append(index, frame.documents(), ids=frame.ids, new=True)
        case ("record", place, listed):
            writer.append(index, [whole(place, listed=listed)], ids=[f"record_{place}"])
        case ("overwrite", shape, places):
            bodies = [{"kind": "other", "time": 10**12 + place, "n": place} for place in places]
            writer.append(index, bodies, ids=[f"{shape}_{place}" for place in places])
        case ("revise", shape, places):
            ids = [f"{shape}_{place}" for place in places]
            writer.revise(index, ids, lambda _id, body: {"score": 0.25, "why": body["kind"], "n": None})
        case ("remove", shape, places):
            writer.delete_own_documents(index, [f"{shape}_{place}" for place in places])
        case ("delete", query, _):
            delete_where(writer, index, query)
        case ("map", name, _):
            sub = {"type": "keyword", "fields": {"short": {"type": "keyword", "ignore_above": 9}}}
            writer.put_mapping(index, {"properties": {name: sub}})
        case ("long", name, _):
            writer.append(index, [{name: "much longer than nine", "time": 10**12}], ids=["long"])


def shown(reader, name):
    """Everything that can be asked of an index."""
    (index,) = indices = reader.resolve(name)
    names = sorted({*index.mapping.fields, *index.mapping.multi_fields})
    found = {}
    body = {
        "size": 1000,
        "sort": ["time", "_doc"],
        "docvalue_fields": ["*"],
        "version": True,
        "seq_no_primary_term": True,
    }
    hits = search(reader, indices, body)["hits"]["hits"]
    found["hits"] = [(h["_id"], h["_version"], h["_seq_no"], h["_source"], h.get("fields"), h["sort"]) for h in hits]
    for field in names:
        query = {"query": {"exists": {"field": field}}, "size": 0, "track_total_hits": True}
        found[field] = search(reader, indices, query)["hits"]["total"]
        if index.get(field).type == "keyword":
            groups = {"groups": {"terms": {"field": field, "size": 50}, "aggs": {"top": {"max": {"field": "time"}}}}}
            found[f"{field} groups"] = search(reader, indices, {"size": 0, "aggs": groups})["aggregations"]
    around = Surroundings(lambda _: indices, None, 0, ("1", "2", "3"))
    for statement in STATEMENTS:
        answered = answer(reader.connection, f"FROM {name} {statement}", Parameters(), around)
        found[statement] = [list(row) for row in answered.rows]
    found["get"] = {h["_id"]: reader.document(index, h["_id"]) for h in hits[::17]}
    return found


@settings(max_examples=20, deadline=None)
@given(st.lists(STEPS, min_size=2, max_size=9))
def test_an_index_with_parts_answers_as_one_without(tmp_path_factory, steps):
    """Whatever is written, changed, deleted and mapped in whatever order, and whenever the store is opened again."""
    folder = tmp_path_factory.mktemp("store")
    store = Store.open(folder)
    with store.write() as writer:
        for index in ("parted", "plain"):
            writer.create_index(index, mappings=MAPPINGS)
    number = 0
    for step in [("frame", "bucket", 70), *steps]:
        if step[0] == "reopen":
            store.close()
            store = Store.open(folder)
        with store.write() as writer:
            for index in ("parted", "plain"):
                do(writer, index, step, number, parted=index == "parted")
        number += step[2] if step[0] == "frame" else 0
    with store.read() as reader:
        assert reader.index("parted").parts
        assert not reader.index("plain").parts
        assert reader.index("parted").mapping == reader.index("plain").mapping
        assert shown(reader, "parted") == shown(reader, "plain")
    store.close()


def tables(store):
    with store.read() as reader:
        sql = "SELECT table_name FROM duckdb_tables() WHERE starts_with(table_name, 'docs_') ORDER BY table_name"
        return [name for (name,) in reader.connection.execute(sql).fetchall()]


def filled(tmp_path):
    store = Store.open(tmp_path)
    with store.write() as writer:
        writer.create_index("results", mappings=MAPPINGS)
        writer.append_frame("results", frame_of("bucket", 40, 0))
        writer.append("results", [whole(7, listed=False)], ids=["record_7"])
    return store


def test_a_row_of_a_shape_has_no_columns_but_those_of_its_shape(tmp_path):
    store = filled(tmp_path)
    with store.read() as reader:
        index = reader.index("results")
        (part,) = index.parts
        columns = {index.mapping.fields[name].column for name in ("kind", "final", "score", "time", "n")}
        stored = {row[1] for row in reader.connection.execute(f"PRAGMA table_info('{part.table}')").fetchall()}
        assert part.columns == columns
        assert stored == columns | {"_id", "_version", "_seq_no", "_source"}
        rows = reader.connection.execute(f"SELECT * FROM {index.table} ORDER BY _seq_no").fetchall()
        assert len(rows) == 41
        assert len(rows[0]) == len(index.mapping.column_types) + 6
    store.close()


def test_what_reads_before_a_part_is_made_goes_on_reading(tmp_path):
    store = Store.open(tmp_path)
    with store.write() as writer:
        writer.create_index("results", mappings=MAPPINGS)
        writer.append("results", [whole(7, listed=False)], ids=["record_7"])
    held = store.hold()
    with store.write() as writer:
        writer.append_frame("results", frame_of("bucket", 40, 0))
    with held.read() as reader:
        assert [hit["_id"] for hit in search(reader, reader.resolve("results"), {})["hits"]["hits"]] == ["record_7"]
    held.close()
    store.close()


def test_shapes_beyond_what_a_search_bears_go_into_the_main_table(tmp_path):
    store = filled(tmp_path)
    with store.write() as writer:
        for number in range(20):
            name = f"own{number}"
            own = [f"{name}_{k}" for k in range(8)]
            writer.put_mapping("results", {"properties": {field: {"type": "keyword"} for field in own}})
            fields = {"time": 10**12 + np.arange(40), "kind": "plot", **dict.fromkeys(own, "a")}
            writer.append_frame("results", Frame([f"{name}_{k}" for k in range(40)], fields))
    with store.read() as reader:
        assert 1 < len(reader.index("results").parts) < 10
        found = search(reader, reader.resolve("results"), {"size": 0, "track_total_hits": True})["hits"]["total"]
        assert found["value"] == 40 + 1 + 20 * 40
    store.close()


def test_all_tables_go_with_their_index_and_are_copied_with_it(tmp_path):
    store = filled(tmp_path)
    assert tables(store) == ["docs_1_main", "docs_1_part_0"]
    with store.read() as reader:
        before = shown(reader, "results")
    store.close()
    compaction.compact(tmp_path / "engine.duckdb", {})
    store = Store.open(tmp_path)
    with store.read() as reader:
        assert shown(reader, "results") == before
    with store.write() as writer:
        writer.delete_index("results")
    assert tables(store) == []
    store.close()


def test_the_log_brings_all_of_them_back(tmp_path):
    """What a process leaves that is killed: the part is made, filled, its columns become lists, and rows leave it."""
    store = filled(tmp_path / "data")
    for change in (
        lambda writer: writer.append("results", [whole(8, listed=True)], ids=["record_8"]),
        lambda writer: writer.append_frame("results", frame_of("plot", 40, 40)),
        lambda writer: writer.revise("results", ["bucket_3", "plot_45"], lambda _id, _body: {"why": "changed"}),
        lambda writer: delete_where(writer, "results", {"range": {"n": {"lt": 3}}}),
    ):
        with store.write() as writer:
            change(writer)
    with store.read() as reader:
        before = shown(reader, "results")
    assert (tmp_path / "data" / "engine.duckdb.wal").stat().st_size > 0
    shutil.copytree(tmp_path / "data", tmp_path / "killed")
    store.close()
    store = Store.open(tmp_path / "killed")
    with store.read() as reader:
        assert len(before["hits"]) == 40 + 2 + 40 - 3
        assert shown(reader, "results") == before
    store.close()


def test_a_backup_has_all_of_them(tmp_path):
    store = filled(tmp_path / "data")
    with store.read() as reader:
        before = shown(reader, "results")
    assert back_up(tmp_path / "data", tmp_path / "backup").indices == {"results": 41}
    store.close()
    restore(tmp_path / "backup", tmp_path / "again")
    store = Store.open(tmp_path / "again")
    with store.read() as reader:
        assert shown(reader, "results") == before
    store.close()


def test_a_failed_write_leaves_the_index_without_the_part_that_it_made(tmp_path):
    store = Store.open(tmp_path)
    with store.write() as writer:
        writer.create_index("results", mappings=MAPPINGS)

    def failing():
        with store.write() as writer:
            writer.append_frame("results", frame_of("bucket", 40, 0))
            raise KeyError

    with pytest.raises(KeyError):
        failing()
    assert tables(store) == ["docs_1"]
    with store.write() as writer:
        writer.append_frame("results", frame_of("bucket", 40, 0))
    with store.read() as reader:
        assert len(shown(reader, "results")["hits"]) == 40
    store.close()


def test_a_folder_of_the_format_before_is_read_and_gets_parts(tmp_path):
    store = Store.open(tmp_path)
    with store.write() as writer:
        writer.create_index("results", mappings=MAPPINGS)
        writer.append("results", frame_of("bucket", 40, 0).documents(), ids=frame_of("bucket", 40, 0).ids)
    store.close()
    with duckdb.connect(str(tmp_path / "engine.duckdb")) as connection:
        connection.execute("ALTER TABLE indices DROP COLUMN parts")
        connection.execute("UPDATE format SET version = 6")
    store = Store.open(tmp_path)
    with store.write() as writer:
        writer.append_frame("results", frame_of("bucket", 40, 40))
    assert tables(store) == ["docs_1_main", "docs_1_part_0"]
    with store.read() as reader:
        assert len(shown(reader, "results")["hits"]) == 80
    store.close()
