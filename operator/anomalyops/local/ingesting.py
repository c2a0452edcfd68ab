"""Loading one file into one index: guess, create, load, count."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from anomalyops.elastic import Gateway
from anomalyops.elastic.documents import Documents
from anomalyops.local import timestamps
from anomalyops.local.loading import Loader, LoadReport, Rejection
from anomalyops.local.manifests import LocalError
from anomalyops.local.mapping import Column, FieldType, guess, index_mapping
from anomalyops.local.rows import FileFormat, RowFile, sample

SAMPLE_ROWS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file and what its sample says about it.

    Attributes:
        path: The file.
        columns: Its fields with their types.
        time_field: The one that holds the time.
    """

    path: Path
    columns: tuple[Column, ...]
    time_field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSettings:
    """How to load.

    Attributes:
        batch_size: Rows in a bulk request.
        in_flight: Bulk requests at a time.
        on_progress: Called with the bytes of the file that have been read, and the report.
        on_rejected: Called with each rejected row.
    """

    batch_size: int = 5_000
    in_flight: int = 4
    on_progress: Callable[[int, LoadReport], None] = field(default=lambda _position, _report: None)
    on_rejected: Callable[[Rejection], None] = field(default=lambda _rejection: None)


def inspect(
    path: Path,
    *,
    time_field: str,
    time_format: str | None = None,
    types: Mapping[str, FieldType] | None = None,
) -> Source:
    """Reads a sample of the file and guesses the type of each field.

    Raises:
        FileError: The file cannot be read.
        MappingError: The time field is missing or unreadable, or a given type belongs to no field.
        TimeFormatError: `time_format` is no time format.
    """
    with RowFile(path) as file:
        textual = file.format is FileFormat.CSV
    columns = guess(
        sample(path, SAMPLE_ROWS),
        time_field=time_field,
        time_format=timestamps.named(time_format) if time_format is not None else None,
        types=types,
        textual=textual,
    )
    return Source(path=path, columns=tuple(columns), time_field=time_field)


async def prepare_index(gateway: Gateway, index: str, source: Source, *, replace: bool, append: bool) -> None:
    """Creates the index with the guessed mapping.

    Args:
        gateway: The server.
        index: Its name.
        source: What will be loaded.
        replace: Delete an index of that name first.
        append: Load into an index of that name, which keeps its mapping.

    Raises:
        LocalError: There is an index of that name, and neither `replace` nor `append` was asked for.
        GatewayError: The server refuses.
    """
    documents = Documents(gateway.rest)
    if replace:
        await documents.delete(index)
    elif await documents.exists(index):
        if append:
            return
        count = await documents.count(index)
        raise LocalError(
            f"index {index!r} is there already, with {count:,} documents: --replace deletes it first,"
            " --append adds to it"
        )
    await documents.create(index, index_mapping(source.columns))


async def load_file(gateway: Gateway, index: str, source: Source, settings: LoadSettings) -> LoadReport:
    """Loads the file into the index, which exists, and makes the documents searchable.

    Raises:
        GatewayError: A whole request failed.
        FileError: The file could not be read to its end.
    """
    documents = Documents(gateway.rest)
    with RowFile(source.path) as file:
        loader = Loader(
            documents,
            index=index,
            columns=source.columns,
            file_format=file.format,
            time_field=source.time_field,
            batch_size=settings.batch_size,
            in_flight=settings.in_flight,
            on_progress=lambda report: settings.on_progress(file.position, report),
            on_rejected=settings.on_rejected,
        )
        report = await loader.load(file)
    await documents.refresh(index)
    return report
