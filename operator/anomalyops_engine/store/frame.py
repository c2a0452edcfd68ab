"""Documents of one shape as columns: what the engine itself writes by the thousand needs no reading value by value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from anomalyops_engine.store.mapping import IndexMapping

Scalar = bool | int | float | str
_TYPES: Final = {
    "long": pa.int64(),
    "date": pa.int64(),
    "double": pa.float64(),
    "keyword": pa.string(),
    "boolean": pa.bool_(),
}
_KINDS: Final = {
    "long": frozenset("i"),
    "date": frozenset("i"),
    "double": frozenset("if"),
    "keyword": frozenset("s"),
    "boolean": frozenset("b"),
}
# Numbers that every format of dates reads as epoch milliseconds: short ones may be years.
_SURE_TIMES: Final = (1_000_000, 253_402_300_799_999)
# A string that every keyword field takes, in any encoding.
_SURE_LENGTH: Final = 8_000


@dataclass(frozen=True, slots=True)
class Frame:
    """Documents that all have the same fields.

    Attributes:
        ids: Their ids.
        fields: By name, in the order of the document: one value for all, an array with a finite number for each, a list
            with a text for each, or an empty list for all.
    """

    ids: list[str]
    fields: Mapping[str, Scalar | npt.NDArray[Any] | list[str]]

    def sources(self) -> list[bytes]:
        """Return the documents as JSON."""
        parts, columns = [], []
        for name, value in self.fields.items():
            key = orjson.dumps(name).decode().replace("%", "%%")
            if isinstance(value, np.ndarray):
                parts.append(f"{key}:%r")
                columns.append(value.tolist())
            elif isinstance(value, list) and value:
                quoted = {text: orjson.dumps(text).decode() for text in set(value)}
                parts.append(f"{key}:%s")
                columns.append([quoted[text] for text in value])
            else:
                parts.append(f"{key}:{orjson.dumps(value).decode().replace('%', '%%')}")
        template = "{" + ",".join(parts) + "}"
        if not columns:
            return [(template % ()).encode()] * len(self.ids)
        return [(template % row).encode() for row in zip(*columns, strict=True)]

    def documents(self) -> list[dict[str, Any]]:
        """Return the documents."""
        return [orjson.loads(source) for source in self.sources()]

    def arrays(self, mapping: IndexMapping) -> dict[str, pa.Array] | None:
        """Return the columns that a mapping keeps the documents in; None when it has to read them value by value."""
        own = {path.rpartition(".")[0] for path in mapping.multi_fields}
        found = {}
        for name, value in self.fields.items():
            if isinstance(value, list) and not value:
                continue
            leaf = mapping.fields.get(name)
            if leaf is None or name in own or leaf.definition.keys() - {"type"} or leaf.type not in _TYPES:
                return None
            if _kind(value) not in _KINDS[leaf.type]:
                return None
            if leaf.type == "date" and not (_SURE_TIMES[0] <= np.min(value) and np.max(value) <= _SURE_TIMES[1]):
                return None
            array = self._array(value, _TYPES[leaf.type])
            if leaf.multi:
                array = pa.ListArray.from_arrays(pa.array(np.arange(len(array) + 1, dtype=np.int32)), array)
            found[leaf.column] = array
        return found

    def _array(self, value: Any, kind: pa.DataType) -> pa.Array:
        if isinstance(value, np.ndarray | list):
            return pa.array(value, kind)
        return pa.repeat(pa.scalar(value, kind), len(self.ids))


def _kind(value: object) -> str:
    match value:
        case np.ndarray():
            return str(value.dtype.kind)
        case bool():
            return "b"
        case int():
            return "i"
        case float():
            return "f"
        case str():
            return "s" if len(value) <= _SURE_LENGTH else ""
        case list():
            return "s" if max(map(len, value)) <= _SURE_LENGTH else ""
    return ""
