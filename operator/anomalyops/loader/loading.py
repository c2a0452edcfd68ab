"""Loading one file into one index: recognise, look at all of it, create, load, account for every row."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TextIO

from anomalyops.elastic import Gateway
from anomalyops.elastic.documents import Documents as Server
from anomalyops.loader.columnar import read_columnar
from anomalyops.loader.encoding import Encoder
from anomalyops.loader.files import COMPRESSED_SUFFIXES, Encoding, check_encoding, detect_encoding, opened
from anomalyops.loader.mapping import clashes, index_mapping
from anomalyops.loader.sending import Report, SendSettings, send
from anomalyops.loader.survey import Survey, TimeField, Wishes, survey
from anomalyops_reading.columns import Evidence
from anomalyops_reading.delimited import Dialect, find_dialect, read_delimited
from anomalyops_reading.errors import LoadError
from anomalyops_reading.json_rows import JsonForm, read_json, recognise_json
from anomalyops_reading.log_lines import LOG_FORMATS, TIME_FIELD, read_log
from anomalyops_reading.rows import Batch
from anomalyops_reading.timestamps import named


class FileFormat(StrEnum):
    """What a file holds."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    ARROW = "arrow"
    APACHE = "apache"
    NGINX = "nginx"
    SYSLOG = "syslog"
    SYSLOG5424 = "syslog5424"


_BY_SUFFIX = {
    **dict.fromkeys((".csv", ".tsv", ".tab", ".psv"), FileFormat.CSV),
    **dict.fromkeys((".ndjson", ".jsonl", ".json", ".geojson", ".bulk"), FileFormat.JSON),
    **dict.fromkeys((".parquet", ".pq"), FileFormat.PARQUET),
    **dict.fromkeys((".arrow", ".feather", ".ipc"), FileFormat.ARROW),
}
_COLUMNAR = frozenset({FileFormat.PARQUET, FileFormat.ARROW})


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """What the user says about the form of a file; None to find out.

    Attributes:
        format: what it holds.
        encoding: of its text.
        delimiter: between cells.
        header: names of the columns, `none` to number them.
        comment: first character of lines that are no rows.
        rows_at: where in one JSON object the rows are.
    """

    format: FileFormat | None = None
    encoding: str | None = None
    delimiter: str | None = None
    header: str | None = None
    comment: str | None = None
    rows_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file, how it is read, and what is in it.

    Attributes:
        path: the file.
        size: its bytes on disk.
        format: what it holds.
        encoding: of its text.
        dialect: of a delimited file.
        form: of a JSON file.
        rows_at: where in one JSON object the rows are.
        wishes: what the user says about its contents.
        found: what the first reading found.
        notes: what the user should know about the reading.
    """

    path: Path
    size: int
    format: FileFormat
    encoding: Encoding
    dialect: Dialect | None
    form: JsonForm | None
    rows_at: str | None
    wishes: Wishes
    found: Survey = field(default_factory=Survey)
    notes: tuple[str, ...] = ()


Progress = Callable[[int, int], None]  # bytes of the file that were read, rows


def inspect(path: Path, options: FileOptions, wishes: Wishes, on_progress: Progress | None = None) -> Source:
    """Read a file once, whole, and say what is in it.

    Args:
        path: the file.
        options: what the user says about its form.
        wishes: what the user says about its contents.
        on_progress: called while reading.

    Raises:
        LoadError: it cannot be read as asked; the message names the file.
    """
    try:
        source = _recognised(path, options, wishes)
        with _batches(source) as (batches, position):
            progress = on_progress or (lambda _position, _rows: None)
            found = survey(batches, source.wishes, lambda rows: progress(position(), rows))
            _leave_out_empty(source, found)
    except UnicodeError as error:
        raise LoadError(f"{path}: it is no text in the encoding that it seems to have: {error} (--encoding)") from error
    except LoadError as error:
        raise (
            error if str(path) in str(error) else LoadError(f"{path}: {error}{_header_hint(options, error)}")
        ) from error
    return replace(source, found=found, notes=tuple(filter(None, _notes(source, found))))


def _leave_out_empty(source: Source, found: Survey) -> None:
    """Leave out columns that nobody has named and that have no value."""
    nameless = source.dialect.unnamed if source.dialect is not None else ()
    optional = source.format.value in LOG_FORMATS
    found.columns = [
        column
        for column in found.columns
        if column.name == found.time.name
        or not (optional or column.name in nameless)
        or found.evidence.get(column.name, Evidence(values=1)).values
    ]


async def prepare_index(gateway: Gateway, index: str, source: Source, *, replace: bool, append: bool) -> list[str]:
    """Create the index with the mapping of a file.

    Args:
        gateway: the server.
        index: its name.
        source: what will be loaded.
        replace: delete an index of that name first.
        append: load into an index of that name, which keeps its mapping.

    Returns:
        What does not fit the mapping of an index that is there.

    Raises:
        LoadError: there is an index of that name, and neither `replace` nor `append` was asked for.
        GatewayError: the server refuses.
    """
    server = Server(gateway.rest)
    if replace:
        await server.delete(index)
    elif await server.exists(index):
        if append:
            return clashes(source.found.columns, await server.mapping(index))
        count = await server.count(index)
        raise LoadError(
            f"index {index!r} is there already, with {count:,} documents: --replace deletes it first,"
            " --append adds to it"
        )
    await server.create(index, index_mapping(source.found.columns))
    return []


async def load(gateway: Gateway, index: str, source: Source, settings: SendSettings, on_progress: Progress) -> Report:
    """Load a file into an index, which exists, and make the documents searchable.

    Raises:
        GatewayError: a whole request failed.
        LoadError: the file could not be read to its end, or does not hold what it held when it was looked at.
    """
    server = Server(gateway.rest)
    before = await server.count(index)
    columns = [
        # Years are counted on from row to row, so this reading begins anew.
        replace(column, time_format=named(column.time_format.name, source.wishes.time))
        if column.time_format is not None
        else column
        for column in source.found.columns
    ]
    encoder = Encoder(columns, source.found.time)
    with _batches(source) as (batches, position):
        encoded = (encoder.encode(batch) for batch in batches)
        noting = replace(settings, on_progress=lambda report: on_progress(position(), report.rows))
        report = await send(server, index, encoded, noting)
    await server.refresh(index)
    if report.rows != source.found.rows:
        raise LoadError(
            f"{source.path}: {source.found.rows:,} rows were counted and {report.rows:,} accounted for:"
            " the file changed while it was read"
        )
    report.added = await server.count(index) - before
    return report


def _recognised(path: Path, options: FileOptions, wishes: Wishes) -> Source:
    kind = options.format or _format_of(path)
    if kind in _COLUMNAR:
        size = _size(path)
        return Source(
            path=path,
            size=size,
            format=kind,
            encoding=Encoding(""),
            dialect=None,
            form=None,
            rows_at=None,
            wishes=wishes,
        )
    encoding = check_encoding(options.encoding) if options.encoding else detect_encoding(path)
    dialect: Dialect | None = None
    form: JsonForm | None = None
    with opened(path) as file:
        text = file.text(encoding.name)
        if kind is FileFormat.CSV:
            dialect = find_dialect(text, delimiter=options.delimiter, header=options.header, comment=options.comment)
        elif kind is FileFormat.JSON:
            form = recognise_json(text)
        size = file.size
    if kind.value in LOG_FORMATS:
        log = LOG_FORMATS[kind.value]
        wishes = replace(
            wishes,
            time_field=wishes.time_field or TIME_FIELD,
            time_format=wishes.time_format or log.time_format,
            nulls=wishes.nulls | {"-"},
        )
        named(wishes.time_format or "", wishes.time)
    return Source(
        path=path,
        size=size,
        format=kind,
        encoding=encoding,
        dialect=dialect,
        form=form,
        rows_at=options.rows_at,
        wishes=wishes,
    )


def _header_hint(options: FileOptions, error: LoadError) -> str:
    """Return the advice for a file whose first line may be data."""
    if options.header is None and "is not in the file" in str(error) and re.search(r"fields: (.*, )?[-\d]", str(error)):
        return "; if line 1 is data already, --header NAME,NAME,... names the columns"
    return ""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise LoadError(f"{path}: {error.strerror}") from error


def _format_of(path: Path) -> FileFormat:
    """Return what a file holds by its name, without what says that it is compressed."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in COMPRESSED_SUFFIXES:
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    if suffix in {".log", ".txt"}:
        raise LoadError(
            f"{path}: a {suffix} file can hold anything;"
            " --format says what: apache, nginx, syslog, syslog5424, csv or json"
        )
    formats = ", ".join(FileFormat)
    raise LoadError(
        f"{path}: what it holds is not known from its name; --format says it: {formats}"
        f" (known endings: {', '.join(_BY_SUFFIX)}, each also with {', '.join(COMPRESSED_SUFFIXES)})"
    )


