"""How long what was just applied or changed is waited for."""

from __future__ import annotations

from datetime import UTC, datetime

from anomalyops.resources import Metadata

GRACE = 3.0  # seconds in which what a new resource refers to may still come: they are applied together
SETTLING = 1.0  # seconds until a connection that changed is looked at again


def is_new(metadata: Metadata, within: float = GRACE) -> bool:
    """Whether an object is so new that the watch of another kind may not have shown what belongs to it.

    Where the clocks differ by more than `within` seconds, nothing is new: better too early than not until they agree.
    """
    created = metadata.creation_timestamp
    return created is not None and abs((datetime.now(UTC) - created).total_seconds()) < within
