"""A real engine process on a free port, with a folder of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from engine_process import EngineProcess

sys.path.insert(0, str(Path(__file__).parent))  # tests have no packages; what they share lies beside them


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
def shared_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """One engine for all tests that only add indices or jobs of their own names."""
    process = EngineProcess(tmp_path_factory.mktemp("engine"))
    process.start()
    yield process
    process.kill()


@pytest.fixture
def client(shared_engine: EngineProcess) -> Iterator[Elasticsearch]:
    """The official client of the shared engine."""
    with shared_engine.client() as client:
        yield client
