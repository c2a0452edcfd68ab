"""From an anomaly to what is behind it: documents, links, series."""

from __future__ import annotations

import re

import pytest
from axe import broken_rules
from shop import LOUD, START_S, learn, visits

JOB = "shop_links"
LANE_PX = 26
LINKS = [
    {"url_name": "Runbook", "url_value": "https://docs.example/$host$?at=$earliest$", "time_range": "1h"},
    {"url_name": "Discover", "url_value": "discover#/?_a=(query:'host:\"$host$\"')"},
    {"url_name": "Hurt", "url_value": "javascript:window.hurt=1"},
    {"url_name": "Nobody", "url_value": "https://docs.example/$nobody$"},
]


@pytest.fixture(scope="module")
def job(engine, shop):
    """A job with links, which finds the loud hour of host a."""
    detectors = [{"function": "max", "field_name": "bytes", "partition_field_name": "host"}]
    with engine.client() as client:
        learn(client, JOB, detectors, custom_settings={"custom_urls": LINKS})
    return JOB


@pytest.fixture
def opened(reader, job):
    """The worst anomaly with its details."""
    page = reader.go(f"#/explorer?jobs={job}")
    row = page.get_by_role("region", name="Anomalies").locator("tbody tr").first
    row.get_by_role("button", name=re.compile("Details")).click()
    page.locator(".details").wait_for()
    return page


def test_the_documents_of_an_anomaly_are_those_of_its_series_in_its_bucket(opened):
    opened.get_by_role("button", name="Raw documents").click()
    table = opened.locator(".documents table")
    table.wait_for()
    shown = [row.split("\t")[:3] for row in table.locator("tbody tr").all_inner_texts()]
    assert [(size, host) for _, size, host in shown] == [
        (str(5100 + 10 * (LOUD % 24) + 7 * number), "a") for number in range(3 + LOUD % 3)
    ]
    opened.get_by_text("How they are asked for").click()
    query = opened.get_by_role("group", name="The query").inner_text()
    assert query.startswith("POST shop/_search")
    assert str((START_S + 3600 * LOUD) * 1000) in query
    assert broken_rules(opened) == []


def test_links_are_filled_in_and_only_those_of_the_web_are_followed(opened):
    link = opened.get_by_role("link", name="Runbook")
    assert link.get_attribute("href") == "https://docs.example/a?at=2026-03-11T07:00:00.000Z"
    assert link.get_attribute("rel") == "noopener noreferrer"
    assert opened.locator(".next code").inner_text() == "discover#/?_a=(query:'host:\"a\"')"
    opened.get_by_text("Hurt: addresses that begin with javascript: are not followed").wait_for()
    opened.get_by_text("Nobody: this anomaly has no nobody").wait_for()
    assert opened.locator("a[href^=javascript]").count() == 0


def test_what_a_score_is_made_of_is_told_in_the_words_of_the_command(opened):
    details = opened.locator(".details").inner_text()
    assert re.search(r"\d+% improbability in this bucket \(single_bucket_impact\)", details)
    assert opened.locator(".details meter").count() >= 1
    assert re.search(r"the value [\d,.]+ is above the bounds", details)
    opened.get_by_role("link", name="View series", exact=True).click()
    opened.wait_for_function("() => location.hash.startsWith('#/series') && location.hash.includes('partition=a')")


def test_a_rule_is_made_of_an_anomaly(reader, engine, job):
    with engine.client() as client:
        client.ml.put_filter(filter_id="trusted", items=["a"])
    page = reader.go(f"#/explorer?jobs={job}")
    row = page.get_by_role("region", name="Anomalies").locator("tbody tr").first
    row.get_by_role("button", name=re.compile("Details")).click()
    page.get_by_role("button", name="Rule from this anomaly").click()
    form = page.get_by_role("form", name="Rule from this anomaly")
    form.get_by_text("Where actual \N{LESS-THAN OR EQUAL TO} 5,").wait_for()
    form.get_by_label("With which number").fill("much")
    form.get_by_text("The condition needs a number").wait_for()
    assert form.get_by_role("button", name="Add the rule").count() == 0
    form.get_by_label("With which number").fill("6000")
    form.get_by_label("host").select_option("in trusted")
    form.get_by_text(
        "Where actual \N{LESS-THAN OR EQUAL TO} 6,000 and host is in the list trusted: give no result."
    ).wait_for()
    assert broken_rules(page) == []
    form.get_by_role("button", name="Add the rule").click()
    form.get_by_text("Done: the detector has 1 rules now.").wait_for()
    with engine.client() as client:
        (detector,) = client.ml.get_jobs(job_id=job)["jobs"][0]["analysis_config"]["detectors"]
    assert detector["custom_rules"] == [
        {
            "actions": ["skip_result"],
            "scope": {"host": {"filter_id": "trusted", "filter_type": "include"}},
            "conditions": [{"applies_to": "actual", "operator": "lte", "value": 6000.0}],
        }
    ]
    form.get_by_role("button", name="Add the rule").click()
    form.get_by_text("the detector has this rule already").wait_for()


