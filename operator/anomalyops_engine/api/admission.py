"""How many searches may work at once, as a function of what else is going on.

A search keeps the processors busy by itself: the database spreads it over all of them, and what it found is shown under
the interpreter's lock. Many at once end no sooner together than a few, but whoever else needs the processors waits for
all of them: a write, which must take the lock dozens of times and for which every other write waits, and the loop that
answers whether the engine lives. So few work at once, and fewer still beside writes.

A search that takes long does not hold up those that take no time: it is counted for a while only, and then another one
may begin beside it, as far as there are threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# Threads of searches, whatever goes on: each holds a snapshot, and memory of the database.
MOST_SEARCHES: Final = 8
# For how long a search counts; nearly all take less than a tenth of it when they have the machine for themselves.
PATIENCE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Busy:
    """What goes on.

    Attributes:
        processors: that the engine may use.
        long: searches that have worked for longer than `PATIENCE_S`.
        writes: requests that write, at work or waiting for a thread.
    """

    processors: int
    long: int = 0
    writes: int = 0


def searches(busy: Busy) -> int:
    """Return how many searches may work at once: one for each processor beside writes, else two.

    One that takes no time may begin, whatever the writes, unless as many that take long as there are threads work.
    """
    quick = busy.processors if busy.writes else 2 * busy.processors
    return min(quick + busy.long, MOST_SEARCHES)
