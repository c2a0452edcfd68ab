"""Whether the engine is installed, which the operator's own installation leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needing_engine() -> Iterator[None]:
    """Import the engine in the block.

    Raises:
        LocalError: it is not installed.
    """
    from anomalyops.local.errors import LocalError

    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("anomalyops_engine."):
            raise
        raise LocalError(
            f"the engine is not installed ({error.name} is missing): pip install 'anomalyops[engine]'"
        ) from error
