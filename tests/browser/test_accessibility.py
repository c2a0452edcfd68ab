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


def test_every_control_is_reached_by_the_keyboard_and_shows_it(reader):
    page = reader.go("#/series?job=low_request_rate")
    page.get_by_role("region", name="Anomalies").locator("tbody tr").first.wait_for()
    reader.settle()
    wanted = page.locator("a[href], button, input, select, canvas[tabindex]").count()
    reached = set()
    for _ in range(wanted + 5):
        page.keyboard.press("Tab")
        found = page.evaluate(
            """() => {
                const all = [...document.querySelectorAll('a[href], button, input, select, canvas[tabindex]')];
                const style = getComputedStyle(document.activeElement);
                return [all.indexOf(document.activeElement), style.outlineStyle !== 'none' && style.outlineWidth];
            }"""
        )
        if found[0] >= 0:
            assert found[1], f"the focus on control {found[0]} cannot be seen"
            reached.add(found[0])
    assert len(reached) == wanted


def test_the_first_key_leads_past_the_navigation(reader):
    page = reader.go("#/jobs")
    page.get_by_role("row").nth(3).wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
