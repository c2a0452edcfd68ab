"""Waiting for what happens in another task, thread or process: patiently, because other work may share the machine.

What takes longer than it may is a failure only where the product promises a time; a test that merely waits does it
here, and so long that no load of the machine is taken for a fault of the product.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

PATIENCE_S = 400


def until(condition: Callable[[], Any], what: str = "what is waited for", *, interval: float = 0.02) -> Any:
    """Call `condition` until it returns something true, and return that.

    Raises:
        AssertionError: `what` has not happened within `PATIENCE_S`.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen within {PATIENCE_S} s"
        time.sleep(interval)
    return found


async def reached(condition: Callable[[], Any], what: str = "what is waited for") -> Any:
    """Let other tasks run until `condition` returns something true, and return that; see `until`."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen within {PATIENCE_S} s"
        await asyncio.sleep(0.001)
    return found
