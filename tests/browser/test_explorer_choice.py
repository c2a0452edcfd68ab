"""What is chosen in the anomaly explorer, by a query or in the lanes, and that everything below shows that alone."""

from __future__ import annotations

import re

import pytest
from axe import broken_rules
from shop import learn, travels

LANE_PX = 26
LABEL_PX = 150
LANES = ".lanes canvas >> nth=1"


def hosts(page) -> set[str]:
    """The hosts that the table of anomalies has."""
    rows = page.get_by_role("region", name="Anomalies", exact=True).locator("tbody tr")
    rows.first.wait_for()
    return {found for text in rows.all_inner_texts() for found in re.findall(r"crowd-\d", text)}


def outlined(page, lanes) -> list[int]:
    """The lanes whose left edge of the first cell or of a selection has the colour of an outline, top to bottom."""
    return page.evaluate(
        """canvas => {
            const ratio = canvas.width / canvas.clientWidth;
            const copy = document.createElement('canvas');
            Object.assign(copy, { width: canvas.width, height: canvas.height });
            const pen = copy.getContext('2d', { willReadFrequently: true });
            pen.drawImage(canvas, 0, 0);
            const ink = getComputedStyle(canvas).getPropertyValue('--ink').trim();
            const wanted = [1, 3, 5].map((k) => parseInt(ink.slice(k, k + 2), 16));
            const found = [];
            for (let lane = 0; lane * 26 < canvas.clientHeight; lane++) {
                const row = pen.getImageData(150 * ratio, (lane * 26 + 13) * ratio, canvas.width - 150 * ratio, 1).data;
                for (let k = 0; k < row.length; k += 4) {
                    if (wanted.every((one, part) => row[k + part] === one)) { found.push(lane); break; }
                }
            }
            return found;
        }""",
        page.locator(lanes).element_handle(),
    )


def test_a_query_leaves_what_fits_it_everywhere_and_stands_in_the_address(reader, crowded):
    page = reader.go("#/explorer?jobs=shop_crowd&by=host&severity=0")
    page.get_by_text("By host: 1 to 7 of 7").wait_for()
    bar = page.get_by_role("search")
    bar.get_by_label("Query", exact=True).fill(f'host: ("{crowded[1]}" or "{crowded[4]}")')
    bar.get_by_label("Query", exact=True).press("Enter")
    page.get_by_text(re.compile("anomalies fit the query")).wait_for()
    page.get_by_text("By host: 1 to 2 of 2").wait_for()
    assert hosts(page) == {crowded[1], crowded[4]}
    influencers = page.get_by_role("region", name="Top influencers")
    assert influencers.get_by_role("button", name=re.compile("^crowd")).count() == 2
    page.reload()
    page.get_by_text("By host: 1 to 2 of 2").wait_for()
    influencers.get_by_role("button", name=f"Without host {crowded[1]}").click()
    page.get_by_text("By host: 1 to 1 of 1").wait_for()
    assert hosts(page) == {crowded[4]}
    assert bar.get_by_label("Query", exact=True).input_value().endswith(f'and not host:"{crowded[1]}"')
    assert broken_rules(page) == []


def test_a_query_that_cannot_be_read_and_one_that_nothing_fits_are_said_once(reader, crowded):
    page = reader.go("#/explorer?jobs=shop_crowd&lang=kql&query=host%3A%20(")
    page.get_by_role("alert").get_by_text("The server does not read this query.").wait_for()
    assert page.get_by_role("alert").count() == 1
    assert page.locator(".lanes").count() == 0
    reader.problems[:] = [text for text in reader.problems if "400" not in text]
    bar = page.get_by_role("search")
    bar.get_by_label("Language of the query").select_option("lucene")
    bar.get_by_label("Query", exact=True).fill("host:nobody")
    bar.get_by_role("button", name="Search").click()
    page.get_by_text("No anomaly of this time fits the query").wait_for()
    reader.problems[:] = [text for text in reader.problems if "400" not in text]


def test_the_lanes_that_are_dragged_over_are_those_that_are_outlined_and_shown(reader, crowded):
    page = reader.go("#/explorer?jobs=shop_crowd&by=host&severity=0&order=name")
    page.get_by_text("By host: 1 to 7 of 7").wait_for()
    width = reader.box(page.locator(LANES))["width"]
    reader.drag(page.locator(LANES), ((LABEL_PX + 4) / width, 2.5 * LANE_PX), (0.99, 3.5 * LANE_PX))
    page.get_by_text(f"influenced by host {crowded[2]}, {crowded[3]}").wait_for()
    reader.settle()
    page.mouse.move(0, 0)
    page.locator("h1").click()
    reader.settle()
    assert hosts(page) == {crowded[2], crowded[3]}
    assert outlined(page, LANES) == [2, 3]
    assert outlined(page, ".lanes canvas >> nth=0") == []
    page.get_by_label("Sorted by").select_option("worst")
    reader.settle()
    assert len(outlined(page, LANES)) == 2  # wherever they lie now
    overall = page.locator(".lanes canvas").first
    reader.drag(overall, ((LABEL_PX + 4) / width, LANE_PX / 2), (0.99, LANE_PX / 2))
    reader.settle()
    assert outlined(page, LANES) == list(range(7))


def test_lanes_by_job_choose_the_job(reader, crowded):
    page = reader.go("#/explorer?jobs=shop_crowd,url_scanning&by=job&severity=0&order=name")
    page.get_by_text("By job: 1 to 2 of 2").wait_for()
    lanes = page.locator(LANES)
    reader.box(lanes)
    lanes.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    assert "1 by 3 cells chosen" in lanes.get_attribute("aria-label")
    page.keyboard.press("Enter")
    page.get_by_text("of the job url_scanning").wait_for()
    select = page.evaluate("new URLSearchParams(location.hash.split('?')[1]).get('select')").split("-")
    assert (int(select[1]) - int(select[0])) % 3 == 0


@pytest.fixture(scope="module")
def card(engine):
    """A job that finds the card in Munich."""
    with engine.client() as client:
        travels(client)
        learn(client, "shop_card", [{"function": "lat_long", "field_name": "place"}], index="travels")
    return "shop_card"


def test_unusual_places_lie_on_a_map_with_where_they_were_to_be(reader, card):
    page = reader.go(f"#/explorer?jobs={card}&severity=0")
    charts = page.get_by_role("region", name="Charts of the anomalies")
    charts.get_by_role("img", name=re.compile(r"Map of \d+ unusual place")).wait_for()
    reader.settle()
    assert charts.locator("circle.actual").count() == charts.locator("circle.typical").count() >= 1
    row = page.get_by_role("region", name="Anomalies", exact=True).locator("tbody tr").first.inner_text()
    assert re.search(r"48\.\d{4}° N, 11\.\d{4}° E", row)
    assert re.search(r"1\d,\d{3} km from the typical place", row)
    assert broken_rules(page) == []
    reader.keep("places", charts)
