"""The data that cases ask: CSV files with types in their headers, written through the REST API."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from elasticsearch import ApiError, Elasticsearch
from elasticsearch.helpers import BulkIndexError, bulk

_DEFAULT_MAPPINGS = {"employees": "default"}
_TYPES = {"": "keyword", "datetime": "date", "string": "keyword"}


def load(client: Elasticsearch, folder: Path) -> dict[str, str]:
    """Make an index of each file of `data`; what could not be loaded, by name, with the reason."""
    failed = {}
    for path in sorted((folder / "data").glob("*.csv")):
        try:
            _load(client, path.stem, path, folder)
        except (ApiError, BulkIndexError, ValueError) as error:
            failed[path.stem] = str(error)[:200]
    return failed


def _load(client: Elasticsearch, index: str, path: Path, folder: Path) -> None:
    header, *rows = list(_rows(path))
    columns = [(name.strip(), _TYPES.get(kind.strip(), kind.strip())) for name, _, kind in map(_halves, header)]
    given = folder / f"mapping-{_DEFAULT_MAPPINGS.get(index, index)}.json"
    mapping = json.loads(given.read_text()) if given.exists() else {"properties": _properties(columns)}
    client.indices.create(index=index, mappings=mapping.get("mappings", mapping))
    inner = _multi_fields([name for name, _ in columns])
    documents = [
        {name: value for (name, _), text in zip(columns, row, strict=True) if name not in inner
         and (value := _value(text)) is not None}
        for row in rows
    ]  # fmt: skip
    for document in documents:
        document.pop("_id", None)
    bulk(client, ({"_index": index, "_source": document} for document in documents), refresh=True)


def _halves(cell: str) -> tuple[str, str, str]:
    name, colon, kind = cell.strip().rpartition(":")
    return (name, colon, kind) if colon else (kind, "", "keyword")


def _multi_fields(names: list[str]) -> set[str]:
    return {name for name in names if name.rpartition(".")[0] in names}


def _properties(columns: list[tuple[str, str]]) -> dict[str, Any]:
    """A mapping by the header: what lies below the name of another column is a field of its values."""
    inner = _multi_fields([name for name, _ in columns])
    found: dict[str, Any] = {name: _definition(kind) for name, kind in columns if name not in inner}
    for name, kind in columns:
        if name in inner:
            outer, _, short = name.rpartition(".")
            found[outer].setdefault("fields", {})[short] = _definition(kind)
    return found


def _definition(kind: str) -> dict[str, Any]:
    return {"type": kind, "scaling_factor": 100} if kind == "scaled_float" else {"type": kind}


def _rows(path: Path) -> Iterator[list[str]]:
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("//"):
            yield _split(line)


def _split(line: str) -> list[str]:
    """Cells between commas outside of brackets and quotation marks."""
    return [part.strip() for part in re.findall(r'(?:^|,)((?:\s*\[[^\]]*\]\s*|\s*"(?:[^"\\]|\\.)*"\s*|[^,])*)', line)]


def _value(text: str) -> Any:
    if text in {"", "[]"}:
        return None
    if text.startswith("[") and text.endswith("]"):
        (row,) = csv.reader([text[1:-1]], escapechar="\\", skipinitialspace=True)
        return [part.strip() for part in row]
    return text[1:-1].replace('\\"', '"') if len(text) > 1 and text[0] == text[-1] == '"' else text
