"""A real engine process on a free port, with a folder of its own; or the server that ELASTICSEARCH_URL names.

With ELASTICSEARCH_URL set, what these tests say of the dialect is held against that server: the tests that share an
engine run on it, those about our own process are skipped. It must be disposable and without security.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from engine_process import EngineProcess

sys.path.insert(0, str(Path(__file__).parent))  # tests have no packages; what they share lies beside them

_WRITING = re.compile(r"/_(bulk|doc|create|update|delete_by_query|update_by_query)\b")

ELASTICSEARCH_URL = os.environ.get("ELASTICSEARCH_URL", "")


class RefreshingClient(Elasticsearch):
    """A client whose writes can be searched at once, as they can on our engine."""

    def perform_request(self, method: str, path: str, *, params: Any = None, **options: Any) -> Any:  # type: ignore[override]
        """Make a request; see `Elasticsearch`."""
        if _WRITING.search(path) and "refresh" not in (params or {}):
            params = {**(params or {}), "refresh": "true"}
        return super().perform_request(method, path, params=params, **options)


@dataclass(frozen=True)
class NamedServer:
    """The server that ELASTICSEARCH_URL names."""

    url: str

    def client(self) -> Elasticsearch:
        """Return an official client of it."""
        return RefreshingClient(self.url, request_timeout=60)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark of what our engine answers by design otherwise than Elasticsearch."""
    config.addinivalue_line("markers", "ours(why): our engine differs here by design, and the docs say so")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what cannot be asked of another server."""
    if not ELASTICSEARCH_URL:
        return
    for item in items:
        ours = item.get_closest_marker("ours")
        callspec = getattr(item, "callspec", None)
        if ours is not None or (callspec is not None and 501 in callspec.params.values()):
            why = ours.args[0] if ours is not None else "this engine refuses it by name"
            item.add_marker(pytest.mark.skip(reason=f"ours by design: {why}"))
        elif "shared_engine" not in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason="about our own process, not about the dialect"))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EngineProcess]:
    """An engine of this test alone, so that it may be stopped, killed and restarted."""
    data = tmp_path / "data"
    data.mkdir()
    process = EngineProcess(data)
    process.start()
    yield process
    process.kill()


@pytest.fixture(scope="session")
def shared_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess | NamedServer]:
    """One server for all tests that only add indices or jobs of their own names."""
    if ELASTICSEARCH_URL:
        yield NamedServer(ELASTICSEARCH_URL)
        return
    process = EngineProcess(tmp_path_factory.mktemp("engine"))
    process.start()
    yield process
    process.kill()


@pytest.fixture
def client(shared_engine: EngineProcess | NamedServer) -> Iterator[Elasticsearch]:
    """The official client of the shared server."""
    with shared_engine.client() as client:
        yield client
