"""The rules of axe for WCAG 2.2 AA, held against what a page shows."""

from __future__ import annotations

from pathlib import Path

import pytest

AXE = Path(__file__).parents[2] / "console" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def broken_rules(page):
    """The rules of axe that what is shown breaks, with where and why."""
    if not AXE.exists():
        pytest.skip("axe-core is needed: `make test-browser` installs it where Node is")
    page.evaluate(AXE.read_text())
    found = page.evaluate("rules => axe.run({runOnly: {type: 'tag', values: rules}})", RULES)
    assert found["passes"]
    return [(rule["id"], [node["target"] for node in rule["nodes"]], rule["help"]) for rule in found["violations"]]
