"""How the C library of the process keeps memory that is free again: for as short as it can.

The answers about all jobs, and listings of all objects, come every few seconds and are as large as all that is kept. By
default glibc takes them from the heaps of several threads, raises the size from which on it would ask the system for
them apart, and so keeps, a gap here and there, about as much again as the process holds.
"""

from __future__ import annotations

import ctypes
import sys

# From glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_PART = 128 * 1024  # bytes; glibc begins with as many, and these stay once they were set
_FRUGAL = ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, _PART), (_TRIM_THRESHOLD, _PART))


def keep_little() -> bool:
    """Have free memory go back to the system soon; whether the C library was told so.

    Other C libraries than glibc, and other systems than Linux, are left as they are. An operator spends its time
    waiting: that a large answer costs a call of the system more is not noticed.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return all(mallopt(parameter, value) == 1 for parameter, value in _FRUGAL)
