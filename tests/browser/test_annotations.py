"""Annotations: written by dragging or by the keyboard, as Kibana writes them, and shown once the server has them."""

from __future__ import annotations

import re

import pytest
from axe import broken_rules
from shop import PLAIN

pytestmark = pytest.mark.usefixtures("shop")
SERIES = f"#/series?job={PLAIN}&detector=0&drag=annotate"


@pytest.fixture
def annotations(engine):
    """What the server has, as documents; all of it is deleted at the end."""

    def found():
        with engine.client() as client:
            client.indices.refresh(index=".ml-annotations-read")
            query = {"bool": {"filter": [{"term": {"job_id": PLAIN}}, {"term": {"event": "user"}}]}}
            return [hit["_source"] for hit in client.search(index=".ml-annotations-read", query=query)["hits"]["hits"]]

    yield found
    with engine.client() as client:
        query = {"bool": {"filter": [{"term": {"job_id": PLAIN}}, {"term": {"event": "user"}}]}}
        client.delete_by_query(index=".ml-annotations-read", query=query, refresh=True)


def drag(reader):
    reader.drag(reader.page.locator(".chart .u-over"), (0.3, 50), (0.5, 60))


def strip(page):
    return page.get_by_role("region", name="Annotations")


def test_dragging_writes_an_annotation_of_the_series(reader, annotations):
    page = reader.go(SERIES)
    drag(reader)
    form = page.get_by_role("form", name="New annotation")
    form.get_by_label("Text").fill("<b>Deploy</b> of 3.2")
    form.get_by_role("button", name="Save").click()
    strip(page).locator(".mark", has_text="<b>Deploy</b> of 3.2").wait_for()
    (document,) = annotations()
    assert document["annotation"] == "<b>Deploy</b> of 3.2"
    assert document["type"] == "annotation"
    assert document["detector_index"] == 0
    assert document["timestamp"] < document["end_timestamp"]
    assert document["create_username"] == document["modified_username"]
    assert "drag=annotate" in page.url
    assert "from=" not in page.url
    assert broken_rules(page) == []
    reader.keep("annotations")


def test_the_keyboard_writes_changes_and_deletes_one(reader, annotations):
    page = reader.go(f"#/explorer?jobs={PLAIN}&annotations=people")
    button = page.get_by_role("button", name="Annotate this time")
    button.focus()
    page.keyboard.press("Enter")
    page.locator("textarea:focus").wait_for()
    page.keyboard.type("by keyboard")
    page.keyboard.press("Tab")
    page.get_by_label("Begins").press("Enter")
    strip(page).locator(".mark", has_text="by keyboard").wait_for()
    assert [one["annotation"] for one in annotations()] == ["by keyboard"]
    assert "detector_index" not in annotations()[0]
    page.get_by_text("annotations as a table").click()
    page.get_by_role("button", name=re.compile("^Edit the annotation")).click()
    page.get_by_role("form", name="Change the annotation").get_by_label("Text").fill("changed")
    page.get_by_role("button", name="Save").click()
    strip(page).locator(".mark", has_text="changed").wait_for()
    assert [one["annotation"] for one in annotations()] == ["changed"]
    page.get_by_role("button", name=re.compile("^Delete the annotation")).click()
    page.get_by_role("button", name=re.compile("^Really delete")).click()
    strip(page).get_by_text("None in this time").wait_for()
    assert annotations() == []


def test_an_annotation_without_a_text_or_a_time_is_not_written(reader, annotations):
    page = reader.go(f"#/explorer?jobs={PLAIN}&annotations=people")
    page.get_by_role("button", name="Annotate this time").click()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("alert").get_by_text("needs a text").wait_for()
    page.get_by_label("Text").fill("x")
    page.get_by_label("Ends").fill("tomorrow")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("alert").get_by_text("“tomorrow” is no time").wait_for()
    page.keyboard.press("Escape")
    assert page.get_by_role("form", name="New annotation").count() == 0
    assert annotations() == []


def test_a_page_that_only_reads_offers_no_writing(reader):
    def reading(route):
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace('writes" content="yes"', 'writes" content="no"'))

    reader.page.route("**/_console/", reading)
    page = reader.go(SERIES)
    strip(page).get_by_text("This console only reads").wait_for()
    assert page.get_by_role("button", name="Annotate this time").count() == 0
    drag(reader)
    page.wait_for_function("() => location.hash.includes('from=')")
