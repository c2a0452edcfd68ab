"""Makes the simulated server and the generators importable, and gives hypothesis its profiles.

The default profile keeps the folder under ten seconds and does not shrink. By hand, with small examples of what
fails: `pytest tests/unit/plan --hypothesis-profile thorough`.
"""

import sys
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings

sys.path.insert(0, str(Path(__file__).parent))

_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile(
    "quick",
    max_examples=40,
    deadline=None,
    suppress_health_check=_QUIET,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # shrinking a whole history takes minutes
)
if settings.get_current_profile_name() != "thorough":
    settings.load_profile("quick")
