"""The console for those who use no mouse, or see no colours: the rules of axe, and the keyboard alone."""

from __future__ import annotations

import pytest
from axe import broken_rules

VIEWS = (
    "#/jobs",
    "#/explorer?jobs=kibana_sample_data",
    "#/series?job=low_request_rate",
    "#/explorer?jobs=nothing",
    "#/data",
    "#/data?index=kibana_sample_data_logs",
)


@pytest.mark.parametrize("options", [{"color_scheme": "light"}, {"color_scheme": "dark"}], ids=["light", "dark"])
@pytest.mark.parametrize("fragment", VIEWS)
def test_no_rule_of_accessibility_is_broken(reader, fragment):
    page = reader.go(fragment)
    reader.settle()
    if page.locator(".records, .chart, .fields").count():
        page.get_by_role("button", name="Details of").first.click()
        reader.settle()
    assert broken_rules(page) == []


@pytest.mark.parametrize("fragment", [*VIEWS, "#/new", "#/shared"])
def test_the_names_of_columns_stand_over_them(reader, fragment):
    page = reader.go(fragment)
    reader.settle()
    aside = page.evaluate(
        """() => [...document.querySelectorAll('table')].flatMap((table) => {
            const heads = table.tHead ? [...table.tHead.rows[0].cells] : [];
            const cells = [...(table.tBodies[0]?.rows[0]?.cells ?? [])];
            if (heads.length !== cells.length || !table.checkVisibility()) { return []; }
            return heads.flatMap((head, at) => {
                const over = head.getBoundingClientRect(), under = cells[at].getBoundingClientRect();
                const same = Math.abs(over.left - under.left) < 1.5 && Math.abs(over.width - under.width) < 1.5;
                return same ? [] : [`${head.textContent}: ${over.left} and not ${under.left}`];
            });
        })"""
    )
    assert aside == []


_WIZARDS = tuple(
    f"#/new?index=kibana_sample_data_logs&kind={kind}"
    for kind in ("single", "multi", "population", "categorization", "rare", "geo", "advanced", "ready")
)
_JOB = tuple(f"#/jobs?job=low_request_rate&tab={tab}" for tab in ("", "snapshots", "forecasts", "annotations", "json"))
# What is seen and can be used; of radio buttons of one name those that are chosen, which is where a browser stops.
_CONTROLS = """() => [...document.querySelectorAll(
        'a[href], button, input, select, textarea, summary, canvas[tabindex="0"], [role=region][tabindex="0"]'
    )].filter((one) => one.checkVisibility({visibilityProperty: true}) && !one.disabled && one.tabIndex >= 0
        && !(one.type === 'radio' && !one.checked))"""


@pytest.mark.parametrize("fragment", [*VIEWS, *_WIZARDS, *_JOB, "#/shared", "#/report"])
def test_every_control_is_reached_by_the_keyboard_and_shows_it(reader, fragment):
    """By Tab alone: each control, none of them out of sight, none without a sign that it has the focus."""
    page = reader.go(fragment)
    reader.settle()
    page.evaluate(f"() => {{ window.controls = ({_CONTROLS})(); document.activeElement.blur(); }}")
    wanted = page.evaluate("window.controls.map((one) => one.outerHTML.slice(0, 200))")
    assert wanted
    reached = set()
    for _ in range(len(wanted) + 5):
        page.keyboard.press("Tab")
        place, seen = page.evaluate(
            """() => {
                const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
                const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
                const shown = box.width > 0 && box.bottom > 0 && box.top < innerHeight
                    && box.right > 0 && box.left < innerWidth;
                return [window.controls.indexOf(one), outlined && shown];
            }"""
        )
        if place >= 0:
            assert seen, f"the focus cannot be seen on {wanted[place]}"
            reached.add(place)
    assert [one for place, one in enumerate(wanted) if place not in reached] == []


def test_the_first_key_leads_past_the_navigation(reader):
    page = reader.go("#/jobs")
    page.get_by_role("row").nth(3).wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
