"""The single metric viewer over jobs of every kind: what is drawn is what was measured."""

from __future__ import annotations

import re
import statistics
from datetime import UTC, datetime, timedelta

import pytest
from shop import HOURS, LOUD, PARTS, PLAIN, START_S, documents, learn

pytestmark = pytest.mark.usefixtures("shop")


def place(job, detector=0, **more):
    """The address of a series, the last two days of it; times are given so that points are buckets."""
    end = datetime.fromtimestamp(START_S, UTC) + timedelta(hours=HOURS)
    params = {
        "job": job,
        "detector": detector,
        "from": (end - timedelta(days=2)).isoformat().replace("+00:00", "Z"),
        "to": end.isoformat().replace("+00:00", "Z"),
        **more,
    }
    return "#/series?" + "&".join(f"{name}={value}" for name, value in params.items())


def figures(page, *, last=False):
    """The figures of the chart that is shown, row by row; those of its last points where they fill several pages."""
    page.get_by_text("The figures of the chart").click()
    rows = page.get_by_role("table", name="points").locator("tbody tr")
    rows.first.wait_for()
    if last:
        after = page.get_by_role("button", name="After")
        turned = "before => document.querySelector('.chart details tbody tr').innerText !== before"
        while after.is_enabled():
            before = rows.first.inner_text()
            after.click()
            page.wait_for_function(turned, arg=before)
    return [row.split("\t") for row in rows.all_inner_texts()]


def measured(of, *, host=None, last=48):
    """What the documents of the last hours say; None where an hour has none."""
    found = []
    for hour in range(HOURS - last, HOURS):
        inside = [
            one
            for one in documents()
            if one["time"] // 3_600_000 == START_S // 3600 + hour and host in {None, one["host"]}
        ]
        found.append(of(inside) if inside else None)
    return found


def value(text):
    return None if text == "\N{EN DASH}" else float(text.replace(",", ""))


@pytest.mark.parametrize(
    ("detector", "more", "of", "words"),
    [
        (0, {}, len, "the number of documents"),
        (1, {"partition": "a"}, lambda found: statistics.fmean(one["bytes"] for one in found), "the mean of bytes"),
        (1, {"partition": "b"}, lambda found: statistics.fmean(one["bytes"] for one in found), "the mean of bytes"),
        (2, {"by": "a"}, lambda found: sum(one["bytes"] for one in found), "the sum of bytes"),
        (3, {}, lambda found: len({one["client"] for one in found}), "distinct values of client"),
    ],
    ids=["count", "mean", "mean with gaps", "sum", "distinct_count"],
)
def test_a_job_without_model_plot_is_drawn_from_its_documents(reader, detector, more, of, words):
    page = reader.go(place(PLAIN, detector, **more))
    page.locator(".chart canvas").wait_for()
    assert words in page.locator("figcaption").inner_text()
    shown = [value(row[1]) for row in figures(page)]
    wanted = measured(of, host=more.get("partition", more.get("by")))
    assert len(shown) == len(wanted) == 48
    for found, right in zip(shown, wanted, strict=True):
        assert (found is None) == (right is None)
        assert right is None or found == pytest.approx(right, rel=1e-3)  # four digits are shown
    # No bounds are shown where nothing expected anything.
    assert page.get_by_role("columnheader", name="Lower bound").count() == 0


def test_what_cannot_be_drawn_says_why(reader):
    reader.go(place(PLAIN, 4)).get_by_text("the information content of texts is computed by the model alone").wait_for()


@pytest.mark.parametrize(("part", "of"), [("mean", statistics.fmean), ("min", min), ("max", max)])
def test_the_parts_of_metric_are_drawn_one_at_a_time(reader, part, of):
    page = reader.go(place(PARTS, part="max" if part == "min" else "min"))
    page.locator(".chart canvas").wait_for()
    page.get_by_label("Function").select_option(part)
    page.wait_for_function(f"() => location.hash.includes('part={part}')")
    page.reload()
    page.locator(".chart canvas").wait_for()
    shown = [value(row[1]) for row in figures(page)]
    wanted = measured(lambda found: of([one["bytes"] for one in found]))
    assert shown == pytest.approx(wanted, rel=1e-3)
    if part == "max":
        assert shown[LOUD - (HOURS - 48)] == max(shown)


def test_the_whole_series_in_small_chooses_what_is_shown(reader):
    page = reader.go("#/series?job=low_request_rate")
    small = page.locator(".small .u-over")
    box = reader.drag(small, (0.5, 20), (0.75, 25))
    page.wait_for_function("() => location.hash.includes('from=')")
    # The chart is made anew when what was asked for arrives; until then there is none, or one without a brush.
    reader.settle()
    page.wait_for_function(
        """([left, width]) => {
            const brush = document.querySelector('.small .u-select')?.getBoundingClientRect();
            return brush && Math.abs(brush.left - left) < 4 && brush.width > 0 && brush.width < width / 3;
        }""",
        arg=[box["x"] + box["width"] * 0.5, box["width"]],
    )
    # The same by keyboard alone.
    week = page.get_by_role("group", name="Length of what is shown").get_by_role("button", name="1 week", exact=True)
    week.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('[aria-pressed=true]')?.textContent === '1 week'")
    first, last = (datetime.fromisoformat(page.get_by_label(name, exact=True).input_value()) for name in ("From", "To"))
    assert last - first == timedelta(days=7)


