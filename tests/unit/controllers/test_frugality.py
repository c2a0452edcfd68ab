"""What the operator keeps of an object is its own: kopf and the C library keep nothing beside it."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from anomalyops.controllers.kopf_settings import NoMemories


@pytest.mark.parametrize("listed", [False, True])
async def test_kopf_remembers_no_object(listed: bool) -> None:
    memories = NoMemories()
    bodies = [{"metadata": {"uid": f"uid-{number}", "name": f"job-{number}"}} for number in range(3)]
    records = [await memories.recall(body, memobase=None, noticed_by_listing=listed) for body in bodies]
    assert [one.noticed_by_listing for one in records] == [listed] * 3
    assert list(memories.iter_all_memories()) == []
    await memories.forget(bodies[0])  # what it never had


# Sixty large answers that are gone, each with a little kept beside it that lies behind it in the heap: how much is
# resident after them. The first one teaches the C library to take such blocks from the heap from then on, unless told.
_ANSWERS = """
import sys
from anomalyops.controllers.allocator import keep_little
if sys.argv[1] == "frugal":
    assert keep_little()
large = b"x" * (1 << 20)
del large
answers, kept = [], []
for number in range(60):
    answers.append(b"x" * (1 << 20))
    kept.append(bytes([number]) * 700)
del answers
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("RssAnon")))
"""


@pytest.mark.skipif(getattr(ctypes.CDLL(None), "mallopt", None) is None, reason="another C library than glibc")
def test_memory_of_large_answers_goes_back() -> None:
    used = {}
    for how in ("usual", "frugal"):
        run = subprocess.run([sys.executable, "-c", _ANSWERS, how], capture_output=True, text=True, check=True)
        used[how] = int(run.stdout)
    # Of 60 MiB that are free, most goes back; what the interpreter itself takes is the same in both.
    assert used["frugal"] < used["usual"] - 30 * 1024, used
