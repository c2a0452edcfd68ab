"""The hypothesis profiles: the same cases at every run, and ever new ones, many, for `make fuzz`.

A case that nobody has seen yet belongs in a search for it and not in a change that has nothing to do with it. Neither
has deadlines, because other work may share the machine.

Derandomizing alone does not keep the cases: hypothesis draws one value in twenty from the constants of the project's
modules, those that the process has loaded until then. So any edit of any module, and whichever tests ran before in the
same process, would choose other cases. The steady profile draws none of them; a version of hypothesis chooses its
cases too, which is why pyproject.toml names one.
"""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

settings.register_profile(
    "thorough",
    max_examples=2000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
settings.register_profile(
    "steady", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
if settings.get_current_profile_name() in {"default", "ci"}:
    settings.load_profile("steady")

_NO_CONSTANTS = providers._local_constants


@pytest.hookimpl(trylast=True)  # the plugin of hypothesis loads the profile that was asked for before
def pytest_configure() -> None:
    """Draw no constants of the project's modules where the cases shall be the same at every run."""
    if settings.get_current_profile_name() == "steady":
        providers._get_local_constants = lambda: _NO_CONSTANTS
