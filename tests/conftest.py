"""The hypothesis profiles: the same cases at every run, and ever new ones, many, for `make fuzz`.

A case that nobody has seen yet belongs in a search for it and not in a change that has nothing to do with it. Neither
has deadlines, because other work may share the machine.
"""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "thorough",
    max_examples=2000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
settings.register_profile("steady", deadline=None, derandomize=True, database=None)
if settings.get_current_profile_name() in {"default", "ci"}:
    settings.load_profile("steady")
