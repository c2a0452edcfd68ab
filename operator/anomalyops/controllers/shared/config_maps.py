"""The ConfigMaps that calendars and filter lists read: each is watched by name while one of them names it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from anomalyops.controllers.sources import Source, SourceError, SourceWatch
from anomalyops.health import FailureKind
from anomalyops.resources import ConfigMapKeyReference, Reason, TextError
from anomalyops.watching.kubeapi import KubeApi
from anomalyops.watching.options import ObjectKey

_REASONS: Final = {
    FailureKind.SECRET_NOT_FOUND: Reason.SOURCE_NOT_FOUND,
    FailureKind.SECRET_FORBIDDEN: Reason.SOURCE_FORBIDDEN,
    FailureKind.SECRET_INVALID: Reason.SOURCE_INVALID,
}


class Reader(NamedTuple):
    """A resource that reads ConfigMaps: the name of its controller, and its key."""

    controller: str
    key: ObjectKey


class ConfigMaps:
    """What the ConfigMaps hold that somebody reads, as of now.

    Args:
        api: The Kubernetes API.
        changed: Called with each reader of a ConfigMap after a change of its content, and after the first look.
    """

    def __init__(self, api: KubeApi, changed: Callable[[str, ObjectKey], None]) -> None:
        self._api = api
        self._changed = changed
        self._watches: dict[Source, SourceWatch] = {}
        self._readers: dict[Source, set[Reader]] = {}
        self._versions: dict[Source, int] = {}
        self._count = itertools.count(1)
        self._ending: set[asyncio.Task[None]] = set()

    def follow(self, reader: Reader, names: frozenset[str]) -> bool:
        """Watch what a reader names, and for him nothing else. Return whether all of it was looked at."""
        wanted = {Source("configmaps", reader.key.namespace, name) for name in names}
        for source in [one for one, readers in self._readers.items() if reader in readers and one not in wanted]:
            self._leave(source, reader)
        for source in wanted:
            self._readers.setdefault(source, set()).add(reader)
            if source not in self._watches:
                self._watches[source] = SourceWatch(self._api, source, partial(self._tell, source))
        return all(self._watches[source].has_looked for source in wanted)

    def versions(self, namespace: str, names: frozenset[str]) -> tuple[int, ...]:
        """What differs after each change of one of these ConfigMaps; 0 for one that was not looked at."""
        sources = (Source("configmaps", namespace, name) for name in sorted(names))
        return tuple(self._versions.get(source, 0) for source in sources)

    def text(self, namespace: str, reference: ConfigMapKeyReference) -> str:
        """The text under a key of a ConfigMap that is followed.

        Raises:
            TextError: There is none, or it may not be read.
        """
        source = Source("configmaps", namespace, reference.name)
        watch = self._watches.get(source)
        if watch is None:
            raise TextError(Reason.PENDING, f"{source} was not read yet", waiting=True)
        try:
            return watch.text(reference.key)
        except SourceError as error:
            missing = error.kind is FailureKind.SECRET_NOT_FOUND
            raise TextError(_REASONS[error.kind], error.message, waiting=missing) from None

    async def stop(self) -> None:
        """End all watches."""
        for source in list(self._watches):
            self._end(self._watches.pop(source))
        await asyncio.gather(*self._ending)

    def _leave(self, source: Source, reader: Reader) -> None:
        self._readers[source].discard(reader)
        if not self._readers[source]:
            del self._readers[source]
            self._versions.pop(source, None)
            self._end(self._watches.pop(source))

    def _end(self, watch: SourceWatch) -> None:
        ending = asyncio.create_task(watch.stop())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    def _tell(self, source: Source) -> None:
        self._versions[source] = next(self._count)
        for reader in self._readers.get(source, ()):
            self._changed(reader.controller, reader.key)
