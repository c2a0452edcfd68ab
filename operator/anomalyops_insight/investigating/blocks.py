"""What a report is made of, and how it is written: Markdown, HTML and plain text. Pure."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the title."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Some sentences."""

    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list; numbered where the order means something."""

    items: tuple[str, ...]
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Text as it is: a query, a document, a plot."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Lanes:
    """Swim lanes: a row a name, a cell a step of time, coloured by score.

    Attributes:
        begin: What the first step is called.
        end: What the last one is called.
        rows: A name and the score of each step; None where there is nothing.
    """

    begin: str
    end: str
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]


Block = Heading | Paragraph | Bullets | Table | Code | Lanes
_SHADES = ((75.0, "█"), (50.0, "▓"), (25.0, "▒"), (0.0, "░"))
_COLOURS = ((75.0, "#fe5050"), (50.0, "#fba740"), (25.0, "#fdec25"), (0.0, "#8bc8fb"))


def markdown(blocks: Iterable[Block]) -> str:
    """The blocks as Markdown."""
    return "\n\n".join(_markdown(block) for block in blocks) + "\n"


def _markdown(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {_escaped(text)}"
        case Paragraph(text):
            return _escaped(text)
        case Bullets(items, numbered):
            marks = (f"{n}." if numbered else "-" for n in range(1, len(items) + 1))
            return "\n".join(f"{mark} {_escaped(item)}" for mark, item in zip(marks, items, strict=True))
        case Table(headings, rows):
            lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
            lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
            return "\n".join(lines)
        case Code(text, language):
            fence = "```" if "```" not in text else "````"
            return f"{fence}{language}\n{text}\n{fence}"
        case Lanes():
            return f"```text\n{lanes_text(block)}\n```"


def _escaped(text: str) -> str:
    """Text whose values cannot become markup."""
    for mark in ("\\", "`", "*", "_", "<", "[", "]", "|"):
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split("\n"))


def _cell(text: str) -> str:
    return _escaped(text)


def lanes_text(lanes: Lanes) -> str:
    """Swim lanes as lines of text."""
    widest = max((len(name) for name, _ in lanes.rows), default=0)
    lines = []
    for name, scores in lanes.rows:
        lines.append(f"{name:<{widest}} │" + "".join(_shade(score) for score in scores) + "│")
    width = max((len(scores) for _, scores in lanes.rows), default=0)
    gap = " " * max(1, width - len(lanes.begin) - len(lanes.end))
    return "\n".join(
        [*lines, f"{'':<{widest}}  {lanes.begin}{gap}{lanes.end}", "█ critical  ▓ major  ▒ minor  ░ below"]
    )


def _shade(score: float | None) -> str:
    return "·" if score is None else next(shade for least, shade in _SHADES if score >= least)


def text(blocks: Iterable[Block]) -> str:
    """The blocks as plain text for a terminal."""
    return "\n\n".join(_text(block) for block in blocks) + "\n"


def _text(block: Block) -> str:
    match block:
        case Heading(words, level):
            return f"{words}\n{('=' if level == 1 else '-') * len(words)}"
        case Paragraph(words):
            return words
        case Bullets(items, numbered):
            return "\n".join(f"{f'{n}.' if numbered else '-'} {item}" for n, item in enumerate(items, start=1))
        case Table(headings, rows):
            return _table_text((headings, *rows))
        case Code(words):
            return words
        case Lanes():
            return lanes_text(block)


def _table_text(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines)


_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;margin:1em 0}td,th{border:1px solid #ccc;padding:.25em .6em;text-align:left}"
    "pre{background:#f5f5f5;padding:.8em;overflow-x:auto}h2{margin-top:2em}"
)


def page(title: str, blocks: Iterable[Block]) -> str:
    """The blocks as one HTML page that needs nothing else."""
    body = "\n".join(_html(block) for block in blocks)
    head = f'<meta charset="utf-8"><title>{html.escape(title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'


def _html(block: Block) -> str:
    match block:
        case Heading(words, level):
            return f"<h{level}>{html.escape(words)}</h{level}>"
        case Paragraph(words):
            return f"<p>{html.escape(words)}</p>"
        case Bullets(items, numbered):
            name = "ol" if numbered else "ul"
            return f"<{name}>" + "".join(f"<li>{html.escape(item)}</li>" for item in items) + f"</{name}>"
        case Table(headings, rows):
            head = "".join(f"<th>{html.escape(one)}</th>" for one in headings)
            lines = ["<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows]
            return f"<table><tr>{head}</tr>{''.join(lines)}</table>"
        case Code(words):
            return f"<pre>{html.escape(words)}</pre>"
        case Lanes():
            return _svg(block)


def _svg(lanes: Lanes) -> str:
    """Swim lanes as a drawing."""
    left, step, height = 220, 10, 20
    width = max((len(scores) for _, scores in lanes.rows), default=0) * step
    parts = []
    for row, (name, scores) in enumerate(lanes.rows):
        top = row * height
        parts.append(f'<text x="{left - 8}" y="{top + 14}" text-anchor="end" font-size="12">{html.escape(name)}</text>')
        for n, score in enumerate(scores):
            colour = "#f0f0f0" if score is None else next(one for least, one in _COLOURS if score >= least)
            title = "" if score is None else f"<title>{score:.0f}</title>"
            x = left + n * step
            box = f'x="{x}" y="{top + 2}" width="{step - 1}" height="{height - 4}"'
            parts.append(f'<rect {box} fill="{colour}">{title}</rect>')
    bottom = len(lanes.rows) * height + 14
    parts.append(f'<text x="{left}" y="{bottom}" font-size="12">{html.escape(lanes.begin)}</text>')
    end = f'<text x="{left + width}" y="{bottom}" text-anchor="end" font-size="12">{html.escape(lanes.end)}</text>'
    size = f'width="{left + width}" height="{bottom + 6}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(parts)}{end}</svg>'
