"""Captures of the documentation: each is compared with what its command prints, or it is said why it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures import ROOT, Capture, captures, drift

COMPARED = {
    "docs/investigate.md": "test_documented_captures.py",
    "docs/explain.md": "test_insight_explain.py",
    "docs/troubleshoot.md": "test_insight_explain.py",
    "docs/tools.md": "test_documented_captures.py",
    "docs/new.md": "test_new_jobs.py",
    "docs/backtest.md": "test_backtest.py",
    "docs/mcp.md": "test_documented_captures.py",
}
NOT_COMPARED = {
    "docs/loading.md": "files of the user's",
    "docs/catalog.md": "the page's own tests render every entry",
    "docs/gitops.md": "needs a cluster",
    "docs/console.md": "serves until it is stopped",
    "docs/backups.md": "numbers of bytes and seconds",
    "docs/ownership.md": "a story over several folders",
}


def test_every_capture_is_compared_or_it_is_said_why_not():
    pages = [str(path.relative_to(ROOT)) for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))]
    shown = {page for page in pages if captures(page)}
    assert shown == set(COMPARED) | set(NOT_COMPARED)
    for page, name in COMPARED.items():
        assert f'"{page}"' in (ROOT / "tests" / "contract" / name).read_text(), (page, name)


@pytest.mark.parametrize(
    ("documented", "printed", "same"),
    [
        ("a\nb", "a\nb\n", True),
        ("a  \nb", "a\nb  ", True),
        ("a\n...\nb", "a\nx\ny\nb", True),
        ("a\n...\nb", "a\nb", True),
        ("a\n...", "a\nx", True),
        ("...\nb", "b\nx\nb", True),
        ("a\n...\nb", "a\nb\nx", False),
        ("a\n...\nb", "x\nb", False),
        ("a\nb", "a", False),
        ("a", "a\nb", False),
        ("a\n...\nb\n...\nc", "a\nc\nb", False),
    ],
)
def test_what_drifts(documented, printed, same):
    found = drift(documented, printed)
    assert (found == "") is same
    assert same or found.startswith("--- documented\n+++ printed")


def test_figures_of_models_may_be_others_and_words_may_not():
    documented, printed = "a  -1.5 of 1,000\nb   4.4e-11", "a 93.25 of 12\nb 3e-9"
    assert drift(documented, printed)
    assert drift(documented, printed, figures=False) == ""
    assert drift(documented, printed.replace("of", "in"), figures=False)


LINES = st.lists(st.sampled_from(["a", "b", "c d"]), min_size=1, max_size=8)


@given(LINES, st.data())
def test_leaving_lines_out_is_no_drift_and_changing_one_is(lines, data):
    begin = data.draw(st.integers(0, len(lines)))
    end = data.draw(st.integers(begin, len(lines)))
    assert drift("\n".join([*lines[:begin], "...", *lines[end:]]), "\n".join(lines) + "\n") == ""
    place = data.draw(st.integers(0, len(lines) - 1))
    changed = [*lines[:place], "changed", *lines[place + 1 :]]
    assert drift("\n".join(lines), "\n".join(changed))


def test_a_command_is_run_with_the_servers_address():
    one = Capture("p", "A=b anomalyops tool x --url http://es:9200 --job-id 'a b'  # why", "")
    assert one.arguments("http://here") == ["tool", "x", "--url", "http://here", "--job-id", "a b"]