def test_a_rule_of_a_managed_job_is_what_to_commit(reader):
    page = reader.go("#/series?job=low_request_rate")
    page.get_by_role("button", name=re.compile("Details")).first.click()
    page.get_by_role("button", name="Rule from this anomaly").click()
    form = page.get_by_role("form", name="Rule from this anomaly")
    form.get_by_text("The job is managed by AnomalyJob default/low-request-rate").wait_for()
    change = form.get_by_role("group", name="What to commit").inner_text()
    assert "spec.analysisConfig.detectors[0]" in change
    assert '"appliesTo":"actual","operator":"gte","value":0' in change
    assert form.get_by_role("button", name="Add the rule").count() == 0


def test_the_series_of_a_selection_are_drawn_with_what_lies_about_it(reader, job):
    page = reader.go(f"#/explorer?jobs={job}&from=2026-03-11T06:00Z&to=2026-03-11T12:00Z")
    charts = page.get_by_role("region", name="Charts of the anomalies")
    charts.get_by_role("heading", name=re.compile("max.*host a")).wait_for()
    charts.locator(".chart canvas").first.wait_for()
    charts.get_by_text("The figures of the chart").first.click()
    figures = charts.get_by_role("table", name="points").inner_text()
    # A hundred buckets about the six, up to the end of the data.
    assert "89 points" in figures
    assert f"{5100 + 10 * (LOUD % 24) + 7 * (2 + LOUD % 3):,}" in figures


def test_a_population_is_drawn_with_its_members(reader):
    page = reader.go("#/explorer?jobs=url_scanning")
    chart = page.get_by_role("region", name="Charts of the anomalies").get_by_role("img", name=re.compile("clientip"))
    chart.wait_for()
    assert re.search(r"30\.156\.16\.164 among \d+ values of clientip", chart.get_attribute("aria-label"))
    # The client that asked for 88 addresses is marked with the colour of its severity.
    page.wait_for_function(
        """() => {
            const canvas = document.querySelector('.spread canvas');
            const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            for (let k = 0; k < data.length; k += 4) {
                if (data[k] === 0xfe && data[k + 1] === 0x50 && data[k + 2] === 0x50) return true;
            }
            return false;
        }"""
    )
    reader.keep("population")


def test_what_is_rare_is_drawn_among_what_is_not(reader, engine, shop):
    with engine.client() as client:
        visits(client)
        learn(client, "shop_rare", [{"function": "rare", "by_field_name": "page"}], index="visits")
    page = reader.go("#/explorer?jobs=shop_rare&severity=0")
    chart = page.get_by_role("region", name="Charts of the anomalies").get_by_role("img", name=re.compile("page"))
    chart.wait_for()
    assert re.search("/admin among 3 values of page", chart.get_attribute("aria-label"))


def test_lanes_come_in_pages_and_in_the_order_that_is_chosen(reader, crowded):
    assert len(crowded) == 7
    page = reader.go("#/explorer?jobs=shop_crowd&by=host&lanes=5&severity=0")
    page.get_by_text("By host: 1 to 5 of 7").wait_for()
    assert reader.box(page.locator(".lanes canvas").nth(1))["height"] == 5 * LANE_PX
    page.get_by_label("Sorted by").select_option("name")
    page.get_by_role("button", name="Lanes after").click()
    page.get_by_text("By host: 6 to 7 of 7").wait_for()
    named = "name => document.querySelectorAll('.lanes canvas')[1].getAttribute('aria-label').includes(name)"
    page.wait_for_function(named, arg=crowded[5])
    assert page.get_by_role("button", name="Lanes after").is_disabled()
    page.reload()
    page.get_by_text("By host: 6 to 7 of 7").wait_for()
    page.get_by_label("Lanes a page").select_option("10")
    page.get_by_text("By host: 1 to 7 of 7").wait_for()
    assert broken_rules(page) == []


def test_a_severity_leaves_as_many_lanes_as_it_says(reader, shop):
    page = reader.go("#/explorer?jobs=kibana_sample_data&by=clientip&severity=50")
    page.get_by_text("By clientip: 1 to 1 of 1").wait_for()
    assert reader.box(page.locator(".lanes canvas").nth(1))["height"] == LANE_PX
    page.get_by_label("Severity").select_option("0")
    page.get_by_text("By clientip: 1 to 4 of 4").wait_for()
    high = "height => document.querySelectorAll('.lanes canvas')[1].clientHeight === height"
    page.wait_for_function(high, arg=4 * LANE_PX)


def test_cells_of_lanes_are_a_table_from_which_one_is_selected(reader):
    page = reader.go("#/explorer?jobs=kibana_sample_data")
    page.get_by_text("The cells as a table").first.click()
    table = page.get_by_role("region", name="Cells: All jobs together")
    rows = table.locator("tbody tr")
    rows.first.wait_for()
    assert "critical" in rows.first.inner_text()
    reader.settle()
    table.get_by_role("button", name="Select").first.click()
    page.wait_for_function("() => location.hash.includes('select=')")
