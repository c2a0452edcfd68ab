"""The data visualizer over the demo's data and over indices that are unlike it, in a real browser."""

from __future__ import annotations

import json
import re

import pytest
from axe import broken_rules

LOGS = "#/data?index=kibana_sample_data_logs"
HOSTILE = '<img src=x onerror="window.hurt=1">'
MANY = 1000
"""Fields of an index, which may have no more unless its settings say so."""


def row(page, field):
    """The row of a field, once its statistics are there."""
    page.locator("table.fields").wait_for()
    found = page.locator("table.fields > tbody > tr", has=page.get_by_role("rowheader", name=field, exact=True))
    found.get_by_role("button", name=f"Details of {field}", disabled=False).wait_for()
    return found


def total(page):
    """How many documents the page counts."""
    text = page.locator("main").get_by_text(re.compile(r"^[\d,]+ documents?$")).inner_text()
    return int(re.sub(r"\D", "", text))


def wait_for_total(page, wanted):
    page.get_by_text(re.compile(rf"^{wanted:,} documents?$")).wait_for()


@pytest.fixture(scope="module")
def indices(engine):
    """Indices unlike the demo's: without a time, without documents, with a thousand fields, with hostile names."""
    start_ms = 1_767_225_600_000
    documents = {
        "timeless": [{"n": n, "mostly": "a"} | ({"some": n} if n % 2 else {}) for n in range(10)],
        "wide": [{"at": "2026-01-01T00:00:00Z", **{f"field{k:04}": k for k in range(MANY - 1)}}],
        "odd": [{"at": start_ms + n, HOSTILE: HOSTILE, "big": 2**60 + n} for n in range(4)],
    }
    named = {"at": {"type": "date"}, HOSTILE: {"type": "keyword"}, "big": {"type": "long"}}
    with engine.client() as client:
        client.indices.create(index="empty", mappings={"properties": {"at": {"type": "date"}, "n": {"type": "long"}}})
        client.indices.create(index="odd", mappings={"properties": named})
        for index, rows in documents.items():
            operations = [line for document in rows for line in ({"index": {}}, document)]
            assert not client.bulk(index=index, refresh=True, operations=operations)["errors"]


def test_from_the_list_of_indices_to_the_fields_of_one(reader, indices):
    page = reader.go("#/data")
    page.get_by_role("row", name=re.compile("kibana_sample_data_logs")).wait_for()
    page.get_by_role("link", name="kibana_sample_data_logs").click()
    bytes_ = row(page, "bytes")
    assert page.title().startswith("Data")
    assert page.locator(".histogram canvas").count() == 1
    assert total(page) > 14_000
    text = bytes_.inner_text()
    assert re.search(r"long\s+14,\d{3}, 100\s%", text)
    assert re.search(r"0 to 19,\d{3}, median 5,\d{3}", text)
    assert bytes_.get_by_role("img", name=re.compile("Distribution of bytes from 0 to 19,")).count() == 1
    assert re.search(r"527, 3\.\d\s%", row(page, "memory").inner_text())
    assert "“" in row(page, "agent").inner_text()  # a text shows an example
    reader.keep("data")


def test_details_tell_the_top_values_and_a_value_narrows_the_documents(reader):
    page = reader.go(f"{LOGS}&field=response.keyword")
    row(page, "response.keyword").get_by_role("button").click()
    details = page.locator(".details")
    found = dict(re.findall(r"(\d{3})\s+([\d.]+)\s%", details.inner_text()))
    assert list(found) == ["200", "404", "503"]
    assert float(found["200"]) > 90
    everything = total(page)
    page.get_by_role("button", name="Only documents with response.keyword 404").click()
    page.wait_for_function("() => location.hash.includes('query=')")
    page.wait_for_function(
        "n => { const m = document.querySelector('main').innerText.match(/([\\d,]+) documents/);"
        " return m && Number(m[1].replace(/,/g, '')) < n / 10; }",
        arg=everything,
    )
    assert page.get_by_role("searchbox", name="Query").input_value() == 'response.keyword:"404"'
    narrowed = total(page)
    page.reload()  # every view is a link
    wait_for_total(page, narrowed)


