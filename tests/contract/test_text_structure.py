"""`_text_structure/find_structure`: what a text holds, and an index of its answer that takes every row."""

from __future__ import annotations

import json
import re

import pytest
from elasticsearch import ApiError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def find(client, text, **parameters):
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    headers = {"accept": "application/json", "content-type": "application/x-ndjson"}
    return client.perform_request("POST", f"/_text_structure/find_structure?{query}", headers=headers, body=[text]).body


CSV = """time,host,took,share,ok,note
2026-01-01T00:00:00Z,web-1,12,0.5,true,fine
2026-01-01T00:01:00Z,"web, 2",13,,false,
2026-01-01T00:02:00Z,web-1,7,1.25,true,a longer note of more than four words
"""


def test_delimited_text_is_told_with_types_times_and_statistics(client):
    found = find(client, CSV)
    assert (found["format"], found["delimiter"], found["has_header_row"]) == ("delimited", ",", True)
    assert found["column_names"] == ["time", "host", "took", "share", "ok", "note"]
    assert (found["num_lines_analyzed"], found["num_messages_analyzed"]) == (4, 3)
    assert found["sample_start"] == "".join(CSV.splitlines(keepends=True)[:2])
    assert (found["timestamp_field"], found["java_timestamp_formats"]) == ("time", ["ISO8601"])
    assert found["need_client_timezone"] is False
    assert found["mappings"]["properties"] == {
        "time": {"type": "date", "format": "iso8601"},
        "host": {"type": "keyword"},
        "took": {"type": "long"},
        "share": {"type": "double"},
        "ok": {"type": "boolean"},
        "note": {"type": "text"},
    }
    took = found["field_stats"]["took"]
    assert {key: took[key] for key in ("count", "cardinality", "min_value", "max_value", "median_value")} == {
        "count": 3,
        "cardinality": 3,
        "min_value": 7,
        "max_value": 13,
        "median_value": 12,
    }
    assert found["field_stats"]["host"]["top_hits"][0] == {"value": "web-1", "count": 2}
    assert found["field_stats"]["time"]["earliest"] == "2026-01-01T00:00:00Z"


def test_objects_a_line_are_ndjson(client):
    rows = [{"at": 1767225600000 + n, "who": {"name": f"n{n}"}, "tags": ["a", "b"], "n": n / 2} for n in range(5)]
    found = find(client, "\n".join(map(json.dumps, rows)))
    assert found["format"] == "ndjson"
    assert (found["timestamp_field"], found["java_timestamp_formats"]) == ("at", ["UNIX_MS"])
    assert found["mappings"]["properties"] == {
        "at": {"type": "date", "format": "epoch_millis"},
        "who": {"properties": {"name": {"type": "keyword"}}},
        "tags": {"type": "keyword"},
        "n": {"type": "double"},
    }


def test_log_lines_come_with_the_pattern_that_takes_them_apart(client):
    line = '10.0.0.{} - - [06/May/2024:07:08:0{} +0000] "GET /a HTTP/1.1" 200 51{} "-" "curl/8"'
    lines = [line.format(n, n, n) for n in range(5)]
    found = find(client, "\n".join(lines))
    assert found["format"] == "semi_structured_text"
    pattern = re.compile(found["grok_pattern"].replace("(?<", "(?P<"))
    assert [pattern.fullmatch(one)["bytes"] for one in lines] == [f"51{n}" for n in range(5)]
    assert (found["timestamp_field"], found["java_timestamp_formats"]) == ("timestamp", ["dd/MMM/yyyy:HH:mm:ss Z"])
    assert found["mappings"]["properties"]["client"] == {"type": "ip"}


