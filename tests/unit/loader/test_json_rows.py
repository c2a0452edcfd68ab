"""JSON in all the forms that people have: each row is a document or is named."""

import json

import pytest
from reading import read

from anomalyops.loader import LoadError
from anomalyops.loader.loading import FileOptions


@pytest.fixture
def load(tmp_path):
    def write(value, name="a.json", **given):
        path = tmp_path / name
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return read(path, **given)

    return write


ROWS = [{"t": "2024-01-01T00:00:00Z", "a": {"b": n}, "text": "[{,}]" * 20} for n in range(1, 400)]


@pytest.mark.parametrize("form", ["lines", "array", "pretty array", "objects", "hits", "bulk"])
def test_the_same_rows_in_every_form(load, form):
    texts = {
        "lines": "\n".join(map(json.dumps, ROWS)),
        "array": json.dumps(ROWS),
        "pretty array": json.dumps(ROWS, indent=2),
        "objects": "\n".join(json.dumps(row, indent=1) for row in ROWS),
        "hits": json.dumps({"took": 1, "hits": {"total": 1, "hits": [{"_id": "x", "_source": row} for row in ROWS]}}),
        "bulk": "".join(f'{{"index":{{"_index":"i"}}}}\n{json.dumps(row)}\n' for row in ROWS),
    }
    found = load(texts[form])
    assert found.documents == ROWS
    assert found.types == {"t": "date", "a.b": "long", "text": "keyword"}


def test_broken_lines_are_named(load):
    found = load('\n{"t": 1700000000, "a": 1}\n{"a": \n[1]\n{"t": 1700000001, "a": NaN}\n7\n{"t": null}\n{"a":{"t":1}}')
    assert found.lines == [2]
    assert [line for line, _ in found.reasons] == [3, 4, 5, 6, 7, 8]
    assert "NaN is no JSON number" in found.reasons[2][1]
    assert found.reasons[1][1] == "a JSON list where an object is expected"
    assert found.reasons[4][1] == "t: no value"


def test_ids_of_the_file_are_kept(load):
    found = load('{"_id": 7, "t": 1700000000}\n{"_id": "b", "_source": {"t": 1700000001}}\n{"t": 1700000002}')
    assert found.ids == ["7", "b", None]
    assert all("_id" not in document for document in found.documents)
    assert any("the ids of the file are kept" in note for note in found.source.notes)


def test_bulk_files(load):
    actions = [
        {"index": {"_id": "1"}},
        {"t": 1700000000},
        {"delete": {"_id": "2"}},
        {"create": {"_index": "x", "_id": "3"}},
        {"t": 1700000001},
        {"update": {"_id": "4"}},
        {"doc": {"t": 1}},
        {"t": 5},
        {"index": {}},
    ]
    found = load("\n".join(map(json.dumps, actions)), name="a.ndjson")
    assert found.ids == ["1", "3"]
    assert found.lines == [1, 4]
    assert [line for line, _ in found.reasons] == [3, 6, 8, 9]


def test_known_wrappers(load):
    prometheus = {
        "status": "success",
        "data": {
            "resultType": "matrix",
            "result": [{"metric": {"host": "a"}, "values": [[1700000000.5, "1.5"], [1700000060, "NaN"]]}],
        },
    }
    found = load(prometheus, time_field="timestamp")
    assert found.documents == [
        {"host": "a", "timestamp": 1700000000500, "value": 1.5},
        {"host": "a", "timestamp": 1700000060000, "value": None},
    ]
    geo = {"type": "FeatureCollection", "features": [{"properties": {"t": "2024-01-01T00:00:00Z"}, "geometry": None}]}
    assert load(geo).documents[0]["geometry"] is None
    own = {"meta": 1, "data": {"items": [{"t": 1700000000}]}}
    with pytest.raises(LoadError, match=r"--rows-at PATH says where .* such as data\.items"):
        load(own)
    assert load(own, options=FileOptions(rows_at="data.items")).documents == [{"t": 1700000000000}]
    with pytest.raises(LoadError, match="--rows-at meta: there is no list, found number"):
        load(own, options=FileOptions(rows_at="meta"))


@pytest.mark.parametrize("text", ["hello", "<xml/>", "[", '[{"t": 1}', "{", '"text"'])
def test_what_is_no_json(load, text):
    with pytest.raises(LoadError):
        load(text)


def test_an_array_without_end_keeps_what_came_before(load):
    found = load('[{"t": 1700000000}, {"t": 1700000001}, {"t": 17')
    assert len(found.documents) == 2
    assert "what follows is lost" in found.reasons[0][1]


def test_numbers_in_quotes_are_said(load):
    found = load([{"t": 1700000000 + n, "v": str(n), "big": 2**64 - 1, "mixed": n if n % 2 else 1.5} for n in range(9)])
    assert found.types == {"t": "date", "v": "keyword", "big": "unsigned_long", "mixed": "double"}
    assert found.notes == {"v": "numbers in quotes, kept as words: --type v=double reads them as numbers"}
