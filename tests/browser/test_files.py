"""A file becomes an index: what it holds is shown before, what was rejected after, and nothing is lost."""

from __future__ import annotations

import json
import re

import pytest
from axe import broken_rules

HOSTILE = '<img src=x onerror="window.hurt=1">'
ROWS = 2000


def give(page, name, text):
    """Choose a file, as somebody does."""
    content = text if isinstance(text, bytes) else text.encode()
    page.get_by_label("dropped here or chosen").set_input_files(
        [{"name": name, "mimeType": "text/plain", "buffer": content}]
    )


def load(page, index):
    page.get_by_label("Name of the index").fill(index)
    page.get_by_role("button", name=re.compile("Create it and load")).click()
    page.get_by_role("link", name=f"Look at {index}").wait_for()
    return page.get_by_role("region", name="A file as an index").inner_text()


def documents(engine, index, **query):
    with engine.client() as client:
        found = client.search(index=index, size=10, track_total_hits=True, **query)["hits"]
    return found["total"]["value"], [hit["_source"] for hit in found["hits"]]


@pytest.mark.parametrize("options", [{"color_scheme": "light"}, {"color_scheme": "dark"}], ids=["light", "dark"])
def test_a_table_is_shown_loaded_and_its_rejected_rows_told(reader, engine, options):
    page = reader.go("#/data")
    index = f"table-{options['color_scheme']}"
    lines = [f"2026-01-01T{k // 60 % 24:02}:{k % 60:02}:00Z,h{k % 3},{k},9007199254740993" for k in range(ROWS)]
    text = "\n".join(["time,host,took,id", *lines[:10], '"open,1,2', f"2026-01-02T00:00:00Z,{HOSTILE},3", *lines[10:]])
    give(page, f"{index}.csv", text)
    fields = page.get_by_role("table", name="Fields of the index, before it is made")
    fields.wait_for()
    assert re.search(r"time\s+date\s+iso8601", fields.inner_text())
    assert re.search(r"took\s+long", fields.inner_text())
    page.get_by_text("The time is in time.").wait_for()
    assert page.get_by_label("Name of the index").input_value() == index
    assert broken_rules(page) == []
    told = load(page, index)
    assert f"2,000 of 2,002 rows are in {index}." in told
    assert "2 were rejected." in told
    rejected = page.get_by_role("group", name="Rejected rows").inner_text()
    assert re.search(r"12\s+a quote opens and is not closed in this row", rejected)
    assert re.search(r"13\s+3 cells, the columns are 4", rejected)
    assert HOSTILE in rejected
    assert page.evaluate("window.hurt") is None
    assert broken_rules(page) == []
    total, found = documents(engine, index, sort=["took"])
    assert total == ROWS
    assert (found[0]["took"], found[0]["host"], str(found[0]["id"])) == (0, "h0", "9007199254740993")
    page.get_by_role("link", name=f"Look at {index}").click()
    page.locator(".histogram canvas").wait_for()


def test_a_row_that_the_index_would_not_take_whole_is_told(reader, engine):
    page = reader.go("#/data")
    rows = [json.dumps({"at": 1_767_225_600_000 + k, "n": k}) for k in range(6000)]
    give(
        page, "late.ndjson", "\n".join([*rows, '{"at": 1767225700000, "n": 1.5}', '{"at": "soon", "n": 1}', "no json"])
    )
    page.get_by_text("Types are those of the first").wait_for()
    told = load(page, "late")
    assert "6,000 of 6,003 rows are in late." in told
    rejected = page.get_by_role("group", name="Rejected rows").inner_text()
    assert "n is long in the index: 1.5" in rejected
    assert re.search(r"6,002\s+.*failed to parse", rejected)
    assert re.search(r"6,003\s+no JSON", rejected)
    assert documents(engine, "late")[0] == 6000


def test_an_array_and_log_lines_are_read_too(reader, engine):
    page = reader.go("#/data")
    give(page, "list.json", json.dumps([{"t": "2026-01-01T00:00:00Z", "v": {"a": k}} for k in range(3)], indent=2))
    page.get_by_text("3 rows of ndjson").wait_for()
    assert "3 of 3 rows are in list." in load(page, "list")
    assert documents(engine, "list", query={"term": {"v.a": 2}})[0] == 1
    line = '10.0.0.{} - - [06/May/2024:07:08:0{} +0000] "GET /a HTTP/1.1" 200 {} "-" "curl/8"'
    give(page, "access.log", "\n".join([line.format(k, k, k * 100) for k in range(9)] + [line.format(9, 9, "-")]))
    page.get_by_text("The time is in timestamp.").wait_for()
    assert "10 of 10 rows are in access." in load(page, "access")
    total, found = documents(engine, "access", query={"range": {"bytes": {"gte": 700}}}, sort=["bytes"])
    assert (total, found[0]["client"], found[0]["timestamp"]) == (2, "10.0.0.7", "06/May/2024:07:08:07 +0000")


def test_what_cannot_be_read_or_made_is_told(reader, engine):
    page = reader.go("#/data")
    for name, content, words in [
        ("words.txt", "words alone\nand more of them\n", "Input did not match any known formats"),
        ("latin.csv", "a,b\né,1\n".encode("latin-1"), "is no text in UTF-8"),
    ]:
        give(page, name, content)
        page.get_by_role("alert").get_by_text(words).wait_for()
    give(page, "kibana_sample_data_logs.csv", "a,b\n1,2\n3,4\n")
    page.get_by_role("button", name=re.compile("Create it and load")).click()
    page.get_by_role("alert").get_by_text("already exists").wait_for()
    assert documents(engine, "kibana_sample_data_logs")[0] > 14_000
    assert all("400" in text for text in reader.problems)
    reader.problems.clear()  # the browser tells of it, too


def test_where_nothing_may_be_written_no_file_is_taken(reader):
    def read_only(route):
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace('writes" content="yes"', 'writes" content="no"'))

    reader.page.route("**/_console/", read_only)
    page = reader.go("#/data")
    page.get_by_text("This console only reads; start it with --allow-writes").wait_for()
    assert page.locator("input[type=file]").count() == 0
