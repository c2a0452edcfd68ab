"""New documents that became columns before anybody held the store for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import pyarrow as pa

from anomalyops_engine.store.document_ids import made_ids
from anomalyops_engine.store.document_lines import DocumentLines
from anomalyops_engine.store.known_columns import KnownColumns
from anomalyops_engine.store.mapping import IndexMapping


@dataclass(frozen=True, slots=True)
class Prepared:
    """Documents that the mapping of an index knows all about.

    Attributes:
        mapping: that mapping; where it is another one by now, the columns mean nothing.
        ids: ids of the documents, which are new.
        rows: rows of the table of the index, but for their sequence numbers.
    """

    mapping: IndexMapping
    ids: list[str]
    rows: pa.Table

    def have_all(self, path: str) -> bool:
        """Return whether each document has one value of a field."""
        leaf = self.mapping.fields.get(path)
        if leaf is None or leaf.multi or leaf.column not in self.rows.column_names:
            return False
        return bool(self.rows.column(leaf.column).null_count == 0)


def prepared(mapping: IndexMapping, known: KnownColumns, sources: Sequence[bytes]) -> Prepared | None:
    """Return documents as rows; None where they must be looked at more closely.

    Args:
        mapping: the mapping of their index.
        known: what reads documents by it.
        sources: their JSON texts.
    """
    lines = DocumentLines.of(sources)
    arrays = None if lines is None else known.read(lines)
    if lines is None or arrays is None:
        return None
    ids = made_ids(len(sources))
    rows = {
        "_id": pa.array(ids, pa.string()),
        "_version": pa.array(np.ones(len(sources), dtype=np.int64)),
        "_source": lines.column(),
        **arrays,
    }
    return Prepared(mapping, ids, pa.table(rows))


def joined(parts: Sequence[Prepared]) -> list[pa.Table]:
    """Return the rows of parts for one index in their order, in as few tables as can be."""
    tables = [part.rows for part in parts]
    try:
        # A part has no column for a field that none of its documents has.
        return [pa.concat_tables(tables, promote_options="default")]
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return tables  # the values of a field came as whole numbers in one, as others in another


def text_array(texts: Sequence[bytes]) -> pa.Array:
    """Return UTF-8 texts as an Arrow array; they come from a JSON parser, which has checked the encoding."""
    ends = np.fromiter(accumulate(map(len, texts), initial=0), np.int64, len(texts) + 1)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(texts))]
    return pa.Array.from_buffers(pa.large_string(), len(texts), buffers)
