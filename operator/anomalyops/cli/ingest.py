"""`anomalyops ingest`: load a file into an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anomalyops.cli.options import Ca, OptionalFiles, Output, OutputFormat, Url

if TYPE_CHECKING:
    from anomalyops.loader.loading import Source
    from anomalyops.loader.sending import Report, SendSettings
    from anomalyops.loader.survey import Wishes
    from anomalyops.reconciler import Credentials
    from anomalyops.resources import ElasticsearchConnection
    from anomalyops_reading.columns import FieldType
    from anomalyops_reading.rows import Unreadable
    from anomalyops_reading.timestamps import TimeOptions

REJECTED = 1
_DELIMITERS = ("comma", "semicolon", "tab", "pipe", "space")


class Format(StrEnum):
    """What a file holds."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    ARROW = "arrow"
    APACHE = "apache"
    NGINX = "nginx"
    SYSLOG = "syslog"
    SYSLOG5424 = "syslog5424"


_LOGS = frozenset({Format.APACHE, Format.NGINX, Format.SYSLOG, Format.SYSLOG5424})


class Decimal(StrEnum):
    """What stands between the whole part of a number and its fraction."""

    POINT = "point"
    COMMA = "comma"


def ingest(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Delimited text, JSON, Parquet, Arrow or a log; also compressed (.gz, .zst, .bz2, .xz).",
        ),
    ],
    index: Annotated[str, typer.Option(metavar="NAME", help="The index to create and load.")],
    time_field: Annotated[
        str,
        typer.Option(
            metavar="FIELD",
            help="The field that holds the time; DATE+TIME or NAME=DATE+TIME where two columns make it up. Known logs"
            " have it in 'timestamp'.",
        ),
    ] = "",
    time_format: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT",
            help="How the time is written, if it is not recognised: iso, epoch, epoch_ms, epoch_us, epoch_ns, or a"
            " pattern such as 'dd/MM/yyyy HH:mm:ss' or '%d/%m/%Y %H:%M:%S'.",
        ),
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Of times without one, such as Europe/Berlin; else they are UTC.")
    ] = None,
    date: Annotated[
        str | None,
        typer.Option(metavar="YYYY[-MM[-DD]]", help="What times lack: the year of syslog, the day of a clock time."),
    ] = None,
    day_first: Annotated[
        bool | None,
        typer.Option("--day-first/--month-first", help="How 3/4/2024 is read, where the file does not tell."),
    ] = None,
    type_: Annotated[
        list[str] | None,
        typer.Option(
            "--type",
            metavar="FIELD=TYPE",
            help="Sets the type of a field instead of guessing it: boolean, long, unsigned_long, double, date, ip,"
            " keyword, text.",
        ),
    ] = None,
    decimal: Annotated[
        Decimal | None, typer.Option(help="How 1,234 is read, where the file does not tell: as 1234 or as 1.234.")
    ] = None,
    null: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="A text that stands for no value in every column, such as -200 or NA."),
    ] = None,
    format_: Annotated[
        Format | None, typer.Option("--format", help="What the file holds, if its name does not tell.")
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of the text, such as latin-1 or utf-16, if it is not recognised."),
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option(metavar="D", help=f"Between cells, if it is not recognised: {', '.join(_DELIMITERS)}."),
    ] = None,
    header: Annotated[
        str | None,
        typer.Option(metavar="NAME,...", help="Names of the columns, if the file has none; 'none' numbers them."),
    ] = None,
    comment: Annotated[
        str | None, typer.Option(metavar="C", help="What lines begin with that are no rows; '#' if the file does.")
    ] = None,
    rows_at: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="Where the rows are in a file that is one JSON object: data.items"),
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
    output: Output = OutputFormat.TABLE,
) -> None:
    """Load a file into an index. All of it is read first: what was guessed is shown, and every row is accounted for.

    Exit codes: 0 everything is in the index, 1 error or rejected rows (they are counted and shown).
    """
    import asyncio

    from anomalyops.cli import ingest_view, structured
    from anomalyops.loader import LoadError
    from anomalyops.loader.loading import FileFormat, FileOptions, inspect
    from anomalyops.loader.sending import SendSettings
    from anomalyops_reading.delimited import DELIMITERS

    if replace and append:
        raise LoadError("--replace and --append contradict each other: give one of them")
    if not time_field and (
        format_ is None or format_ not in {Format.APACHE, Format.NGINX, Format.SYSLOG, Format.SYSLOG5424}
    ):
        raise LoadError("--time-field FIELD says which field holds the time")
    if delimiter is not None and delimiter not in DELIMITERS and len(delimiter) != 1:
        raise LoadError(f"--delimiter {delimiter!r}: write one character, or {', '.join(_DELIMITERS)}")
    connection, credentials = _server(filename, url, ca)
    options = FileOptions(
        format=FileFormat(format_) if format_ is not None else None,
        encoding=encoding,
        delimiter=DELIMITERS.get(delimiter, delimiter) if delimiter is not None else None,
        header=header,
        comment=comment,
        rows_at=rows_at,
    )
    time = _time_options(time_zone, date, day_first=day_first)
    wishes = _wishes(time_field, time_format, time, type_ or [], decimal, null or [])
    with _progress(file, "looking at") as on_look:
        source = inspect(file, options, wishes, on_look)
    table = output is OutputFormat.TABLE
    if table:
        ingest_view.show_source(source, index)

    async def load() -> tuple[Report, float, list[str]]:
        with _rejected_file(rejected) as on_rejected:
            settings = SendSettings(batch_size=batch_size, in_flight=in_flight, on_rejected=on_rejected)
            return await _load(connection, credentials, source, index, (replace, append), settings)

    report, seconds, misfits = asyncio.run(load())
    if table:
        ingest_view.show_report(report, source, index, seconds, rejected, misfits)
    else:
        structured.write(ingest_view.as_document(report, source, index, seconds, misfits), output)
    if report.rejected and not allow_rejected:
        raise typer.Exit(REJECTED)