@pytest.mark.parametrize(
    ("text", "name", "formats", "local"),
    [
        ("when,v\n2026-01-01 00:00:00,1\n2026-01-02 00:00:00,2\n", "when", ["yyyy-MM-dd HH:mm:ss"], True),
        ("when;v\n31.01.2026 07:30;1\n01.02.2026 07:30;2\n", "when", ["d.M.yyyy H:mm"], True),
        ("ts,v\n1767225600,1\n1767225660,2\n", "ts", ["UNIX"], False),
        ("reading,v\n1767225600,1\n1767225660,2\n", None, None, False),
        ("when,v\n01/02/2026,1\n03/04/2026,2\n", None, None, False),  # which of day and month comes first?
    ],
)
def test_times_are_told_as_far_as_they_are_known(client, text, name, formats, local):
    found = find(client, text)
    assert (found.get("timestamp_field"), found.get("java_timestamp_formats")) == (name, formats)
    assert found["need_client_timezone"] is local


def test_a_field_is_a_number_only_when_every_value_is(client):
    rows = "".join(f"{n},{n}\n" for n in range(30))
    found = find(client, f"a,b\n{rows}x,NA\n", explain="true")
    assert found["mappings"]["properties"] == {"a": {"type": "keyword"}, "b": {"type": "keyword"}}
    assert "Field [a]: 1 of 31 values are no numbers" in found["explanation"]


def test_the_asker_may_know_more(client):
    text = "1|2\n3|4\n5|6\n"
    found = find(client, text)
    assert (found["has_header_row"], found["column_names"]) == (False, ["column1", "column2"])
    assert find(client, "a|b\nc|d\n", has_header_row="false")["num_messages_analyzed"] == 2
    assert find(client, "a:b\nc:d\ne:f\n", delimiter="%3A", format="delimited")["delimiter"] == ":"
    assert find(client, CSV, lines_to_sample=3)["num_messages_analyzed"] == 2
    assert find(client, "\ufeff" + CSV)["has_byte_order_marker"] is True


@pytest.mark.parametrize(
    ("text", "parameters", "status", "words"),
    [
        ("words alone\nand more of them\n", {}, 400, "Input did not match any known formats"),
        ("a,b\n1,2\n", {"format": "ndjson"}, 400, "not ndjson"),
        ("a,b\n1,2\n", {"format": "xml"}, 501, "xml"),
        ("a,b\n1,2\n", {"timestamp_field": "a"}, 400, "[timestamp_field] [a]"),
        ("a,b\n1,2\n", {"lines_to_sample": 1}, 400, "[lines_to_sample] must be at least [2]"),
        ("a,b\n1,2\n", {"quote": "x"}, 501, "quote"),
        ("a,b\n1,2\n", {"charset": "UTF-16"}, 501, "charset"),
    ],
)
def test_what_is_not_known_or_not_served_is_named(client, text, parameters, status, words):
    with pytest.raises(ApiError) as caught:
        find(client, text, **parameters)
    assert caught.value.status_code == status
    assert words in str(caught.value)


_CELLS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.datetimes().map(lambda moment: f"{moment:%Y-%m-%d %H:%M:%S}"),
    st.sampled_from(["true", "False", "NA", "-", "", "1,5", "10.0.0.1", "::1", "007", "1e5", "2026-02-30", "0.1 s"]),
    st.text(
        st.characters(codec="utf-8", exclude_characters='\r\n",', exclude_categories=["Cc", "Zl", "Zp"]), max_size=12
    ),
)


@given(column=st.lists(_CELLS, min_size=1, max_size=6), repeated=st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_index_of_the_answer_takes_every_row(client, column, repeated):
    rows = [column[0]] * len(column) if repeated else column
    text = "value;row\n" + "".join(f"{cell};r{n}\n" for n, cell in enumerate(rows))
    properties = find(client, text, delimiter="%3B")["mappings"]["properties"]
    client.indices.delete(index="structure", ignore_unavailable=True)
    client.indices.create(index="structure", mappings={"properties": properties})
    documents = [{"row": f"r{n}"} | ({"value": cell} if cell else {}) for n, cell in enumerate(rows)]
    answer = client.bulk(
        index="structure", operations=[line for document in documents for line in ({"index": {}}, document)]
    )
    assert not answer["errors"], (properties, answer)
