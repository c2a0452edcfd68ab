"""A few hundred random documents with missing and multi-valued fields, in a store that all tests of the folder read."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from anomalyops_engine.query import QueryError, SearchPhaseError
from anomalyops_engine.store import Index, Reader, Store

MAPPING = {
    "properties": {
        "time": {"type": "date"},
        "host": {"type": "keyword"},
        "tags": {"type": "keyword"},
        "message": {"type": "text", "fields": {"keyword": {"type": "keyword"}}},
        "size": {"type": "long"},
        "load": {"type": "double"},
        "ok": {"type": "boolean"},
        "sizes": {"type": "long"},
        "note": {"type": "keyword"},
    }
}
HOSTS = ("web-1", "web-2", "db-1", "cache")
TAGS = ("red", "green", "blue")
WORDS = ("Error", "disk", "full", "user", "login", "OK")
NOTES = ("a@b.org", "it's", '"; --', "100%", "?", "a,b", "ä", "")
START_MS = 1_704_067_200_000  # 2024-01-01T00:00:00Z
HOUR_MS = 3_600_000


class Corpus:
    """Documents as Python knows them, and a reader of the same in the store."""

    def __init__(self, documents: dict[str, dict[str, Any]], reader: Reader, indices: list[Index]) -> None:
        self.documents = documents
        self.reader = reader
        self.indices = indices


def make_documents(count: int, seed: int) -> dict[str, dict[str, Any]]:
    source = random.Random(seed)
    makers: dict[str, Any] = {
        "time": lambda: START_MS + source.randrange(72) * HOUR_MS // 2 + source.randrange(1000),
        "host": lambda: source.choice(HOSTS),
        "tags": lambda: source.choice([source.choice(TAGS), source.choices(TAGS, k=source.randrange(4))]),
        "message": lambda: " ".join(source.choices(WORDS, k=source.randrange(1, 5))),
        "size": lambda: source.randrange(-5, 15),
        "load": lambda: source.choice([source.randrange(-40, 60) / 8, source.choice([0.0, -0.0]), 1.5]),
        "ok": lambda: source.random() < 0.5,
        "note": lambda: source.choice([source.choice(NOTES), source.choices(NOTES, k=2)]),
        "sizes": lambda: source.choices(range(12), k=source.randrange(1, 4)),
    }
    return {
        f"d{number}": {name: make() for name, make in makers.items() if source.random() < 0.8}
        for number in range(count)
    }


@contextmanager
def _refused(kind: type[QueryError], names: str) -> Iterator[None]:
    with pytest.raises(QueryError) as caught:
        yield
    error = caught.value
    root = error.cause if isinstance(error, SearchPhaseError) else error
    assert isinstance(root, kind), repr(root)
    assert names in str(root)


@pytest.fixture(scope="session")
def refused() -> Callable[[type[QueryError], str], AbstractContextManager[None]]:
    """Expect a request to be refused, by itself or by all indices, with this error at its root."""
    return _refused


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    documents = make_documents(300, 11)
    store = Store.open(Path(tmp_path_factory.mktemp("store")))
    ids = list(documents)
    with store.write() as writer:
        # Two indices: in the second one the fields are in other columns, and only some are lists.
        for name, part in (("docs-1", ids[:200]), ("docs-2", ids[200:])):
            order = sorted(MAPPING["properties"], reverse=name == "docs-2")
            writer.create_index(name, mappings={"properties": {key: MAPPING["properties"][key] for key in order}})
            writer.append(name, [documents[doc_id] for doc_id in part], ids=part)
    with store.read() as reader:
        yield Corpus(documents, reader, reader.resolve("docs-*"))
    store.close()
