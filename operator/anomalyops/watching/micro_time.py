"""Times as the Kubernetes API writes them where it counts microseconds."""

from __future__ import annotations

from datetime import UTC, datetime


def micro_time() -> str:
    """Now, as `metav1.MicroTime`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
