"""How the interpreter looks for garbage: no pass over objects takes so long that answers would wait for it.

A pass holds the interpreter's lock, and with that the event loop, for as long as it looks at objects. What was imported
and made before the first request stays until the end, so it is never looked at again; of what requests make, little is
looked at in one pass. Bulk requests make hundreds of thousands of short-lived objects without cycles, for which the
interpreter's default, a pass every 700 objects, costs a tenth of the time of loading.
"""

from __future__ import annotations

import gc
from typing import Final

# Objects that are new before the youngest are looked at: a few milliseconds. Passes before the next generation's.
_YOUNG: Final = 10_000
_PASSES: Final = (5, 100)


def be_brief() -> None:
    """Let passes be short from now on."""
    gc.set_threshold(_YOUNG, *_PASSES)


def keep_all() -> None:
    """Never look again at what there is now: it stays until the end."""
    gc.collect()
    gc.freeze()
