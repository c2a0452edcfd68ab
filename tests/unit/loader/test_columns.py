"""Types come from all rows; numbers are recognised or asked for, and what a job cannot use is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import read

from anomalyops.loader import LoadError
from anomalyops.loader.loading import FileFormat, FileOptions
from anomalyops.loader.mapping import clashes, index_mapping
from anomalyops_reading.columns import Evidence, FieldType, guess_type
from anomalyops_reading.numbers import find_notation


@pytest.fixture
def column(tmp_path):
    """Reads one column of values and gives its type, the values in the documents, and what is said."""

    def load(values, **given):
        path = tmp_path / "a.csv"
        quoted = ('"' + value.replace('"', '""') + '"' for value in values)
        path.write_text("t,v\n" + "".join(f"2024-01-01,{value}\n" for value in quoted))
        found = read(path, **given)
        return found.types["v"], [document.get("v") for document in found.documents], found.notes.get("v", ""), found

    return load


@pytest.mark.parametrize(
    ("values", "kind", "read_as"),
    [
        (["1", "-2", "9223372036854775807"], "long", [1, -2, 2**63 - 1]),
        (["1", "18446744073709551615"], "unsigned_long", [1, 2**64 - 1]),
        (["1", "2.5", "-1e3"], "double", [1, 2.5, -1000.0]),
        (["007", "042"], "keyword", ["007", "042"]),
        (["true", "FALSE", ""], "boolean", [True, False, None]),
        (["10.0.0.1", "::1"], "ip", ["10.0.0.1", "::1"]),
        (["2024-01-01", "2024-02-29 10:00"], "date", ["2024-01-01T00:00:00Z", "2024-02-29T10:00:00Z"]),
        (["2024-02-30", "2024-01-01"], "keyword", ["2024-02-30", "2024-01-01"]),
        (["a", "b c"], "keyword", ["a", "b c"]),
        (["one two three four five", "x"], "text", ["one two three four five", "x"]),
        (["1,5", "2,25", "1000"], "double", [1.5, 2.25, 1000]),
        (["1.234,5", "12,0", "1.234.567,1"], "double", [1234.5, 12.0, 1234567.1]),
        (["1,234.5", "12.0"], "double", [1234.5, 12.0]),
        (["1 234", "12 345 678", "7"], "long", [1234, 12345678, 7]),
        (["12%", "7 %"], "long", [12, 7]),
        (["1.5 ms", "20 ms"], "double", [1.5, 20]),
        (["$5", "$1,250.50"], "double", [5, 1250.5]),
        (["+5", "-3"], "long", [5, -3]),
        (["99999999999999999999999", "1"], "keyword", ["99999999999999999999999", "1"]),
        (["1.2.3", "1.2.4"], "keyword", ["1.2.3", "1.2.4"]),
        (["5 KB", "3 MB"], "keyword", ["5 KB", "3 MB"]),
    ],
)
def test_what_values_are(column, values, kind, read_as):
    found, documents, _, _ = column(values)
    assert found == kind
    assert documents == read_as


def test_a_type_is_widened_by_the_last_row(column):
    assert column([str(n) for n in range(20_000)] + ["0.5"])[0] == "double"
    assert column([str(n) for n in range(5_000)] + ["1,5"])[:1] == ("double",)
    assert column(["word"] * 5_000 + ["a much longer text than words have"])[0] == "text"


def test_words_for_no_value_are_counted(column):
    kind, documents, said, _ = column([str(n) for n in range(50)] + ["NA", "-", "NaN", "NA"])
    assert kind == "long"
    assert documents[50:] == [None] * 4
    assert said == "no value: 'NA' (2), '-' (1), 'NaN' (1)"
    kind, documents, _, _ = column(["1", "-200", "3"], nulls=frozenset({"-200"}))
    assert documents == [1, None, 3]
    assert column(["-", "a", "NA"])[1] == ["-", "a", "NA"]


def test_values_that_are_no_numbers_stay_in_the_document(column):
    kind, documents, said, found = column([str(n) for n in range(50)] + ["error"])
    assert (kind, documents[50]) == ("long", "error")
    assert said == "1 values are no numbers, such as 'error': they stay in the documents, a job cannot use them"
    mapping = index_mapping(found.source.found.columns)
    assert mapping["properties"]["v"] == {"type": "long", "ignore_malformed": True}
    assert "60% are numbers" in column(["1", "2", "3", "x", "y"])[2]


def test_a_type_that_is_given_rejects_what_does_not_fit(column):
    _, documents, _, found = column(["1", "2.5", "x"], types={"v": FieldType.LONG})
    assert documents == [1]
    assert found.reasons == [
        (3, "v: '2.5' is not a whole number of 64 bits (--type v=keyword keeps it)"),
        (4, "v: 'x' is not a number (--type v=keyword keeps it)"),
    ]


def test_what_can_be_read_in_two_ways_is_asked(column):
    with pytest.raises(LoadError, match=r"'1,234' can be read as 1\.234 or 1234: say which with --decimal"):
        column(["1,234", "5,678"])
    assert column(["1,234", "5,678"], decimal=",")[1] == [1.234, 5.678]
    assert column(["1,234", "5,678"], decimal=".")[1] == [1234, 5678]
    assert column(["1,234", "5,67"])[1] == [1.234, 5.67]
    assert column(["1,234", "1,234,567"])[1] == [1234, 1234567]


def test_a_type_for_no_field_and_a_time_field_that_is_missing(column, tmp_path):
    with pytest.raises(LoadError, match="--type is given for w, but the file's fields are: t, v"):
        column(["1"], types={"w": FieldType.LONG})
    with pytest.raises(LoadError, match="time field 'when' is not in the file; its fields: t, v"):
        column(["1"], time_field="when")


def test_an_index_of_another_mapping_is_compared(column):
    _, _, _, found = column(["1.5"])
    columns = found.source.found.columns
    assert clashes(columns, {"properties": {"v": {"type": "long"}, "t": {"type": "date"}}}) == [
        "v is long in the index, double in the file"
    ]
    assert clashes(columns, {"properties": {"v": {"type": "float"}, "t": {"type": "date"}}}) == []


_NUMBERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(lambda value: round(value, 4)),
)


@given(st.lists(_NUMBERS, min_size=1, max_size=30), st.sampled_from([".", ","]), st.sampled_from(["", " ", "'"]))
def test_numbers_come_back_however_they_are_written(values, decimal, thousands):
    def write(value):
        sign, text = ("-", f"{-value}") if value < 0 else ("", f"{value}")
        if "e" in text:
            text = f"{abs(value):.6f}"
        whole, _, fraction = text.partition(".")
        grouped = f"{int(whole):,}".replace(",", thousands)
        return f"{sign}{grouped}{decimal + fraction if fraction else ''}"

    texts = [write(value) for value in values]
    notation = find_notation("v", texts, decimal)
    assert notation is not None
    for text, value in zip(texts, values, strict=True):
        assert float(notation.read(text)) == pytest.approx(float(value), rel=1e-9, abs=1e-5)


@given(st.lists(st.text(max_size=20), max_size=50), st.integers(1, 50))
def test_a_type_does_not_depend_on_how_rows_are_cut(texts, at):
    whole, parts = Evidence(), Evidence()
    whole.add(texts, frozenset())
    parts.add(texts[:at], frozenset())
    parts.add(texts[at:], frozenset())
    assert guess_type(whole) == guess_type(parts)


def test_options_of_the_form(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("t v\n2024-01-01 5\n")
    found = read(path, options=FileOptions(format=FileFormat.CSV, delimiter=" "))
    assert found.documents == [{"t": "2024-01-01T00:00:00Z", "v": 5}]


_OCTETS = st.sampled_from(["0", "1", "9", "10", "99", "100", "199", "249", "255", "256", "300", "01", "", "a", "٣"])
_ADDRESSES = st.lists(_OCTETS, min_size=4, max_size=4).map(".".join) | st.sampled_from(["::1", "10.0.0.1%eth0", "x"])


@given(st.lists(_ADDRESSES, min_size=1, max_size=4))
def test_many_addresses_are_counted_as_each_of_them(texts):
    usual = [f"10.0.{number // 256}.{number % 256}" for number in range(2_500)]
    together, apart = Evidence(), Evidence()
    for evidence in (together, apart):
        evidence.add(usual, frozenset())
    together.add(texts, frozenset())
    apart._add_each([text for text in texts if text], frozenset())
    assert (together.values, together.kinds, together.examples) == (apart.values, apart.kinds, apart.examples)
