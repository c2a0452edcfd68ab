"""The layout of what a snapshot holds belongs to its version: who changes one raises the other."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from anomalyops_engine.scoring import JobAnalysis
from anomalyops_engine.scoring.snapshot import VERSION, read_snapshot

DETECTORS: tuple[dict[str, Any], ...] = (
    {"function": "count"},
    {"function": "mean", "field_name": "value", "partition_field_name": "host"},
    {"function": "metric", "field_name": "value"},
    {"function": "high_count", "over_field_name": "host"},
    {"function": "mean", "field_name": "value", "over_field_name": "host"},
    {"function": "rare", "by_field_name": "process"},
    {"function": "freq_rare", "by_field_name": "process", "over_field_name": "host"},
    {"function": "time_of_day", "by_field_name": "host"},
    {"function": "lat_long", "field_name": "place", "by_field_name": "host"},
)
LAYOUTS = {13: "d84c09ccab8ecb05"}


def _layout(array: Any) -> list[Any]:
    return [array.dtype.descr, list(array.shape[1:])]


def test_a_layout_of_another_kind_has_a_version_of_its_own(bench: Any) -> None:
    """A state of another layout is refused by its version, with what to do, and never fails in the middle."""
    plain, arrays = read_snapshot(JobAnalysis(bench.job(*DETECTORS)).snapshot())
    assert plain["begun"] is False
    layout = {name: _layout(array) for name, array in sorted(arrays.items())}
    assert len(layout) > len(DETECTORS)
    found = hashlib.sha256(json.dumps(layout).encode()).hexdigest()[:16]
    assert {VERSION: found} == LAYOUTS, "the layout of a model changed: raise VERSION, and note the new layout here"
