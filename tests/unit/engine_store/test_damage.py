"""A data folder that is damaged is refused with what to do, or opens; never anything else."""

from __future__ import annotations

import contextlib
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anomalyops_engine.store import Store, StoreError
from anomalyops_engine.store.errors import DamagedStoreError


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    store = Store.open(folder)
    with store.write() as writer:
        writer.put_config("job", "a", {"text": "x" * 50_000})
    store.close()
    return folder


def _file(folder):
    return next(folder.glob("*.duckdb"))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0, 1, exclude_max=True), st.booleans())
def test_a_cut_or_changed_file(whole, tmp_path, where, cut):
    folder = tmp_path / "copy"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder)
    data = bytearray(_file(folder).read_bytes())
    place = int(where * len(data))
    if cut:
        del data[place:]
    else:
        data[place] ^= 0xFF
    _file(folder).write_bytes(data)
    with contextlib.suppress(StoreError):
        Store.open(folder).close()


def test_it_says_what_to_do_and_gives_the_folder_free(whole, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(whole, folder)
    kept = _file(folder).read_bytes()
    _file(folder).write_bytes(b"no database" * 1000)
    for _ in range(2):
        with pytest.raises(DamagedStoreError, match="from a backup"):
            Store.open(folder)
    _file(folder).write_bytes(kept)
    store = Store.open(folder)
    with store.read() as reader:
        assert reader.config("job", "a") is not None
    store.close()