def _server(
    files: list[str] | None, url: str | None, ca: Path | None
) -> tuple[ElasticsearchConnection, Credentials | None]:
    from anomalyops.cli.options import login
    from anomalyops.local.connections import only_connection
    from anomalyops.local.manifests import Manifests, read_manifests

    return only_connection(read_manifests(files) if files else Manifests(), login(url, ca))


def _time_options(time_zone: str | None, date: str | None, *, day_first: bool | None) -> TimeOptions:
    from anomalyops_reading.timestamps import TimeOptions, parse_date, parse_zone

    return TimeOptions(
        zone=parse_zone(time_zone) if time_zone is not None else None,
        date=parse_date(date) if date is not None else (None, None, None),
        day_first=day_first,
    )


def _wishes(
    time_field: str,
    time_format: str | None,
    time: TimeOptions,
    types: list[str],
    decimal: Decimal | None,
    nulls: list[str],
) -> Wishes:
    from anomalyops.loader.survey import Wishes
    from anomalyops_reading.timestamps import named

    if time_format is not None:
        named(time_format, time)
    return Wishes(
        time_field=time_field,
        time_format=time_format,
        time=time,
        types=_types(types),
        decimal={Decimal.POINT: ".", Decimal.COMMA: ","}[decimal] if decimal is not None else None,
        nulls=frozenset(nulls),
    )


def _types(given: list[str]) -> dict[str, FieldType]:
    from anomalyops.loader import LoadError
    from anomalyops_reading.columns import FieldType

    types = {}
    for text in given:
        name, _, kind = text.rpartition("=")
        if not name or kind not in set(FieldType):
            raise LoadError(f"--type {text!r}: write FIELD=TYPE with one of {', '.join(FieldType)}")
        types[name] = FieldType(kind)
    return types


async def _load(
    connection: ElasticsearchConnection,
    credentials: Credentials | None,
    source: Source,
    index: str,
    existing: tuple[bool, bool],
    settings: SendSettings,
) -> tuple[Report, float, list[str]]:
    """Create the index and load the file; answer the report, the seconds that it took, and what does not fit."""
    import time

    from anomalyops.loader.loading import load, prepare_index
    from anomalyops.local.connections import open_gateway

    replace, append = existing
    async with open_gateway(connection, credentials) as gateway:
        misfits = await prepare_index(gateway, index, source, replace=replace, append=append)
        begun = time.monotonic()
        with _progress(source.path, "loading") as on_progress:
            report = await load(gateway, index, source, settings, on_progress)
        return report, time.monotonic() - begun, misfits


@contextmanager
def _rejected_file(path: Path | None) -> Iterator[Callable[[Unreadable], None]]:
    if path is None:
        yield lambda _row: None
        return
    import json

    with path.open("w", encoding="utf-8", errors="backslashreplace") as file:

        def write(row: Unreadable) -> None:
            entry = {"line": row.line, "reason": row.reason, "row": row.text}
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")

        yield write


@contextmanager
def _progress(path: Path, doing: str) -> Iterator[Callable[[int, int], None]]:
    """A bar over the bytes of the file, in a terminal."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from anomalyops.cli.console import messages

    console = messages()
    if not console.is_terminal or not path.is_file():
        yield lambda _position, _rows: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=40),
        DownloadColumn(),
        TextColumn("{task.fields[rows]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(f"{doing} {path.name}", total=path.stat().st_size, rows="")
        yield lambda position, rows: progress.update(task, completed=position, rows=f"{rows:,} rows")
