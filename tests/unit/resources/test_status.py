"""Statuses survive the way through the cluster unchanged, and every reason explains itself."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from anomalyops.resources import (
    AnomalyJobStatus,
    Condition,
    ConditionStatus,
    ConditionType,
    MemoryStatus,
    Reason,
    find_condition,
)

NOON = datetime(2026, 1, 1, 12, 0, 0, 987_654, tzinfo=UTC)


def _ready(**changes: object) -> Condition:
    return Condition.model_validate(
        {
            "type": ConditionType.READY,
            "status": ConditionStatus.TRUE,
            "reason": Reason.LOOKBACK_COMPLETE,
            "message": "Done.",
            "last_transition_time": NOON,
            "observed_generation": 2,
        }
        | changes
    )


def test_a_status_comes_back_from_the_cluster_as_it_went() -> None:
    status = AnomalyJobStatus(
        observed_generation=2,
        conditions=[_ready()],
        job_id="j",
        memory=MemoryStatus(status="ok", percent=15),
    )
    stored = status.manifest()
    assert stored == {
        "observedGeneration": 2,
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "LookbackComplete",
                "message": "Done.",
                "lastTransitionTime": "2026-01-01T12:00:00Z",
                "observedGeneration": 2,
            }
        ],
        "jobId": "j",
        "memory": {"status": "ok", "percent": 15},
    }
    assert AnomalyJobStatus.model_validate(stored) == status


def test_times_are_utc_with_whole_seconds_and_must_have_an_offset() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5)))
    assert _ready(last_transition_time=elsewhere) == _ready()
    with pytest.raises(ValueError, match="timezone"):
        _ready(last_transition_time=NOON.replace(tzinfo=None))


def test_a_condition_is_found_by_type() -> None:
    assert find_condition([_ready()], ConditionType.READY) == _ready()
    assert find_condition([_ready()], ConditionType.STALLED) is None


@pytest.mark.parametrize("member", [*Reason, *ConditionType], ids=str)
def test_every_reason_and_type_has_a_sentence_and_a_pascal_case_word(member: Reason | ConditionType) -> None:
    assert re.fullmatch(r"([A-Z][a-z0-9]+)+", member.value)
    assert member.name == re.sub(r"(?<!^)([A-Z])", r"_\1", member.value).upper()
    assert member.description.endswith(".")
    assert member.__doc__ == member.description


def test_reasons_are_distinct_words() -> None:
    assert len({reason.value for reason in Reason}) == len(list(Reason.__members__))
