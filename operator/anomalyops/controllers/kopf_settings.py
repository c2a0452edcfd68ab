"""How kopf is run here."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import kopf
from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory

from anomalyops.resources import GROUP
from anomalyops.watching.listing import PAGE

PREFIX = GROUP  # of everything that the operator writes on objects


def kopf_settings() -> kopf.OperatorSettings:
    """The settings of kopf, each with its reason."""
    settings = kopf.OperatorSettings()
    # Handlers of raw events persist nothing; should another sort be added, it must not use kopf's own names. The
    # finalizer is not ours either: kopf takes off the one that it is told of when no handler of its own needs it.
    settings.persistence.finalizer = f"{PREFIX}/handlers"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=PREFIX, v1=False)
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix=PREFIX, v1=False)
    settings.posting.enabled = False  # Events are written by our own recorder, on transitions only
    settings.networking.request_timeout = 60
    settings.networking.connect_timeout = 10
    # A watch is never given up: one that is refused is one tenant's trouble. `Scopes` names it.
    settings.networking.error_backoffs = _ForEver()
    # The server ends a watch after ten minutes; one silent for 70 s (no bookmark) is dead and renewed.
    settings.watching.server_timeout = 600
    settings.watching.client_timeout = 610
    settings.watching.connect_timeout = 30
    # All objects come once more from kopf's own first listing, as they are on the wire, some 20 KiB each: few at a
    # time, and gone as soon as they were looked at. What is kept would be put between them in memory, and hold it.
    settings.watching.chunk_size = PAGE
    # No limit: kopf holds each object's worker until all objects of the first listing have one.
    settings.queueing.worker_limit = None
    settings.queueing.idle_timeout = 0.05
    settings.peering.standalone = True
    settings.scanning.disabled = True  # no list or watch on namespaces and CRDs: they need rights of their own
    return settings


class NoMemories(ResourceMemories):
    """Remembers nothing of an object from one event to the next.

    kopf keeps a record of each object for handlers that are resumed, and for daemons, timers and indices. Here are none
    of these: the records would be 5 KiB of each pair.
    """

    async def recall(self, *arguments: Any, **options: Any) -> ResourceMemory:
        """A new record, for this event alone."""
        return await super().recall(*arguments, **{**options, "ephemeral": True})


class _ForEver:
    """Seconds between tries, without end."""

    def __iter__(self) -> Iterator[float]:
        return itertools.chain((1.0, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0), itertools.repeat(20.0))
