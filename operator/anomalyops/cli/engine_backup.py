"""`anomalyops engine backup` and `restore`: copies of an engine's data folder, also while it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anomalyops.cli.engine_installed import needing_engine

if TYPE_CHECKING:
    from anomalyops_engine.store.backup import Backup

Place = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the backup.")]
Data = Annotated[Path, typer.Option(metavar="DIR", help="Folder of the engine's data.")]


def backup(place: Place, data: Data) -> None:
    """Copy an engine's data into a folder that is not there yet; the engine may run meanwhile, and goes on.

    Everything that the engine acknowledged before is in the copy. Every block of it is read before it takes its place,
    so that a backup is whole or not there. Whoever may read it reads all data.
    """
    with needing_engine():
        from anomalyops_engine.store.backup import back_up

    made = back_up(data, place)
    typer.echo(f"backed up {data} to {place}: {_words(made)}")


def restore(place: Place, data: Data) -> None:
    """Make an engine's data folder of a backup: one that is not there yet, or has no data in it.

    The backup is compared with what was written then, and every block is read before the data take their place.
    """
    with needing_engine():
        from anomalyops_engine.store.backup import restore as restored

    made = restored(place, data)
    typer.echo(f"restored {data} from {place}: {_words(made)}")


def _words(made: Backup) -> str:
    documents = sum(made.indices.values())
    return (
        f"{len(made.indices):,} {'index' if len(made.indices) == 1 else 'indices'} with {documents:,} documents, "
        f"{made.bytes / 2**20:,.1f} MB, "
        f"as of {made.taken}, layout {made.layout}"
    )
