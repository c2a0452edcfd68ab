"""What a condition tells of a failure is read back as it was told."""

from __future__ import annotations

import pytest

from anomalyops.health import Failure, FailureKind, kind_of


@pytest.mark.parametrize("kind", list(FailureKind))
def test_a_failure_is_known_again_by_its_reason(kind: FailureKind) -> None:
    told = Failure(kind=kind, message="")
    again = kind_of(told.reason)
    assert again is not None
    read = Failure(kind=again, message="")
    assert (read.reason, read.needs_a_person, read.licence) == (told.reason, told.needs_a_person, told.licence)


def test_what_is_no_failure_has_no_kind() -> None:
    assert kind_of("Connected") is None
