"""`anomalyops ingest` into a real engine: what is in the index afterwards, and what is said about the rest."""

import gzip
import json

import pytest

from anomalyops.cli.main import invoke

TAXI = "timestamp,value\n" + "".join(
    f"2014-07-{1 + n // 48:02} {n // 2 % 24:02}:{n % 2 * 30:02}:00,{n}\n" for n in range(480)
)


def ingest(engine, path, index, *options):
    return invoke(["ingest", str(path), "--index", index, "--time-field", "timestamp", "--url", engine.url, *options])


def test_a_csv_file_becomes_an_index_with_the_shown_mapping(shared_engine, tmp_path, capsys):
    path = tmp_path / "taxi.csv.gz"
    path.write_bytes(gzip.compress(TAXI.encode()))
    assert ingest(shared_engine, path, "taxi", "--batch-size", "50") == 0
    said = capsys.readouterr().out
    assert "timestamp   date   time field, iso" in said
    assert "value       long" in said
    assert "480 rows are in taxi" in said
    with shared_engine.client() as client:
        mapping = client.indices.get_mapping(index="taxi")["taxi"]["mappings"]["properties"]
        assert mapping == {"timestamp": {"type": "date"}, "value": {"type": "long"}}
        answer = client.search(
            index="taxi",
            query={"range": {"timestamp": {"gte": "2014-07-02T00:00:00Z", "lt": "2014-07-02T01:00:00Z"}}},
            sort=["timestamp"],
        )
        assert [hit["_source"] for hit in answer["hits"]["hits"]] == [
            {"timestamp": "2014-07-02T00:00:00Z", "value": 48},
            {"timestamp": "2014-07-02T00:30:00Z", "value": 49},
        ]


def test_nothing_is_added_or_deleted_unless_asked_for(shared_engine, tmp_path, capsys):
    path = tmp_path / "twice.csv"
    path.write_text(TAXI)
    assert ingest(shared_engine, path, "twice") == 0
    assert ingest(shared_engine, path, "twice") == 1
    assert "index 'twice' is there already, with 480 documents: --replace" in capsys.readouterr().err
    with shared_engine.client() as client:
        assert ingest(shared_engine, path, "twice", "--append") == 0
        assert client.count(index="twice")["count"] == 960
        assert ingest(shared_engine, path, "twice", "--replace") == 0
        assert client.count(index="twice")["count"] == 480


def test_rejected_rows_are_counted_shown_and_written(shared_engine, tmp_path, capsys):
    lines = TAXI.splitlines()
    for row in range(100, 112):
        lines[row] = lines[row].replace(",", ",x")
    lines[200] = "2014-07-05 00:00:00"
    path = tmp_path / "broken.csv"
    path.write_text("\n".join(lines))
    kept = tmp_path / "rejected.ndjson"
    assert ingest(shared_engine, path, "broken", "--type", "value=long", "--rejected", str(kept)) == 1
    said = capsys.readouterr().out
    assert "467 of 480 rows are in broken" in said
    assert "13 rows were rejected" in said
    assert "line 101: value: 'x99' is not a number (--type value=keyword keeps it)" in said
    assert f"and 3 more; all of them are in {kept}" in said
    rows = [json.loads(line) for line in kept.read_text().splitlines()]
    assert [row["line"] for row in rows] == [*range(101, 113), 201]
    assert rows[-1]["reason"] == "1 cell, the header has 2"
    assert ingest(shared_engine, path, "broken", "--type", "value=long", "--replace", "--allow-rejected") == 0