@contextmanager
def _batches(source: Source) -> Iterator[tuple[Iterator[Batch], Callable[[], int]]]:
    """Give the rows of a file, and what says how many of its bytes have been read."""
    if source.format in _COLUMNAR:
        yield iter(read_columnar(source.path, source.format.value)), lambda: 0
        return
    with opened(source.path) as file:
        yield _rows(source, file.text(source.encoding.name)), lambda: file.position


def _rows(source: Source, text: TextIO) -> Iterator[Batch]:
    try:
        if source.dialect is not None:
            yield from read_delimited(text, source.dialect, _time_column(source.dialect, source.wishes))
        elif source.form is not None:
            yield from read_json(text, source.form, rows_at=source.rows_at)
        else:
            yield from read_log(text, LOG_FORMATS[source.format.value])
    except UnicodeError as error:  # UTF-16 and its like cannot skip what is damaged
        raise LoadError(f"{source.path}: no text in {source.encoding.name}: {error}") from error


def _time_column(dialect: Dialect, wishes: Wishes) -> int | None:
    part = TimeField.parse(wishes.time_field, dialect.names).parts[0]
    return dialect.names.index(part) if part in dialect.names else None


def _notes(source: Source, found: Survey) -> Iterator[str]:
    yield source.encoding.note
    if source.dialect is not None:
        kept = {column.name for column in found.columns}
        named_here = [name for name in source.dialect.unnamed if name in kept]
        empty = len(source.dialect.unnamed) - len(named_here)
        if named_here:
            yield f"columns without a name in the file: {', '.join(named_here)}"
        if empty:
            yield f"{empty} columns without a name and without a value are left out"
    if source.form is JsonForm.BULK:
        yield "requests for _bulk: their documents are loaded, whatever index they name"
    time_format = found.time_column.time_format
    if time_format is not None and time_format.ordered:
        yield "the times have no year: it is the given one, and the next where the months begin anew"
    if found.ids:
        yield "the ids of the file are kept: a row replaces an earlier one of its id"
