"""Delimited text with its faults: every row is a row, or is named with its line."""

import tracemalloc

import pytest
from reading import read

from anomalyops.loader import LoadError
from anomalyops.loader.loading import FileOptions, inspect
from anomalyops.loader.survey import Wishes


@pytest.fixture
def csv(tmp_path):
    def write(text, **given):
        path = tmp_path / "a.csv"
        path.write_bytes(text.encode())
        return read(path, **given)

    return write


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_common_dialects(csv, delimiter, end):
    rows = [["t", "a b", "v"], ["2024-01-01", '"x, ""y"""', "1"], ["2024-01-02", "", "2"]]
    found = csv(end.join(delimiter.join(row) for row in rows))
    assert found.documents == [
        {"t": "2024-01-01T00:00:00Z", "a b": 'x, "y"', "v": 1},
        {"t": "2024-01-02T00:00:00Z", "v": 2},
    ]
    assert found.lines == [2, 3]


def test_rows_of_another_width_are_named(csv):
    found = csv('t,b\n2024-01-01,2\n2024-01-02\n\n2024-01-03,"x\ny"\n2024-01-04,6,7\n')
    assert found.lines == [2, 5]
    assert found.reasons == [(3, "1 cell, the header has 2"), (7, "3 cells, the header has 2")]
    assert found.documents[1]["b"] == "x\ny"


def test_an_open_quote_costs_its_own_row_alone(csv):
    rows = [f'2024-01-01T{n // 60:02}:{n % 60:02}:00Z,{n},"GET /{n}"\n' for n in range(600)]
    for broken in (17, 18, 300, 599):
        rows[broken] = rows[broken].replace('"\n', "\n")
    rows[100] = '2024-01-01T01:40:00Z,100,"GET\n/of\n three lines"\n'
    found = csv("t,v,request\n" + "".join(rows))
    assert len(found.documents) == 596
    assert found.reasons == [
        (line, "a quote opens in 'request' and is not closed in this row") for line in (19, 20, 304, 603)
    ]
    assert [document["v"] for document in found.documents] == [n for n in range(600) if n not in {17, 18, 300, 599}]
    assert found.documents[98]["request"] == "GET\n/of\n three lines"


def test_a_stray_quote_that_another_one_seems_to_close_swallows_nothing(csv):
    rows = [f"2024-01-{n:02},{n},word {n}\n" for n in range(1, 29)]
    rows[5] = '2024-01-06,6,"word\n'
    rows[12] = '2024-01-13,13,"\n'
    found = csv("t,v,w\n" + "".join(rows))
    assert [line for line, _ in found.reasons] == [7, 14]
    assert len(found.documents) == 26


def test_a_quote_inside_a_cell_is_text(csv):
    found = csv('t,v\n2024-01-01,5" pipe\n2024-01-02,say "hi"\n')
    assert [document["v"] for document in found.documents] == ['5" pipe', 'say "hi"']


def test_comments_and_empty_lines_are_no_rows(csv):
    found = csv("# made by a machine\n# on a day\n\nt,v\n2024-01-01,1\n# later\n2024-01-02,2\n")
    assert found.lines == [5, 7]
    found = csv("t,v\n2024-01-01,1\n;no row\n", options=FileOptions(comment=";"))
    assert found.lines == [2]


def test_headers(csv):
    found = csv("2024-01-01,AAL,1.5\n2024-01-02,UAL,2\n", options=FileOptions(header="t,airline,v"))
    assert found.documents[0] == {"t": "2024-01-01T00:00:00Z", "airline": "AAL", "v": 1.5}
    found = csv("2024-01-01,1\n", time_field="column_1", options=FileOptions(header="none"))
    assert found.documents == [{"column_1": "2024-01-01T00:00:00Z", "column_2": 1}]
    found = csv(",t,v\n0,2024-01-01,5\n1,2024-01-02,6\n")
    assert found.types == {"index": "long", "t": "date", "v": "long"}
    assert "columns without a name in the file: index" in found.source.notes
    found = csv("t;v;;\n2024-01-01;5;;\n")
    assert found.types == {"t": "date", "v": "long"}
    assert "2 columns without a name and without a value are left out" in found.source.notes


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("2024-01-01,1\n2024-01-02,2\n", {}, "line 1 looks like data"),
        ("2024-01-01,AAL,1\n2024-01-02,AAL,2\n", {}, "--header NAME,NAME,... names the columns"),
        ("t,v,t\n1,2,3\n", {}, "the header has t more than once"),
        ("t,_id\n1,2\n", {}, "'_id' cannot be the name of a field"),
        ("t,a..b\n1,2\n", {}, "'a..b' cannot be the name of a field"),
        ("t,v\n1,2\n", {"header": "a,b,c"}, "--header gives 3 names, line 1 has 2 cells"),
        ("t,v\n", {}, "no row could be read"),
        ("# only\n# comments\n", {}, "there is no row in the file"),
    ],
)
def test_what_cannot_be_a_table(csv, text, options, says):
    with pytest.raises(LoadError, match=says):
        csv(text, options=FileOptions(**options))


def test_memory_does_not_grow_with_the_file(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("t,v,w\n" + "".join(f'2024-01-01 00:00:00,{n},"word {n}"\n' for n in range(150_000)))
    tracemalloc.start()
    inspect(path, FileOptions(), Wishes(time_field="t"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30_000_000
