"""Work of one step on all cores: the learners' loops run without the interpreter's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

_Result = TypeVar("_Result")

CORES: Final = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers:
    """Threads that all jobs share.

    Work that waits for other work must not be given to the same threads: detectors and the series of a detector have
    their own.
    """

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(CORES, thread_name_prefix=name)

    def run(self, tasks: Sequence[Callable[[], _Result]]) -> list[_Result]:
        """Do all tasks, in any order and at the same time, and return their results in the order of the tasks."""
        if len(tasks) < 2 or CORES < 2:
            return [task() for task in tasks]
        return [future.result() for future in [self._pool.submit(task) for task in tasks]]


DETECTORS: Final = Workers("detector")
SERIES: Final = Workers("series")
