"""Makes the builders and the reading after kstatus importable."""

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))
settings.register_profile("health", max_examples=150, deadline=None, derandomize=True)
