"""Rows of files: formats, broken rows with their lines, and memory that does not grow."""

import gzip
import json
import tracemalloc

import pytest

from anomalyops.local.rows import FileError, FileFormat, RowFile, sample


def rows_of(path):
    with RowFile(path) as file:
        return file.format, list(file)


def write(tmp_path, name, text):
    path = tmp_path / name
    data = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.TSV"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_with_any_common_delimiter(tmp_path, name, delimiter):
    text = delimiter.join(["time", "a b"]) + "\n" + delimiter.join(["1", '"x, ""y"""']) + "\n"
    kind, rows = rows_of(write(tmp_path, name, text))
    assert kind is FileFormat.CSV
    assert [row.values for row in rows] == [{"time": "1", "a b": 'x, "y"'}]


def test_broken_csv_rows_come_with_line_and_reason(tmp_path):
    _, rows = rows_of(write(tmp_path, "a.csv", 'a,b\n1,2\n3\n\n"x\ny",4\n5,6,7\n'))
    assert [(row.line, row.error) for row in rows] == [
        (2, ""),
        (3, "1 cells, the header has 2"),
        (5, ""),
        (7, "3 cells, the header has 2"),
    ]
    assert rows[2].values == {"a": "x\ny", "b": "4"}


@pytest.mark.parametrize("name", ["a.ndjson", "a.jsonl.gz", "a.json"])
def test_lines_of_json(tmp_path, name):
    kind, rows = rows_of(write(tmp_path, name, '\n{"a": 1}\n{"a": \n[1]\n{"a": {"b": 2}}'))
    assert kind is FileFormat.NDJSON
    assert [(row.line, row.values) for row in rows] == [(2, {"a": 1}), (3, None), (4, None), (5, {"a": {"b": 2}})]
    assert "not JSON" in rows[1].error
    assert "a JSON list where an object is expected" in rows[2].error


def test_a_json_array_on_one_line_or_many(tmp_path):
    values = [{"n": n, "text": "[{,}]" * 50} for n in range(2_000)]
    for indent in (None, 2):
        kind, rows = rows_of(write(tmp_path, "a.json", json.dumps(values, indent=indent)))
        assert kind is FileFormat.JSON_ARRAY
        assert [row.values for row in rows] == values
        assert [row.line for row in rows[:3]] == [1, 2, 3]


def test_a_broken_json_array_says_where(tmp_path):
    _, rows = rows_of(write(tmp_path, "a.json", '[{"a": 1}, {"a": oops}, {"a": 3}]'))
    assert rows[0].values == {"a": 1}
    assert (rows[1].line, rows[1].values) == (2, None)
    assert "the rest of the array is lost" in rows[1].error


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.parquet", "x", "unknown kind of file '.parquet'; accepted: .csv"),
        ("a.csv", "  \n", "the file is empty"),
        ("a.csv", "a,,b\n1,2,3\n", "column 2 of the header has no name"),
        ("a.csv", "a,b,a\n1,2,3\n", "the header has a more than once"),
        ("a.csv", "a,b\n", "no row could be read"),
    ],
)
def test_files_that_cannot_be_read_are_named(tmp_path, name, text, words):
    path = write(tmp_path, name, text)
    with pytest.raises(FileError, match=str(path)) as caught:
        sample(path, 10)
    assert words in str(caught.value)


def test_missing_and_damaged_files(tmp_path):
    with pytest.raises(FileError, match="No such file"):
        RowFile(tmp_path / "none.csv")
    damaged = write(tmp_path, "a.csv.gz", "a,b\n" + "".join(f"{n},{n * n}\n" for n in range(50_000)))
    damaged.write_bytes(damaged.read_bytes()[:-5_000])
    with pytest.raises(FileError, match=r"a\.csv\.gz"):
        rows_of(damaged)


def test_memory_does_not_grow_with_the_file(tmp_path):
    path = write(tmp_path, "a.json", json.dumps([{"n": n, "pad": "x" * 100} for n in range(60_000)]))
    assert path.stat().st_size > 6_000_000
    tracemalloc.start()
    try:
        with RowFile(path) as file:
            count = sum(1 for _ in file)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 60_000
    assert peak < 2_000_000
