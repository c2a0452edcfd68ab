"""The catalogue as tables and text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.table import Table

from anomalyops.catalog.entries import Entry, Family


def catalog_table(families: Sequence[Family]) -> Table:
    """A line a job, under the family that it belongs to."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("Name", "Family", "Looks for"):
        table.add_column(name, overflow="fold", no_wrap=name == "Name")
    for family in families:
        for entry in family.entries:
            table.add_row(entry.name, entry.family, entry.title)
    return table


def entry_text(entry: Entry) -> str:
    """What a job is for, what it computes and what it reads."""
    width = max(len(field.name) for field in entry.fields)
    analysis = entry.job["analysisConfig"]
    lines = [
        f"{entry.name}: {entry.title}",
        *textwrap.wrap(entry.finds, 100, initial_indent="  ", subsequent_indent="  "),
        "",
        f"  every {analysis['bucketSpan']}: {'; '.join(_detector(one) for one in analysis['detectors'])}",
        "",
        "  Fields (others with --field NAME=YOURS)",
        *(f"    {field.name:{width}}  {field.kind:6}  {field.about}" for field in entry.fields),
        "",
        f"  anomalyops catalog render {entry.name} --index INDEX",
    ]
    return "\n".join(lines)


def _detector(detector: dict[str, str]) -> str:
    words = [f"{detector['function']}({detector.get('fieldName', '')})"]
    splits = {key: detector.get(f"{key}FieldName") for key in ("by", "over", "partition")}
    words += [f"{key} {name}" for key, name in splits.items() if name is not None]
    return " ".join(words)
