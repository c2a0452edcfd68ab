"""The console's views over the demo's data, in a real browser."""

from __future__ import annotations

import re

import pytest

JOBS = ("low_request_rate", "response_code_rates", "url_scanning")
VIEWS = ("#/jobs", "#/explorer", "#/series?job=low_request_rate", "#/data?index=kibana_sample_data_logs")


def rows(page, name="Anomalies"):
    return page.get_by_role("region", name=name).locator("tbody tr")


def test_jobs_are_listed_with_their_health_and_owner(reader):
    page = reader.go("#/jobs")
    page.get_by_role("row").nth(3).wait_for()
    for job in JOBS:
        row = page.get_by_role("row", name=re.compile(job))
        assert "closed" in row.inner_text()
        assert f"local/default/{job.replace('_', '-')}" in row.inner_text()
    reader.keep("jobs")
    page.get_by_role("searchbox").fill("scan")
    page.get_by_text(re.compile(r"^1 of \d+ jobs$")).wait_for()
    assert "search=scan" in page.url  # every view is a link
    page.reload()
    page.get_by_text(re.compile(r"^1 of \d+ jobs$")).wait_for()


def test_from_the_list_to_the_series_of_a_job(reader):
    page = reader.go("#/jobs")
    page.get_by_role("link", name="View a series of low_request_rate").click()
    page.locator(".chart canvas").wait_for()
    assert page.title().startswith("Single metric viewer")
    reader.keep("series")
    first = rows(page).first.inner_text()
    assert "unexpected zero value" in first
    assert "Low request rates" in first


def test_the_worst_is_first_and_tells_what_it_is_made_of(reader):
    page = reader.go("#/explorer?jobs=kibana_sample_data&interval=all")
    rows(page).first.wait_for()
    reader.keep("explorer")
    scores = [int(text) for text in re.findall(r"^\d+", "\n".join(page.locator("td .score").all_inner_texts()), re.M)]
    assert scores == sorted(scores, reverse=True)
    assert "30.156.16.164" in rows(page).first.inner_text()
    rows(page).first.get_by_role("button", name=re.compile("Details")).click()
    for words in ("Probability", "What the score is made of"):
        page.locator(".details").get_by_text(words).first.wait_for()


def test_cells_are_selected_with_the_mouse_and_narrow_what_is_below(reader):
    page = reader.go("#/explorer?by=clientip&interval=all")
    canvas = page.locator("canvas").nth(1)
    canvas.wait_for()
    rows(page).first.wait_for()
    reader.settle()
    before = rows(page).count()
    # The lane of the worst client; its only incident lies in the second half.
    reader.drag(canvas, (0.6, 10), (0.9, 10), steps=1)
    page.get_by_text("influenced by clientip 30.156.16.164").wait_for()
    page.wait_for_function("before => document.querySelectorAll('.records tbody tr').length < before", arg=before)
    reader.settle()
    assert all("30.156.16.164" in text for text in rows(page).all_inner_texts())
    page.get_by_role("button", name="Clear the selection").click()
    page.wait_for_function("n => document.querySelectorAll('.records tbody tr').length === n", arg=before)


def test_cells_are_selected_with_the_keyboard_alone(reader):
    page = reader.go("#/explorer")
    canvas = page.locator("canvas").first
    canvas.wait_for()
    reader.settle()
    canvas.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    reader.settle()
    said = page.locator(".said").first.inner_text()
    assert said.startswith("Overall, ")
    assert said in canvas.get_attribute("aria-label")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Clear the selection").wait_for()
    page.wait_for_function("() => location.hash.includes('select=')")


def test_an_influencer_narrows_the_anomalies(reader):
    page = reader.go("#/explorer?interval=all")
    page.get_by_role("region", name="Top influencers").get_by_role("button", name="30.156.16.164", exact=True).click()
    page.get_by_text("influenced by clientip 30.156.16.164").wait_for()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.records tbody tr')].every(r => r.innerText.includes('30.156.16.164'))"
    )


def test_a_series_is_chosen_by_what_splits_its_detector(reader):
    page = reader.go("#/series?job=response_code_rates&partition=503")
    page.locator(".chart canvas").wait_for()
    reader.settle()
    assert page.get_by_label("response.keyword").input_value() == "503"
    assert all("response.keyword: 503" in text for text in rows(page).all_inner_texts())
    page.get_by_label("response.keyword").fill("404")
    page.get_by_label("response.keyword").press("Enter")
    page.wait_for_function("() => location.hash.includes('partition=404')")


def test_a_stretch_of_the_chart_is_looked_at_closer(reader):
    page = reader.go("#/series?job=low_request_rate")
    chart = page.locator(".chart .u-over")
    reader.drag(chart, (0.3, 50), (0.6, 60))
    page.wait_for_function("() => location.hash.includes('from=')")
    page.get_by_role("button", name="All data").click()
    page.wait_for_function("() => !location.hash.includes('from=')")


def test_a_time_that_is_none_is_told_what_is_wrong(reader):
    page = reader.go("#/series?job=low_request_rate")
    page.get_by_role("textbox", name="From", exact=True).fill("yesterday")
    page.get_by_role("button", name="Show").click()
    assert "“yesterday” is no time" in page.get_by_role("alert").inner_text()


@pytest.mark.parametrize(
    ("fragment", "words"),
    [
        ("#/explorer?jobs=nothing", "No job is called “nothing”"),
        ("#/explorer?from=2020-01-01&to=2020-02-01", "No anomaly with this severity in this time"),
        ("#/series?job=low_request_rate&from=2020-01-01&to=2020-02-01", "no values of this series in this time"),
    ],
)
def test_what_is_not_there_says_so(reader, fragment, words):
    reader.go(fragment).get_by_text(words).wait_for()


def test_a_server_that_refuses_is_no_blank_page(reader):
    reader.page.route(
        "**/_ml/anomaly_detectors",
        lambda route: route.fulfill(status=403, json={"error": {"reason": "action is unauthorized"}, "status": 403}),
    )
    page = reader.go("#/jobs")
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert "action is unauthorized" in alert.inner_text()
    assert "credentials" in alert.inner_text()
    assert any("403" in text for text in reader.problems)
    reader.problems.clear()  # the browser tells of it, too


@pytest.mark.parametrize("fragment", VIEWS)
@pytest.mark.parametrize("options", [{"viewport": {"width": 360, "height": 800}, "locale": "de-DE"}])
def test_on_a_phone_the_page_is_no_wider_than_the_phone(reader, fragment):
    page = reader.go(fragment)
    reader.settle()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("options", [{"locale": "de-DE", "timezone_id": "Europe/Berlin"}])
def test_figures_and_times_are_the_readers(reader):
    page = reader.go("#/jobs")
    page.get_by_role("row", name=re.compile("url_scanning")).wait_for()
    text = page.locator("table").inner_text()
    assert re.search(r"\d{2}\.\d{3}", text)
    assert page.get_by_label("Time zone").input_value() == "Europe/Berlin"
    page.get_by_label("Time zone").select_option("Asia/Tokyo")
    page.wait_for_function("() => location.hash.includes('zone=Asia%2FTokyo')")
