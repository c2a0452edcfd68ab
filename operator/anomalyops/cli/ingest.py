"""`anomalyops ingest`: load a file into an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anomalyops.cli.options import Ca, OptionalFiles, Url

if TYPE_CHECKING:
    from anomalyops.local.ingesting import Source
    from anomalyops.local.loading import LoadReport, Rejection
    from anomalyops.local.mapping import FieldType
    from anomalyops.reconciler import Credentials
    from anomalyops.resources import ElasticsearchConnection

REJECTED = 1


def ingest(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help=".csv, .tsv, .ndjson, .jsonl or .json, each also with .gz.")
    ],
    index: Annotated[str, typer.Option(metavar="NAME", help="The index to create and load.")],
    time_field: Annotated[str, typer.Option(metavar="FIELD", help="The field that holds the time.")],
    time_format: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT",
            help="How the time is written, if it is not recognised: iso, epoch, epoch_ms, or a pattern such as"
            " 'dd/MM/yyyy HH:mm:ss' or '%d/%m/%Y %H:%M:%S'. Without a zone it is UTC.",
        ),
    ] = None,
    type_: Annotated[
        list[str] | None,
        typer.Option(
            "--type",
            metavar="FIELD=TYPE",
            help="Sets the type of a field instead of guessing it: boolean, long, double, date, ip, keyword, text.",
        ),
    ] = None,
    url: Url = None,
    ca: Ca = None,
    filename: OptionalFiles = None,
    replace: Annotated[bool, typer.Option("--replace", help="Delete an index of that name first.")] = False,
    append: Annotated[bool, typer.Option("--append", help="Add to an index of that name.")] = False,
    batch_size: Annotated[int, typer.Option(min=1, max=100_000, help="Rows in one bulk request.")] = 5_000,
    in_flight: Annotated[int, typer.Option(min=1, max=32, help="Bulk requests at a time.")] = 4,
    rejected: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write every rejected row there, with line and reason (NDJSON)."),
    ] = None,
    allow_rejected: Annotated[
        bool, typer.Option("--allow-rejected", help="Exit with 0 although rows were rejected.")
    ] = False,
) -> None:
    """Load a CSV, NDJSON or JSON file into an index; the mapping is guessed from the first rows and shown.

    Exit codes: 0 everything is in the index, 1 error or rejected rows (they are counted and shown).
    """
    import asyncio

    from anomalyops.local.ingesting import inspect
    from anomalyops.local.manifests import LocalError

    if replace and append:
        raise LocalError("--replace and --append contradict each other: give one of them")
    connection, credentials = _server(filename, url, ca)
    source = inspect(file, time_field=time_field, time_format=time_format, types=_types(type_ or []))
    _show_mapping(source, index)

    async def load() -> tuple[LoadReport, float]:
        return await _load(connection, credentials, source, index, (replace, append), (batch_size, in_flight), rejected)

    report, seconds = asyncio.run(load())
    _show_report(report, index, seconds, rejected)
    if report.rejected and not allow_rejected:
        raise typer.Exit(REJECTED)


def _server(
    files: list[str] | None, url: str | None, ca: Path | None
) -> tuple[ElasticsearchConnection, Credentials | None]:
    from anomalyops.cli.options import login
    from anomalyops.local.connections import only_connection
    from anomalyops.local.manifests import Manifests, read_manifests

    return only_connection(read_manifests(files) if files else Manifests(), login(url, ca))


def _types(given: list[str]) -> dict[str, FieldType]:
    from anomalyops.local.manifests import LocalError
    from anomalyops.local.mapping import FieldType

    types = {}
    for text in given:
        name, _, kind = text.rpartition("=")
        if not name or kind not in set(FieldType):
            raise LocalError(f"--type {text!r}: write FIELD=TYPE with one of {', '.join(FieldType)}")
        types[name] = FieldType(kind)
    return types


async def _load(
    connection: ElasticsearchConnection,
    credentials: Credentials | None,
    source: Source,
    index: str,
    existing: tuple[bool, bool],
    sizes: tuple[int, int],
    rejected: Path | None,
) -> tuple[LoadReport, float]:
    """Creates the index and loads the file; answers the report and the seconds that loading took."""
    import time

    from anomalyops.local.connections import open_gateway
    from anomalyops.local.ingesting import LoadSettings, load_file, prepare_index

    replace, append = existing
    batch_size, in_flight = sizes
    async with open_gateway(connection, credentials) as gateway:
        await prepare_index(gateway, index, source, replace=replace, append=append)
        begun = time.monotonic()
        with _progress(source.path) as on_progress, _rejected_file(rejected) as on_rejected:
            settings = LoadSettings(
                batch_size=batch_size, in_flight=in_flight, on_progress=on_progress, on_rejected=on_rejected
            )
            report = await load_file(gateway, index, source, settings)
        return report, time.monotonic() - begun


@contextmanager
def _rejected_file(path: Path | None) -> Iterator[Callable[[Rejection], None]]:
    if path is None:
        yield lambda _rejection: None
        return
    import json

    with path.open("w", encoding="utf-8", errors="backslashreplace") as file:

        def write(rejection: Rejection) -> None:
            row = {"line": rejection.line, "reason": rejection.reason, "row": rejection.text}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")

        yield write


@contextmanager
def _progress(path: Path) -> Iterator[Callable[[int, LoadReport], None]]:
    """A bar over the bytes of the file, in a terminal."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from anomalyops.cli.console import messages

    console = messages()
    if not console.is_terminal:
        yield lambda _position, _report: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=40),
        DownloadColumn(),
        TextColumn("{task.fields[rows]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(path.name, total=path.stat().st_size, rows="")

        def update(position: int, report: LoadReport) -> None:
            rows = f"{report.loaded:,} rows" + (f", {report.rejected:,} rejected" if report.rejected else "")
            progress.update(task, completed=position, rows=rows)

        yield update


def _show_mapping(source: Source, index: str) -> None:
    from rich.table import Table
    from rich.text import Text

    from anomalyops.cli.console import output

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for heading in ("FIELD", "TYPE", ""):
        table.add_column(heading, overflow="fold")
    for column in source.columns:
        note = column.time_format.name if column.time_format is not None else ""
        note = f"time field, {note}" if column.name == source.time_field else note
        table.add_row(Text(column.name), str(column.type), Text(note, style="dim"))
    output().print(Text(f"Mapping of {index}, guessed from {source.path.name}", style="bold"), table)


def _show_report(report: LoadReport, index: str, seconds: float, rejected: Path | None) -> None:
    from rich.text import Text

    from anomalyops.cli.console import output

    out = output()
    rate = f"{report.loaded / seconds:,.0f} rows/s" if seconds > 0 else ""
    out.print(Text(f"{report.loaded:,} rows are in {index} ({seconds:.1f} s, {rate})", style="green"))
    if not report.rejected:
        return
    out.print(Text(f"{report.rejected:,} rows were rejected:", style="bold red"))
    for rejection in report.first:
        out.print(Text(f"  line {rejection.line}: {rejection.reason}"), soft_wrap=True)
    if report.rejected > len(report.first):
        where = f"all of them are in {rejected}" if rejected is not None else "--rejected FILE writes all of them"
        out.print(Text(f"  ... and {report.rejected - len(report.first):,} more; {where}"), soft_wrap=True)
