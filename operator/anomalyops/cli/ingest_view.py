"""What loading a file shows: how it was read, and what became of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from anomalyops.cli.console import output
from anomalyops.loader.loading import Source
from anomalyops.loader.sending import Report
from anomalyops.loader.survey import Survey
from anomalyops_reading.timestamps import TimeError


def show_source(source: Source, index: str) -> None:
    """Show the fields of a file with their types, and how its times were read."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for heading in ("FIELD", "TYPE", ""):
        table.add_column(heading, overflow="fold")
    for column in source.found.columns:
        said = [*column.notes]
        if column.time_format is not None:
            said.insert(0, column.time_format.name)
        if column.name == source.found.time.name:
            said.insert(0, "time field")
        table.add_row(Text(column.name), str(column.type), Text(", ".join(said), style="dim"))
    out = output()
    title = f"Mapping of {index}, guessed from all {source.found.rows:,} rows of {source.path.name}"
    out.print(Text(title, style="bold"), table)
    for place, (text, moment) in readings(source.found).items():
        out.print(Text(f"{place} row: {text!r} is {moment}", style="dim"))
    for note in source.notes:
        out.print(Text(f"note: {note}", style="yellow"))


def readings(found: Survey) -> dict[str, tuple[str, str]]:
    """Return how the times of the first and of the last row were read."""
    time_format = found.time_column.time_format
    shown = {}
    for place, text in (("first", found.first), ("last", found.last)):
        if text and time_format is not None and not time_format.ordered:
            try:
                moment = time_format.convert(text)
            except TimeError as error:
                shown[place] = (text, f"not readable: {error}")
            else:
                shown[place] = (text, _as_time(moment))
    return shown


def show_report(
    report: Report, source: Source, index: str, seconds: float, rejected: Path | None, misfits: Sequence[str]
) -> None:
    """Show what became of the rows."""
    out = output()
    for misfit in misfits:
        out.print(Text(f"note: {misfit}", style="yellow"))
    rate = f", {report.loaded / seconds:,.0f} rows/s" if seconds > 0 else ""
    out.print(Text(f"{report.loaded:,} of {report.rows:,} rows are in {index} ({seconds:.1f} s{rate})", style="green"))
    if report.added != report.loaded:
        out.print(
            Text(f"the index has {report.added:,} documents more: rows of one id replaced each other", style="yellow")
        )
    for column in source.found.columns:
        if column.time_format is not None and column.time_format.ambiguous:
            minutes = column.time_format.ambiguous
            out.print(
                Text(f"note: {column.name}: {minutes} minutes exist twice (clocks turned back), taken as the first")
            )
    if not report.rejected:
        return
    were = "row was" if report.rejected == 1 else "rows were"
    out.print(Text(f"{report.rejected:,} {were} rejected:", style="bold red"))
    for row in report.first:
        out.print(Text(f"  line {row.line}: {row.reason}"), soft_wrap=True)
    if report.rejected > len(report.first):
        where = f"all of them are in {rejected}" if rejected is not None else "--rejected FILE writes all of them"
        out.print(Text(f"  ... and {report.rejected - len(report.first):,} more; {where}"), soft_wrap=True)


def as_document(report: Report, source: Source, index: str, seconds: float, misfits: Sequence[str]) -> dict[str, Any]:
    """Return the same for machines."""
    found = source.found
    return {
        "file": str(source.path),
        "index": index,
        "rows": report.rows,
        "loaded": report.loaded,
        "rejected": report.rejected,
        "documents_added": report.added,
        "seconds": round(seconds, 3),
        "encoding": source.encoding.name,
        "time": {
            "field": found.time.name,
            "format": found.time_column.time_format.name if found.time_column.time_format is not None else None,
            **{place: {"text": text, "time": moment} for place, (text, moment) in readings(found).items()},
        },
        "fields": [
            {"name": column.name, "type": str(column.type), "notes": list(column.notes)} for column in found.columns
        ],
        "notes": [*source.notes, *misfits],
        "rejections": [{"line": row.line, "reason": row.reason, "row": row.text} for row in report.first],
    }


def _as_time(moment: str | int) -> str:
    """Return a time as people read it."""
    if isinstance(moment, str):
        return moment
    from datetime import UTC, datetime, timedelta

    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=moment)
    return at.isoformat(timespec="milliseconds" if moment % 1000 else "seconds").replace("+00:00", "Z")
