"""Requests whose job moves to another server: nothing is done twice, and nothing is left half done."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from anomalyops.plan import Whereabouts, whereabouts
from anomalyops.resources import Resource

NOW = "2026-11-27T12:00:00Z"
_OPERATIONS = {
    "AnomalyForecast": {"occasion": "once", "step": "Ask", "since": NOW, "duration": "1d"},
    "ModelSnapshotRevert": {"step": "Stop", "since": NOW, "snapshotId": "empty"},
}


@st.composite
def requests(draw: st.DrawFn) -> Any:
    kind = draw(st.sampled_from(sorted(_OPERATIONS)))
    spec: dict[str, Any] = {"jobRef": {"name": "web"}}
    if kind == "AnomalyForecast":
        spec |= draw(st.sampled_from([{}, {"schedule": "0 6 * * *"}]))
    else:
        spec["snapshotId"] = "empty"
    status: dict[str, Any] = {}
    if draw(st.booleans()):
        status["operation"] = _OPERATIONS[kind]
    if draw(st.booleans()):
        over = {"history": [{"occasion": "once", "state": draw(st.sampled_from(["finished", "failed", "gone"]))}]}
        status |= over if kind == "AnomalyForecast" else {"completionTime": NOW}
    metadata: dict[str, Any] = {"name": "request", "namespace": "ops"}
    if draw(st.booleans()):
        metadata["deletionTimestamp"] = NOW
    manifest = {"apiVersion": "anomalyops.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
    return Resource.from_object(manifest | ({"status": status} if draw(st.booleans()) else {}))


@given(requests(), st.booleans())
def test_what_has_begun_ends_where_it_began_and_what_was_made_once_is_not_made_again(request: Any, moves: bool) -> None:
    found = whereabouts(request, moves=moves)
    status, leaving = request.status, request.metadata.deletion_timestamp is not None
    begun = status is not None and status.operation is not None
    made = status is not None and bool(getattr(status, "history", None) or getattr(status, "completion_time", None))
    if not moves or leaving:
        assert found is Whereabouts.NOWHERE
        return
    assert (found is Whereabouts.ENDS_THERE) == begun
    again = getattr(request.spec, "schedule", None) is not None
    if found is Whereabouts.GOES_ON_HERE:
        assert again or not made
    if found is Whereabouts.STAYS:
        assert made
        assert not again


def test_the_end_of_what_was_on_its_way_lets_it_move() -> None:
    """A schedule that was at work goes on at the other server once that has ended."""
    manifest: dict[str, Any] = {
        "apiVersion": "anomalyops.io/v1alpha1",
        "kind": "AnomalyForecast",
        "metadata": {"name": "daily", "namespace": "ops"},
        "spec": {"jobRef": {"name": "web"}, "schedule": "0 6 * * *"},
        "status": {"operation": _OPERATIONS["AnomalyForecast"]},
    }
    assert whereabouts(Resource.from_object(manifest), moves=True) is Whereabouts.ENDS_THERE
    ended = datetime(2026, 11, 27, tzinfo=UTC).isoformat()
    manifest["status"] = {"history": [{"occasion": ended, "state": "finished"}]}
    assert whereabouts(Resource.from_object(manifest), moves=True) is Whereabouts.GOES_ON_HERE
