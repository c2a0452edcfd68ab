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


# A hundred answers of a megabyte each, in many threads, with a little of each kept: how much is resident after them.
_ANSWERS = """
import json, sys, threading
from anomalyops.controllers.allocator import keep_little
if sys.argv[1] == "frugal":
    assert keep_little()
answer = json.dumps([{"id": str(number), "text": "x" * 1000} for number in range(1000)])
kept = []
def read():
    for _ in range(12):
        parsed = json.loads(answer)
        kept.append(parsed[500]["text"] + "")
        kept.append("y" * 700 + str(len(kept)))
threads = [threading.Thread(target=read) for _ in range(8)]
[one.start() for one in threads]
[one.join() for one in threads]
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("RssAnon")))
"""


@pytest.mark.skipif(getattr(ctypes.CDLL(None), "mallopt", None) is None, reason="another C library than glibc")
def test_memory_of_large_answers_goes_back() -> None:
    used = {}
    for how in ("usual", "frugal"):
        run = subprocess.run([sys.executable, "-c", _ANSWERS, how], capture_output=True, text=True, check=True)
        used[how] = int(run.stdout)
    assert used["frugal"] < used["usual"], used