@pytest.mark.parametrize(
    ("language", "query"),
    [("kql", "response.keyword: (404 or 503) and bytes > 0"), ("lucene", "response.keyword:(404 OR 503) AND bytes:>0")],
)
def test_both_languages_ask_the_same(reader, engine, language, query):
    with engine.client() as client:
        clauses = [{"terms": {"response.keyword": ["404", "503"]}}, {"range": {"bytes": {"gt": 0}}}]
        wanted = client.count(index="kibana_sample_data_logs", query={"bool": {"filter": clauses}})["count"]
    page = reader.go(LOGS)
    row(page, "bytes")
    page.get_by_label("Language of the query").select_option(language)
    page.get_by_role("searchbox", name="Query").fill(query)
    page.get_by_role("button", name="Search").click()
    wait_for_total(page, wanted)
    assert wanted


def test_a_query_that_is_none_is_told_what_is_wrong(reader):
    page = reader.go(LOGS)
    row(page, "bytes")
    page.get_by_role("searchbox", name="Query").fill('response: "404')
    page.get_by_role("button", name="Search").click()
    page.get_by_role("alert").wait_for()
    assert "Documents cannot be shown" in page.get_by_role("alert").inner_text()
    assert page.get_by_role("searchbox", name="Query").input_value() == 'response: "404'  # to be corrected
    assert any("400" in text for text in reader.problems)
    reader.problems.clear()  # the browser tells of it, too


def test_a_stretch_of_the_histogram_is_looked_at_closer(reader):
    page = reader.go(LOGS)
    row(page, "bytes")
    everything = total(page)
    reader.drag(page.locator(".histogram .u-over"), (0.4, 20), (0.5, 25))
    page.wait_for_function("() => location.hash.includes('from=')")
    page.wait_for_function(
        "n => { const m = document.querySelector('main').innerText.match(/([\\d,]+) documents/);"
        " return m && Number(m[1].replace(/,/g, '')) < n / 5; }",
        arg=everything,
    )
    page.get_by_role("button", name="All data").click()
    wait_for_total(page, everything)


def test_the_histogram_stands_in_a_table_too(reader):
    page = reader.go(LOGS)
    row(page, "bytes")
    page.get_by_text("Documents over time as a table").click()
    counts = page.locator(".histogram tbody td.figure").all_inner_texts()
    assert sum(int(re.sub(r"\D", "", text)) for text in counts) == total(page)


def test_documents_without_a_time_have_fields_but_no_histogram(reader, indices):
    page = reader.go("#/data?index=timeless")
    assert "10, 100" in row(page, "n").inner_text()
    assert "5, 50" in row(page, "some").inner_text()
    page.get_by_text("No field of these documents is a date.").wait_for()
    assert page.locator(".histogram").count() == 0
    assert page.get_by_role("form", name="Time range").count() == 0


@pytest.mark.parametrize(
    ("fragment", "words"),
    [
        ("#/data?index=empty", "No document has a time in at yet."),
        (f"{LOGS}&from=2020-01-01&to=2020-02-01", "No document is of this time and fits this query."),
        ("#/data?index=nothing*", "Nothing that is called “nothing*” has any fields"),
    ],
)
def test_what_is_not_there_says_so(reader, indices, fragment, words):
    reader.go(fragment).get_by_text(words).wait_for()


def test_an_index_that_is_not_there_is_named(reader):
    page = reader.go("#/data?index=absent")
    page.get_by_role("alert").get_by_text("no such index [absent]").wait_for()
    assert any("404" in text for text in reader.problems)
    reader.problems.clear()


def test_of_a_thousand_fields_a_page_is_looked_at(reader, indices):
    asked = []
    reader.page.on("request", lambda request: asked.append(request.post_data or ""))
    page = reader.go("#/data?index=wide")
    row(page, "field0000")
    assert page.locator("table.fields > tbody > tr").count() == 25
    page.get_by_text("1,000 of 1,000 fields, page 1 of 40").wait_for()
    page.get_by_role("button", name="Next").click()
    row(page, "field0030")
    assert "page=2" in page.url
    assert not any("field0900" in body for body in asked)
    page.get_by_role("searchbox", name="Filter").fill("field09")
    row(page, "field0900")
    page.get_by_text("99 of 1,000 fields, page 1 of 4").wait_for()