def test_scheduled_events_are_shaded_and_told(reader, engine):
    begin = START_S + 3600 * (HOURS - 20)
    with engine.client() as client:
        client.ml.put_calendar(calendar_id="sale", job_ids=["shop_calendar"])
        event = {"description": "<i>Sale</i>", "start_time": begin * 1000, "end_time": (begin + 3 * 3600) * 1000}
        client.ml.post_calendar_events(calendar_id="sale", events=[event])
        learn(client, "shop_calendar", [{"function": "count"}], model_plot_config={"enabled": True})
    page = reader.go("#/series?job=shop_calendar")
    page.get_by_text("1 scheduled events, shaded grey in the chart").click()
    page.get_by_text("12 Mar 2026, 04:00 to 12 Mar 2026, 07:00: <i>Sale</i>").wait_for()
    assert page.locator("main i").count() == 0


def test_the_series_of_a_detector_are_those_that_there_are(reader):
    """Results of the detector that nothing was unusual in name no host; its documents do."""
    page = reader.go(place(PLAIN, 1))
    page.locator(".chart canvas").wait_for()
    options = page.locator("#choices-partition option").evaluate_all("all => all.map(one => one.value)")
    assert sorted(options) == ["a", "b"]


def test_a_pointer_over_an_anomaly_tells_what_it_is(reader):
    page = reader.go("#/explorer?jobs=low_request_rate")
    page.get_by_role("link", name="View the series of low_request_rate at this time").first.click()
    page.locator(".small .u-over").wait_for()
    chart = page.locator(".chart .u-over")
    box = reader.box(chart)
    # The link shows 100 hours before the hour without requests, and 50 from it on; no requests lie at the bottom.
    page.mouse.move(box["x"] + box["width"] * 100 / 150, box["y"] + box["height"] - 1)
    page.get_by_text(re.compile("critical.*: actual 0, typical .*, unexpected zero value")).wait_for()


def refuse(reader, pattern, status):
    error = {"error": {"reason": "action is unauthorized for this index"}, "status": status}
    reader.page.route(pattern, lambda route: route.fulfill(status=status, json=error))


def told_of_it(reader, status):
    """The browser tells of a refusal, too, and of nothing else."""
    assert reader.problems
    assert all(str(status) in text for text in reader.problems)
    reader.problems.clear()


def test_a_source_that_may_not_be_read_hides_no_results(reader):
    refuse(reader, "**/shop/_search*", 403)
    page = reader.go(place(PLAIN, 1, partition="a"))
    page.get_by_text("the source cannot be read: action is unauthorized for this index").wait_for()
    page.get_by_role("heading", name="Anomalies").wait_for()
    told_of_it(reader, 403)


def test_results_that_may_not_be_read_are_a_sentence_each(reader):
    refuse(reader, "**/.ml-anomalies-*/_search*", 403)
    page = reader.go("#/explorer?jobs=low_request_rate")
    alerts = page.get_by_role("alert")
    page.wait_for_function("() => document.querySelectorAll('[role=alert]').length >= 3")
    assert all("unauthorized" in text and "credentials" in text for text in alerts.all_inner_texts())
    told_of_it(reader, 403)


def test_a_server_that_goes_is_said_and_not_waited_for(reader):
    page = reader.go("#/series?job=low_request_rate")
    page.locator(".chart canvas").wait_for()
    page.route("**/_search*", lambda route: route.abort("connectionrefused"))
    page.get_by_role("button", name="Closer").click()
    page.get_by_role("alert").get_by_text("The server does not answer").first.wait_for()
    assert reader.problems
    reader.problems.clear()


def test_of_a_hundred_thousand_anomalies_the_worst_are_shown(reader, engine):
    def many(route):
        answer = route.fetch()
        found = answer.json()
        if found["hits"]["hits"] and "record_score" in found["hits"]["hits"][0]["_source"]:
            one = found["hits"]["hits"][0]
            times = [one["_source"]["timestamp"] - 3_600_000 * number for number in range(500)]
            found["hits"]["hits"] = [{**one, "_source": {**one["_source"], "timestamp": moment}} for moment in times]
            found["hits"]["total"] = {"value": 100_000, "relation": "eq"}
        route.fulfill(response=answer, json=found)

    reader.page.route("**/.ml-anomalies-*/_search*", many)
    page = reader.go("#/explorer?jobs=low_request_rate&interval=all")
    page.get_by_text("The worst 500 of 100,000 records are looked at.").wait_for()
    region = page.get_by_role("region", name="Anomalies", exact=True)
    region.get_by_text("1 to 100 of 500 anomalies, the worst first").wait_for()
    assert region.locator("tbody tr").count() == 100
    region.get_by_role("button", name="After").focus()
    page.keyboard.press("Enter")
    region.get_by_text("101 to 200 of 500 anomalies, the worst first").wait_for()
    reader.settle()
