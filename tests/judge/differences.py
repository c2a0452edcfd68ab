"""The page of known differences, made from their list."""

from __future__ import annotations

import json
from pathlib import Path

from judge.generate.families import AREAS
from judge.recorded import KnownDifferences, Recorded, known_differences, load_all

PAGE = Path(__file__).resolve().parents[2] / "docs" / "elasticsearch-differences.md"
_HEAD = """\
# Where the embedded engine answers otherwise than Elasticsearch

This page is made from `tests/contract/recorded/known_differences.json` by `make generate`. Each entry is one cause,
found by asking Elasticsearch's server core (9.2.0) and the request parsers of its ML plugin (8.17.0) the same as the
engine (`make judge`), with its smallest example. What the engine does not serve at all answers 501 with its name, and
is listed in [engine.md](engine.md). What the releases of major 8 take, whose dialect the engine speaks, and those of
major 9 took away (`from`, `to`, `include_lower` and `include_upper` of a range) is no difference.

The list may only shrink: a test fails when an entry of it agrees.
"""


def page() -> str:
    """Return the page."""
    recorded = {one.id: one for one in load_all()}
    parts = [_HEAD]
    for area in AREAS:
        groups = [group for group in known_differences() if _area(group, recorded) == area]
        if groups:
            parts.append(f"## {area[0].upper()}{area[1:]}\n")
            parts += [_entry(group, recorded) for group in groups]
    return "\n".join(parts)


def write_page() -> None:
    """Write the page into docs/."""
    PAGE.write_text(page())


def _area(group: KnownDifferences, recorded: dict[str, Recorded]) -> str:
    return recorded[group.cases[0]].case.area


def _entry(group: KnownDifferences, recorded: dict[str, Recorded]) -> str:
    smallest = min((recorded[case] for case in group.cases), key=lambda one: one.case.size())
    last = next(step for step, answer in reversed([*zip(smallest.case.steps, smallest.answers, strict=True)]) if answer)
    payload = last.payload()
    body = "" if payload is None else " " + payload[0].decode().strip()
    example = f"{last.method} {last.path}{body}".splitlines()
    cases = f" ({len(group.cases)} cases)" if len(group.cases) > 1 else ""
    shown = json.dumps(example[0][:150])[1:-1].replace('\\"', '"').replace("`", "'")
    return f"- **{group.title}**{cases}. {group.reason}\n  Such as `{shown}`\n"


if __name__ == "__main__":
    write_page()
