"""What a sequence of operations finds of the documents of an index, and what it leaves of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from anomalyops_engine.store.catalog import Index
from anomalyops_engine.store.columns import Batch
from anomalyops_engine.store.errors import PipelineNotFoundError

__all__ = ["Batch", "Changes", "Kept", "Known", "check_pipelines"]


class Known(NamedTuple):
    """What is known of a document.

    Attributes:
        version: its version, that of its deletion where that is remembered, or 0.
        seq_no: its sequence number.
        source: its JSON text, where that was asked for.
        routing: what it is routed by.
        there: whether there is one.
        buried: whether its deletion is remembered.
    """

    version: int = 0
    seq_no: int = -1
    source: bytes = b""
    routing: str | None = None
    there: bool = False
    buried: bool = False


class Kept(NamedTuple):
    """A document that is there in the end.

    Attributes:
        offset: where it is in the columns.
        id: its id.
        version: its version.
        seq_no: its sequence number.
        source: its JSON text.
        routing: what it is routed by.
    """

    offset: int
    id: str
    version: int
    seq_no: int
    source: bytes
    routing: str | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be written.

    Attributes:
        batch: the columns of every document that was written in between, and the mapping that they need.
        kept: those that are there in the end.
        outdated: ids of documents whose stored form is to go.
        buried: versions of deletions to remember, None for those that are to be forgotten.
        sequence_numbers: how many were used.
    """

    batch: Batch
    kept: Sequence[Kept]
    outdated: Sequence[str]
    buried: Mapping[str, int | None]
    sequence_numbers: int


def check_pipelines(index: Index) -> None:
    """Check that documents need not go through a pipeline, of which there are none.

    Raises:
        PipelineNotFoundError: the settings of the index want one.
    """
    for setting in ("default_pipeline", "final_pipeline"):
        name = index.settings.get(setting, "_none")
        if name != "_none":
            raise PipelineNotFoundError(name)