def test_what_the_server_refuses_is_told_with_the_line(shared_engine, tmp_path, capsys):
    rows = [{"timestamp": 1404172800 + n, "size": n, "host": {"ip": f"10.0.0.{n}"}} for n in range(20)]
    rows[12]["size"] = "large"
    path = tmp_path / "logs.ndjson"
    path.write_text("\n".join(map(json.dumps, rows)))
    types = ["--type", "size=long", "--type", "host.ip=ip"]
    assert ingest(shared_engine, path, "refused-logs", *types) == 1
    said = capsys.readouterr().out
    assert "19 of 20 rows are in refused-logs" in said
    assert "line 13: " in said
    assert "size" in said.split("line 13: ")[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.csv"], "none.csv: No such file or directory"),
        (["{file}", "--time-field", "when"], "time field 'when' is not in the file; its fields: timestamp, value"),
        (["{file}", "--time-format", "qq"], "'qq' is not known; known are yyyy"),
        (["{file}", "--type", "value=number"], "--type 'value=number': write FIELD=TYPE with one of boolean, long"),
        (["{file}", "--replace", "--append"], "contradict each other"),
    ],
)
def test_mistakes_are_one_line(shared_engine, tmp_path, capsys, arguments, words):
    path = tmp_path / "taxi.csv"
    path.write_text(TAXI)
    filled = [argument.format(file=path) for argument in arguments]
    time_field = [] if "--time-field" in filled else ["--time-field", "timestamp"]
    assert invoke(["ingest", *filled, "--index", "mistake", *time_field, "--url", shared_engine.url]) == 1
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_ids_of_a_file_replace_and_the_result_is_a_document(shared_engine, tmp_path, capsys):
    path = tmp_path / "ids.ndjson"
    rows = [{"_id": str(n % 3), "timestamp": 1404172800 + n, "v": n} for n in range(9)]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert ingest(shared_engine, path, "ids", "--output", "json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["rows"], document["loaded"], document["rejected"], document["documents_added"]) == (9, 9, 0, 3)
    assert document["time"]["format"] == "epoch"
    assert document["time"]["last"] == {"text": "1404172808", "time": "2014-07-01T00:00:08Z"}
    with shared_engine.client() as client:
        assert client.get_source(index="ids", id="2")["v"] == 8


def test_what_does_not_fit_an_index_that_is_there_is_said(shared_engine, tmp_path, capsys):
    path = tmp_path / "whole.csv"
    path.write_text(TAXI)
    assert ingest(shared_engine, path, "fits") == 0
    other = tmp_path / "words.csv"
    other.write_text(TAXI.replace(",", ",a").replace("avalue", "value"))
    assert ingest(shared_engine, other, "fits", "--append") == 1
    said = capsys.readouterr().out
    assert "value is long in the index, keyword in the file" in said
    assert "0 of 480 rows are in fits" in said


def test_a_file_as_strangers_have_it(shared_engine, tmp_path):
    path = tmp_path / "air.csv"
    rows = [f"{1 + n // 24:02}/03/2024;{n % 24:02}.00.00;{n / 10:.1f}".replace(".1f", "") for n in range(240)]
    text = "Date;Time;CO(GT)\r\n" + "\r\n".join(row.replace(".", ",").replace(",00,00", ".00.00") for row in rows)
    path.write_bytes(text.encode("utf-16"))
    arguments = ["--index", "air", "--time-field", "Date+Time", "--time-zone", "Europe/Rome", "--day-first"]
    assert invoke(["ingest", str(path), "--url", shared_engine.url, *arguments]) == 0
    with shared_engine.client() as client:
        answer = client.search(
            index="air", size=0, aggs={"co": {"stats": {"field": "CO(GT)"}}, "t": {"min": {"field": "timestamp"}}}
        )
    assert (answer["aggregations"]["co"]["count"], answer["aggregations"]["co"]["max"]) == (240, pytest.approx(23.9))
    assert answer["aggregations"]["t"]["value_as_string"] == "2024-02-29T23:00:00.000Z"


def test_a_server_that_is_not_there_is_one_line(tmp_path, capsys):
    path = tmp_path / "taxi.csv"
    path.write_text(TAXI)
    arguments = ["ingest", str(path), "--index", "i", "--time-field", "timestamp", "--url", "http://127.0.0.1:9"]
    assert invoke(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
