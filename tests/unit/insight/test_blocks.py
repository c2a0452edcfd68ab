"""Reports in all forms: what comes from data stays text."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from anomalyops_insight.investigating.blocks import (
    Bullets,
    Code,
    Heading,
    Lanes,
    Paragraph,
    Table,
    lanes_text,
    markdown,
    page,
    text,
)

words = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp", "Zs")), min_size=1, max_size=12)
hostile = st.one_of(words, st.sampled_from(("<script>", "a|b", "`x`", "*b*", "_i_", "[l](u)", "\\", "&amp;", "</td>")))


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)


def report(value):
    return (
        Heading(value, 1),
        Paragraph(f"x {value} y"),
        Bullets((f"x {value}", "b"), numbered=True),
        Table(("h",), ((f"x{value}y",),)),
        Code(value),
        Lanes("begin", "end", ((value, (None, 80.0)),)),
    )


@given(value=hostile)
def test_values_are_no_markup_in_html(value):
    def tags(blocks):
        found = Tags()
        found.feed(page("t", blocks))
        return found.tags

    assert tags(report(value)) == tags(report("plain"))


@given(value=hostile)
def test_values_are_no_markup_in_markdown(value):
    def kinds(given_value):
        blocks = (
            Paragraph(f"x {given_value} y"),
            Bullets((f"x {given_value} y",)),
            Table(("h",), ((f"x{given_value}y",),)),
        )
        parsed = MarkdownIt("commonmark").enable("table").parse(markdown(blocks))
        inline = {child.type for token in parsed for child in token.children or ()}
        return [token.type for token in parsed], inline

    assert kinds(value) == kinds("plain") or "&" in value or "://" in value


def test_lanes_show_bands():
    lanes = Lanes("a", "b", (("job", (None, 10.0, 30.0, 60.0, 90.0)),))
    assert lanes_text(lanes).splitlines()[0] == "job │·░▒▓█│"
    assert page("t", (lanes,)).count("<rect") == 5


def test_text_for_a_terminal():
    shown = text(report("value"))
    assert "1. x value\n2. b" in shown
    assert "h\nxvaluey" in shown
