"""The store: snapshots, durability, locking, names and aliases."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from anomalyops_engine.query import count, delete_where, read_rows, search, select
from anomalyops_engine.store import (
    AmbiguousTargetError,
    DocumentParsingError,
    IndexExistsError,
    IndexForbiddenError,
    IndexNotFoundError,
    InvalidAliasNameError,
    InvalidIndexNameError,
    Store,
    StoreError,
    StoreLockedError,
)
from anomalyops_engine.store.changes import Batch, Changes, Known

_SOURCE = str(Path(__file__).resolve().parents[3] / "operator")


def number_of(store: Store, index: str) -> int:
    with store.read() as reader:
        return count(reader, reader.resolve(index), None)


def test_what_was_written_is_there_after_reopening(tmp_path):
    store = Store.open(tmp_path)
    with store.write() as writer:
        writer.append("logs", [{"time": "2024-01-01T00:00:00Z", "host": "a"}], ids=["1"])
        writer.put_config("job", "j", {"description": "x"})
        writer.put_state("job", "j", b"\x00\xff")
        writer.put_alias("all", "logs", filter={"term": {"host.keyword": "a"}})
    store.close()
    store = Store.open(tmp_path)
    with store.read() as reader:
        (index,) = reader.resolve("all")
        assert reader.document(index, "1")[0] == b'{"time":"2024-01-01T00:00:00Z","host":"a"}'
        assert index.filters == ({"term": {"host.keyword": "a"}},)
        assert (reader.config("job", "j"), reader.state("job", "j")) == ({"description": "x"}, b"\x00\xff")
        assert reader.configs("job") == {"j": {"description": "x"}}
        assert reader.config("job", "other") is None
    store.close()


def test_a_failed_write_leaves_nothing_behind(store):
    def fail() -> None:
        with store.write() as writer:
            writer.append("logs", [{"a": 1}])
            writer.put_config("job", "j", {})
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with store.read() as reader:
        assert (reader.indices(), reader.config("job", "j")) == ([], None)
    with store.write() as writer:
        writer.append("logs", [{"b": "x"}])
    assert number_of(store, "logs") == 1


def test_a_reader_keeps_its_snapshot_while_fields_and_documents_are_added(store):
    with store.write() as writer:
        writer.append("logs", [{"a": 1}], ids=["1"])
    with store.read() as before:
        indices = before.resolve("logs")
        with store.write() as writer:
            writer.append("logs", [{"a": [2, 3], "b": "new"}], ids=["2"])
            writer.append("logs", [{"a": 9}], ids=["1"])
        assert count(before, indices, None) == 1
        assert count(before, indices, {"term": {"a": 1}}) == 1
    assert number_of(store, "logs") == 2


def test_readers_and_a_writer_at_the_same_time_see_only_whole_writes(store):
    with store.write() as writer:
        writer.append("logs", [{"n": 0, "part": 0}])
    failures: list[object] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            found = number_of(store, "logs")
            if found % 10 != 1:
                failures.append(found)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(12):
        with store.write() as writer:
            for half in range(2):
                writer.append("logs", [{"n": number, f"field_{number}": half} for _ in range(5)])
    done.set()
    for reader in readers:
        reader.join()
    assert failures == []


def test_overwriting_by_id_counts_versions_and_keeps_one_document(store):
    with store.write() as writer:
        first = writer.index_documents("logs", [{"a": 1}], [b'{"a":1}'], ["x"])
        second = writer.index_documents("logs", [{"a": 2}], [b'{"a":2}'], ["x"])
        assert [(r.version, r.created, r.seq_no) for r in first + second] == [(1, True, 0), (2, False, 1)]
        index = writer.index("logs")
        known = writer.known(index, ["x", "y"], with_sources=["x"])
        assert known == {"x": Known(2, 1, b'{"a":2}', None, there=True)}
        writer.change(index, Changes(Batch(index.mapping, []), [], ["x"], {"x": 3, "y": 1}, 2))
        assert writer.next_sequence(index) == 4
        versions = {doc_id: one.version for doc_id, one in writer.known(index, ["x", "y"], with_sources=[]).items()}
        assert versions == {"x": 3, "y": 1}
    assert number_of(store, "logs") == 0


def test_documents_known_to_be_new_are_written_under_their_ids(store):
    with store.write() as writer:
        writer.append("r", [{"a": 1}], ids=["1"])
        writer.append("r", [{"a": 2}, {"a": 3}], ids=["2", "3"], new=True)
        assert sorted(writer.documents(writer.index("r"), ["1", "2", "3"])) == ["1", "2", "3"]


def test_a_bad_document_is_reported_and_the_others_are_written(store):
    documents = [{"n": 1}, {"n": "many"}, {"n": 3}]
    with store.write() as writer:
        outcomes = writer.index_documents("logs", documents, [b"{}"] * 3, ["1", "2", "3"])
        assert isinstance(outcomes[1], DocumentParsingError)
        assert [outcome.id for outcome in (outcomes[0], outcomes[2])] == ["1", "3"]
        with pytest.raises(DocumentParsingError, match=r"field \[n\]"):
            writer.append("logs", [{"n": "x"}])


def test_revise_changes_source_and_columns_of_what_is_there(store):
    with store.write() as writer:
        documents = [{"score": 90.0, "k": "a"}, {"score": 10.0, "k": "b"}, {"parts": [{"n": 1}, {"n": 2}], "k": "c"}]
        writer.append("r", documents, ids=["1", "2", "3"])
        changes = {"1": {"score": 50.5}, "3": {"parts": [{"n": 7}]}, "missing": {"score": 1}}
        assert writer.revise("r", list(changes), lambda key, _: changes[key]) == 2
        found = {}
        for query in ({"range": {"score": {"gte": 50}}}, {"term": {"parts.n": 7}}):
            for hit in search(writer, writer.resolve("r"), {"query": query})["hits"]["hits"]:
                found[hit["_id"]] = hit["_source"]
        assert search(writer, writer.resolve("r"), {"query": {"term": {"parts.n": 1}}})["hits"]["hits"] == []
        stored = writer.documents(writer.index("r"), ["1", "2", "3"])
        versions = {key: document.version for key, document in stored.items()}
    assert found == {"1": {"score": 50.5, "k": "a"}, "3": {"parts": [{"n": 7}], "k": "c"}}
    assert versions == {"1": 2, "2": 1, "3": 2}


def test_delete_where_deletes_what_matches_and_ignores_missing_indices(store):
    with store.write() as writer:
        writer.append("r", [{"k": "a"}, {"k": "b"}, {"k": "b"}])
        assert delete_where(writer, "r", {"term": {"k.keyword": "b"}}) == 2
        assert delete_where(writer, "absent", {"match_all": {}}) == 0
    assert number_of(store, "r") == 1


def test_names_patterns_exclusions_and_hidden_indices(store):
    with store.write() as writer:
        for name in ("logs-a", "logs-b", "metrics", ".ml-own"):
            writer.create_index(name, settings={"hidden": "true"} if name.startswith(".") else {})
        writer.put_alias("both", "logs-a")
        writer.put_alias("both", "logs-b", filter={"exists": {"field": "x"}})
        writer.put_alias(".ml-read", ".ml-own")

        def names(expression: str, **options: bool) -> list[str]:
            return [index.name for index in writer.resolve(expression, **options)]

        assert names("logs-*") == ["logs-a", "logs-b"]
        assert names("*,-logs-b") == ["logs-a", "metrics"]
        assert names("_all") == ["logs-a", "logs-b", "metrics"]
        assert names(".ml-*") == [".ml-own"]
        assert names("bo*") == names("both") == ["logs-a", "logs-b"]
        assert names("absent*") == []
        assert names("absent,metrics", ignore_unavailable=True) == ["metrics"]
        assert writer.resolve("logs-b,both")[1].filters == ()
        with pytest.raises(IndexNotFoundError, match=r"no such index \[absent\]"):
            names("metrics,absent")
        with pytest.raises(IndexNotFoundError):
            names("absent*", allow_no_indices=False)
        with pytest.raises(AmbiguousTargetError, match="both"):
            writer.append("both", [{}])
        writer.put_alias("both", "logs-b", is_write_index=True)
        writer.append("both", [{"x": 1}])
        assert count(writer, writer.resolve("logs-b"), None) == 1


def test_what_is_written_reaches_a_restricted_index_by_its_name_alone_and_may_not(store):
    with store.write() as writer:
        writer.create_index(".ml-config", settings={"hidden": "true"})
        writer.put_own_documents(".ml-config", {"a": {"job_id": "a"}, "b": {"job_id": "b"}})
        writer.delete_own_documents(".ml-config", ["b", "c"])
        assert writer.resolve(".ml-*") == []
        assert [index.name for index in writer.resolve(".ml-config")] == [".ml-config"]
        for change in (
            lambda: writer.append(".ml-config", [{"job_id": "c"}]),
            lambda: writer.delete_index(".ml-config"),
            lambda: writer.put_mapping(".ml-config", {"properties": {"x": {"type": "long"}}}),
            lambda: delete_where(writer, ".ml-config", {"match_all": {}}),
        ):
            with pytest.raises(IndexForbiddenError, match="restricted"):
                change()
    with store.read() as reader:
        assert [index.name for index in reader.resolve(".ml-*")] == [".ml-config"]
        assert count(reader, reader.resolve(".ml-config"), None) == 1


@pytest.mark.parametrize("name", ["", "UPPER", "_x", "-x", "a b", "a*", "a/b", "..", "x" * 256, "a,b"])
def test_bad_index_names_are_refused(store, name):
    with store.write() as writer, pytest.raises(InvalidIndexNameError):
        writer.create_index(name)


def test_names_are_taken_once(store):
    with store.write() as writer:
        writer.create_index("a")
        writer.put_alias("b", "a")
        for name in ("a", "b"):
            with pytest.raises(IndexExistsError):
                writer.create_index(name)
        with pytest.raises(InvalidAliasNameError):
            writer.put_alias("a", "a")


def test_select_gives_rows_of_all_indices_in_the_time_range(store):
    with store.write() as writer:
        writer.create_index("l1", mappings={"properties": {"t": {"type": "date"}, "v": {"type": "long"}}})
        writer.append("l1", [{"t": 100_000, "v": 1, "k": "a"}, {"t": 200_000, "v": 2}, {"v": 3}])
        writer.append("l2", [{"t": "1970-01-01T00:01:40Z", "v": 1.5, "k": ["x", "y"]}])
        writer.append("l3", [{"other": 1}])
    with store.read() as reader:
        documents = select(
            reader.resolve("l*"), None, ["v", "k", "none"], time_field="t", start_ms=100_000, end_ms=200_000
        )
        assert read_rows(reader, documents, ordered_by="v") == [
            {"t": 100_000, "v": 1.0, "k": "a", "none": None},
            {"t": 100_000, "v": 1.5, "k": "x,y", "none": None},
        ]


def test_a_second_store_on_the_folder_is_refused_with_the_pid_of_the_first(tmp_path, store):
    with pytest.raises(StoreLockedError, match=f"in use by process {os.getpid()}"):
        Store.open(store.folder)
    code = "import sys, pathlib; from anomalyops_engine.store import Store; Store.open(pathlib.Path(sys.argv[1]))"
    environment = {**os.environ, "PYTHONPATH": _SOURCE}
    other = subprocess.run(
        [sys.executable, "-c", code, str(store.folder)], env=environment, capture_output=True, text=True, check=False
    )
    assert other.returncode != 0
    assert f"in use by process {os.getpid()}" in other.stderr


def test_a_closed_store_says_so(tmp_path):
    store = Store.open(tmp_path)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"), store.read():
        pass
    Store.open(tmp_path).close()


def test_a_crash_right_after_the_mapping_changed_is_survived(tmp_path):
    code = """if True:
        import os, sys, pathlib
        from anomalyops_engine.store import Store
        store = Store.open(pathlib.Path(sys.argv[1]))
        for value in ("one", ["one", "two"]):
            with store.write() as writer:
                writer.append("logs", [{"text": value, "number": [1] if isinstance(value, list) else 1}])
        with store.write() as writer:
            writer.append("logs", [{"added": "2024-01-01", "object": [{"deep": True}]}])
        os._exit(9)
    """
    environment = {**os.environ, "PYTHONPATH": _SOURCE}
    process = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=False)
    assert process.returncode == 9
    store = Store.open(tmp_path)
    with store.read() as reader:
        assert count(reader, reader.resolve("logs"), {"term": {"text.keyword": "one"}}) == 2
        assert count(reader, reader.resolve("logs"), {"term": {"object.deep": True}}) == 1
    store.close()


def test_a_killed_process_loses_nothing_that_it_acknowledged(tmp_path):
    code = """if True:
        import sys, pathlib
        from anomalyops_engine.store import Store
        store = Store.open(pathlib.Path(sys.argv[1]))
        number = 0
        while True:
            with store.write() as writer:
                writer.append("logs", [{"n": number, "half": half} for half in (0, 1)])
                writer.put_state("job", "j", str(number).encode())
            print(number, flush=True)
            number += 1
    """
    environment = {**os.environ, "PYTHONPATH": _SOURCE}
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], env=environment, stdout=subprocess.PIPE, text=True
        ) as process:
            acknowledged = [process.stdout.readline().strip() for _ in range(15)][-1]
            process.send_signal(signal.SIGKILL)
        store = Store.open(tmp_path)
        with store.read() as reader:
            indices = reader.resolve("logs")
            whole = search(reader, indices, {"size": 0, "aggs": {"n": {"terms": {"field": "n", "size": 1000}}}})[
                "aggregations"
            ]["n"]["buckets"]
            assert {bucket["key"] for bucket in whole} >= set(range(int(acknowledged) + 1))
            assert all(bucket["doc_count"] % 2 == 0 for bucket in whole)
            assert int(reader.state("job", "j")) >= int(acknowledged)
        store.close()


def aliases(reader):
    return {alias: properties for index in reader.indices() for alias, properties in index.aliases.items()}


def _take_the_name_twice(writer):
    writer.put_alias("lost", "logs")
    assert set(aliases(writer)) == {"kept", "lost"}
    writer.create_index("logs")


def test_a_rolled_back_change_of_the_catalog_is_not_seen_by_whoever_comes_after(store):
    """Also when the next change takes its version number."""
    with store.write() as writer:
        writer.create_index("logs", aliases={"kept": {}})
    with pytest.raises(IndexExistsError), store.write() as writer:
        _take_the_name_twice(writer)
    with store.read() as reader:
        assert set(aliases(reader)) == {"kept"}
    with store.write() as writer:
        writer.put_alias("other", "logs", filter={"term": {"a": 1}})
    with store.read() as reader:
        assert aliases(reader) == {"kept": {}, "other": {"filter": {"term": {"a": 1}}}}


def test_a_reader_sees_the_catalog_of_its_snapshot(store):
    with store.write() as writer:
        writer.create_index("logs")
    with store.read() as before:
        assert aliases(before) == {}
        with store.write() as writer:
            writer.put_alias("new", "logs")
        with store.read() as after:
            assert set(aliases(after)) == {"new"}
        assert aliases(before) == {}
    with store.write() as writer:
        assert writer.delete_alias("new")
        writer.delete_index("logs")
        writer.create_index("logs")
    with store.read() as reader:
        assert aliases(reader) == {}


def test_aliases_outlive_the_process(tmp_path):
    with closing(Store.open(tmp_path)) as store, store.write() as writer:
        writer.create_index("logs", aliases={"a": {"is_write_index": True}})
        writer.put_alias("b", "logs")
        writer.put_mapping("logs", {"properties": {"host": {"type": "keyword"}}})
    with closing(Store.open(tmp_path)) as store, store.read() as reader:
        assert aliases(reader) == {"a": {"is_write_index": True}, "b": {}}
        assert reader.index("logs").get("host") is not None


@pytest.mark.parametrize(
    "alias", ["", " ", "a b", "a,b", "a*", "a#b", "a:b", "-a", "_a", "+a", ".", "..", "x" * 256, "logs"]
)
def test_aliases_have_rules_of_their_own_for_names(store, alias):
    with store.write() as writer:
        writer.create_index("logs")
        writer.put_alias("Capitals.are-fine", "logs")
    with pytest.raises(InvalidAliasNameError, match=r"Invalid alias name \[.*\]: "), store.write() as writer:
        writer.put_alias(alias, "logs")
