"""When a deletion that cannot be carried out is given up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anomalyops.controllers.release import ORPHAN_PATIENCE, release
from anomalyops.health import Failure, FailureKind
from anomalyops.resources import DeletionPolicy

failures = st.builds(Failure, kind=st.sampled_from(FailureKind), message=st.just("why"))
seconds = st.floats(0, 1e6)


@given(failures, seconds, seconds, st.booleans())
def test_delete_is_never_given_up(failure: Failure, waited: float, patience: float, connected: bool) -> None:
    decision = release(DeletionPolicy.DELETE, failure, "job web", waited=waited, patience=patience, connected=connected)
    assert not decision.now


@given(st.sampled_from([DeletionPolicy.RETAIN, DeletionPolicy.ORPHAN]), failures, seconds, seconds, st.booleans())
def test_what_destroys_nothing_always_ends(
    policy: DeletionPolicy, failure: Failure, waited: float, patience: float, connected: bool
) -> None:
    decision = release(policy, failure, "job web", waited=waited, patience=patience, connected=connected)
    if not decision.now:
        assert decision.seconds is not None
        later = waited + decision.seconds
        assert later <= max(patience, ORPHAN_PATIENCE) * (1 + 1e-9)
        decision = release(policy, failure, "job web", waited=later + 1e-3, patience=patience, connected=connected)
    assert decision.now
    assert "job web" in decision.message
    assert "why" in decision.message


@given(
    st.sampled_from([DeletionPolicy.RETAIN, DeletionPolicy.ORPHAN]),
    st.sampled_from([FailureKind.CONNECTION_NOT_FOUND, FailureKind.SECRET_NOT_FOUND, FailureKind.SECRET_FORBIDDEN]),
    st.booleans(),
)
def test_what_goes_beside_it_is_not_waited_for(policy: DeletionPolicy, kind: FailureKind, connected: bool) -> None:
    failure = Failure(kind=kind, message="gone")
    assert release(policy, failure, "job web", waited=0, patience=300, connected=connected).now


@given(st.sampled_from([DeletionPolicy.RETAIN, DeletionPolicy.ORPHAN]), failures)
def test_without_a_connection_no_server_is_waited_for(policy: DeletionPolicy, failure: Failure) -> None:
    assert release(policy, failure, "job web", waited=0, patience=300, connected=False).now
