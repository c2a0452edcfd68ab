"""The cases of a law are the same whatever else changes in the project, and whatever ran before."""

from __future__ import annotations

import importlib.util
import sys

from hypothesis import given, settings
from hypothesis import strategies as st

_PAIRS = st.lists(st.tuples(st.integers(), st.text(), st.floats(allow_nan=False)), max_size=5)


def cases():
    seen = []

    @settings(max_examples=300)
    @given(_PAIRS)
    def look(pairs):
        seen.append(pairs)

    look()
    return seen


def test_a_module_that_is_loaded_meanwhile_changes_no_case(tmp_path, monkeypatch):
    before = cases()
    path = tmp_path / "constants.py"
    path.write_text("".join(f"A{n} = ({n * 7919}, 'word {n}', {n}.125)\n" for n in range(150)))
    spec = importlib.util.spec_from_file_location("steady_constants", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "steady_constants", module)
    spec.loader.exec_module(module)
    assert cases() == before
