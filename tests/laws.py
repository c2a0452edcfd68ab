"""Laws: properties that hold for every generated case, run briefly with the other tests and long by `make fuzz`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings

Test = TypeVar("Test", bound=Callable[..., Any])

_LONGER = 40


def law(*, examples: int) -> Callable[[Test], Test]:
    """Mark a hypothesis test as a law.

    Args:
        examples: how many cases it looks at among the other tests; forty times as many under the profile `thorough`.
    """
    factor = _LONGER if settings.get_current_profile_name() == "thorough" else 1
    chosen = settings(
        max_examples=examples * factor,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )

    def decorate(test: Test) -> Test:
        return pytest.mark.fuzz(chosen(test))

    return decorate
