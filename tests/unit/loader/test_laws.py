"""Generated tables with generated faults: what goes in is what was written, and the rest is named."""

import csv
import io
import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from reading import read

from anomalyops.loader import LoadError
from anomalyops.loader.loading import FileOptions

_WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\x85\u2028\u2029"), max_size=12)
_MULTILINE = st.lists(_WORDS, min_size=2, max_size=3).map("\n".join)
_LOCALES = {"plain": (",", "."), "german": (";", ","), "tabs": ("\t", "."), "pipes": ("|", ".")}
_ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"]
_START = datetime(2024, 1, 1, tzinfo=UTC)


@st.composite
def tables(draw):
    """A table as text, with the documents that it stands for, by line, and the lines that are no rows."""
    delimiter, decimal = _LOCALES[draw(st.sampled_from(sorted(_LOCALES)))]
    end = draw(st.sampled_from(["\n", "\r\n"]))
    count = draw(st.integers(3, 25))
    number = st.one_of(st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6).map(lambda v: round(v, 3)))
    lines, documents, faults = ["t" + delimiter + "name" + delimiter + "v"], {}, set()
    line = 2
    for place in range(count):
        moment = _START + timedelta(minutes=place)
        value = draw(number)
        name = draw(st.one_of(_WORDS, _WORDS, _WORDS, _MULTILINE))
        fault = draw(st.sampled_from(["", "", "", "", "", "", "short", "long", "quote"]))
        written = f"{value:.3f}" if isinstance(value, float) else str(value)
        cells = [moment.strftime("%Y-%m-%d %H:%M:%S"), name, written.replace(".", decimal)]
        if fault:
            text = {
                "short": cells[0],
                "long": delimiter.join([cells[0], "a", cells[2], "more"]),
                "quote": f'{cells[0]}{delimiter}"open{delimiter}{cells[2]}',
            }[fault]
            faults.add(line)
        else:
            out = io.StringIO()
            csv.writer(out, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_MINIMAL).writerow(cells)
            text = out.getvalue().removesuffix("\n")
            documents[line] = {"t": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "v": float(written)}
            if name:
                documents[line]["name"] = name
        lines.append(text.replace("\n", end) if not fault else text)
        line += text.count("\n") + 1
    documents = {
        at: {key: value.replace("\n", end) if isinstance(value, str) else value for key, value in document.items()}
        for at, document in documents.items()
    }
    return end.join(lines) + draw(st.sampled_from(["", end])), documents, faults, {",": ",", ".": "."}[decimal]


@settings(deadline=None)
@given(tables(), st.sampled_from(_ENCODINGS))
def test_a_table_comes_back_and_its_faults_are_named(table, encoding):
    text, documents, faults, decimal = table
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(text.encode(encoding))
        options = FileOptions(encoding=encoding)
        try:
            found = read(path, options=options, decimal=decimal, types={"name": "keyword", "v": "double"})
        except LoadError as error:
            assert not documents or "looks like data" in str(error) or "no value to detect" in str(error)  # noqa: PT017
            return
        assert {line for line, _ in found.reasons} == faults
        assert dict(zip(found.lines, found.documents, strict=True)) == documents
        assert found.source.found.rows == len(documents) + len(faults)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.dictionaries(st.sampled_from(["x", "y", "z"]), _JSON, max_size=3), _JSON), max_size=20),
    st.sampled_from(["lines", "array", "pretty", "stream"]),
)
def test_any_json_row_is_a_document_or_is_named(rows, form):
    timed = [{"t": 1_700_000_000 + place, **row} if isinstance(row, dict) else row for place, row in enumerate(rows)]
    timed.insert(0, {"t": 1_600_000_000})
    timed.append({"t": 1_600_000_001})
    texts = {
        "lines": "\n".join(map(json.dumps, timed)),
        "array": json.dumps(timed),
        "pretty": json.dumps(timed, indent=2),
        "stream": " ".join(json.dumps(row, indent=1) for row in timed),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.json"
        path.write_text(texts[form])
        found = read(path)
    objects = [{**row, "t": row["t"] * 1000} for row in timed if isinstance(row, dict)]
    assert found.documents == objects
    assert len(found.unreadable) == len(timed) - len(objects)


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["a.csv", "a.json", "a.ndjson", "a.parquet", "a.csv.gz"]))
def test_any_bytes_are_read_or_refused_in_words(data, name):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        try:
            read(path)
        except LoadError as error:
            assert str(path) in str(error)  # noqa: PT017
