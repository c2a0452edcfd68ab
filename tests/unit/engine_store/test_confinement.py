"""The database of a store stays in its folder, whatever statement reaches it."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from anomalyops_engine.store import Store


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret.txt"
    path.write_text("a,b\n1,SECRET\n")
    return path


# {secret} is a readable file outside the folder, {new} a path where one could be made.
_DOORS = [
    "COPY (SELECT 42) TO '{new}'",
    "COPY (SELECT 42 AS x) TO '{new}' (FORMAT parquet)",
    "COPY format FROM '{secret}'",
    "EXPORT DATABASE '{new}'",
    "IMPORT DATABASE '{new}'",
    "ATTACH '{new}' AS other",
    "SELECT * FROM read_text('{secret}')",
    "SELECT * FROM read_blob('{secret}')",
    "SELECT * FROM read_csv('{secret}')",
    "SELECT * FROM read_json('{secret}')",
    "SELECT * FROM read_parquet('{secret}')",
    "SELECT * FROM sniff_csv('{secret}')",
    "SELECT * FROM glob('{secret}')",
    "SELECT * FROM '{secret}'",
    "SELECT getenv('HOME')",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{secret}'",
    "UPDATE EXTENSIONS",
    "CALL dsdgen(sf = 0)",
    "CREATE PERSISTENT SECRET s (TYPE http)",
    "CREATE SECRET s (TYPE s3)",
    "CALL enable_logging(storage = 'file', storage_path = '{new}')",
    "PRAGMA enable_profiling",
]


@pytest.mark.parametrize("door", _DOORS)
@pytest.mark.parametrize("mode", ["read", "write"])
def test_no_statement_leaves_the_folder(store, secret, tmp_path, door, mode):
    statement = door.format(secret=secret, new=tmp_path / "new")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(duckdb.Error) as refused, getattr(store, mode)() as view:
        view.connection.execute(statement).fetchall()
    assert "SECRET" not in str(refused.value)
    assert sorted(tmp_path.iterdir()) == before
    assert secret.read_text() == "a,b\n1,SECRET\n"


@pytest.mark.parametrize(
    "setting",
    [
        "enable_external_access = true",
        "lock_configuration = false",
        "autoload_known_extensions = true",
        "autoinstall_known_extensions = true",
        "allow_community_extensions = true",
        "temp_directory = '/'",
        "allowed_directories = ['/']",
        "threads = 1",
    ],
)
def test_no_statement_changes_a_setting(store, setting):
    with store.read() as reader, pytest.raises(duckdb.Error, match=r"locked|while database is running"):
        reader.connection.execute(f"SET GLOBAL {setting}")


def test_the_names_of_the_process_are_no_tables(store):
    planted = pa.table({"x": [42]})
    with store.read() as reader, pytest.raises(duckdb.CatalogException):
        reader.connection.execute("SELECT * FROM planted").fetchall()
    assert planted.num_rows == 1


def test_documents_are_written_behind_the_closed_doors_and_temporary_files_lie_in_the_folder(tmp_path):
    with Store.open(tmp_path / "data").write() as writer:
        writer.append("logs", [{"n": number, "tags": ["a", "b"]} for number in range(10)])
        assert writer.connection.execute("SELECT count(*) FROM docs_1").fetchall() == [(10,)]
        ((place,),) = writer.connection.execute("SELECT current_setting('temp_directory')").fetchall()
    assert str(tmp_path / "data") in place
