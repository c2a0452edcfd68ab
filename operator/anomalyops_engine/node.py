"""The one node that an engine is."""

from __future__ import annotations

import secrets
from typing import Final

# As a cluster's nodes have them: another one after every start.
NODE_ID: Final = secrets.token_urlsafe(16)