def test_names_and_values_stay_text_and_digits_that_did_not_arrive_are_not_made_up(reader, indices):
    page = reader.go("#/data?index=odd")
    row(page, HOSTILE).get_by_role("button").click()
    page.get_by_role("button", name=f"Only documents with {HOSTILE} {HOSTILE}").click()
    page.wait_for_function("() => location.hash.includes('query=')")
    wait_for_total(page, 4)
    assert page.evaluate("window.hurt") is None
    assert page.locator("main img, main script").count() == 0
    row(page, "big").get_by_role("button").click()
    page.get_by_text("about 1.153E18").first.wait_for()
    assert page.get_by_role("button", name=re.compile("Only documents with big")).count() == 0


def test_of_very_many_documents_a_sample_is_looked_at_and_said(reader):
    def many(route):
        answer = route.fetch()
        body = answer.json()
        if body["hits"].get("total"):
            body["hits"]["total"]["value"] = 5_000_000
        route.fulfill(response=answer, json=body)

    reader.page.route("**/_search", many)
    searches = []
    reader.page.on("request", lambda request: searches.append(request.post_data or ""))
    page = reader.go(LOGS)
    text = row(page, "bytes").inner_text()
    note = page.get_by_role("note").inner_text()
    looked = re.search(r"the ([\d,]+) documents of ([\d,]+) short stretches all over the time", note)
    assert looked, note
    assert 0 < int(looked[1].replace(",", "")) < 14_000
    assert re.search(r"about 100\s%\s+at least", text)
    page.get_by_role("button", name="Look at all documents").click()
    page.get_by_text("All documents are looked at.").wait_for()
    assert re.search(r"14,\d{3}, 100\s%", row(page, "bytes").inner_text())
    assert "should" not in json.loads(searches[-1])["query"]["bool"]


def test_an_old_server_is_asked_in_lucene(reader):
    def old(route):
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"version": {"number": "8.11.4"}})

    reader.page.route(re.compile(r"//[^/]+/$"), old)
    page = reader.go(LOGS)
    row(page, "bytes")
    assert page.get_by_label("Language of the query").locator("option").all_inner_texts() == ["Lucene"]
    page.get_by_text("This server reads Lucene only").wait_for()


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [("**/_resolve/index/*", 403, "Indices cannot be shown"), ("**/_field_caps*", 403, "Fields cannot be shown")],
)
def test_a_server_that_refuses_is_no_blank_page(reader, asked, status, words):
    refusal = {"error": {"reason": "action is unauthorized"}, "status": status}
    reader.page.route(asked, lambda route: route.fulfill(status=status, json=refusal))
    page = reader.go("#/data" if "resolve" in asked else LOGS)
    alert = page.get_by_role("alert")
    alert.wait_for()
    for part in (words, "action is unauthorized", "credentials"):
        assert part in alert.inner_text()
    assert any(str(status) in text for text in reader.problems)
    reader.problems.clear()


def test_a_server_that_is_gone_is_no_blank_page(reader):
    reader.page.route("**/_search", lambda route: route.abort("connectionrefused"))
    page = reader.go(LOGS)
    page.get_by_role("alert").get_by_text("The server does not answer").wait_for()
    assert reader.problems
    reader.problems.clear()


@pytest.mark.parametrize("options", [{"color_scheme": "light"}, {"color_scheme": "dark"}], ids=["light", "dark"])
def test_places_are_on_a_map_and_in_words(reader, engine, options):
    page = reader.go(f"{LOGS}&kind=point")
    row(page, "geo.coordinates").get_by_role("button").click()
    page.get_by_role("img", name=re.compile("Map of geo.coordinates")).wait_for()
    assert page.locator(".map .square").count() > 10
    places = page.locator(".map tbody tr").all_inner_texts()
    assert len(places) == 10
    assert all(re.search(r"° [NS], [\d.]+° [EW]\s+(< )?[\d.]+\s%", text) for text in places)
    assert broken_rules(page) == []
