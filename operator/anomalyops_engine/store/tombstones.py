"""The versions of documents that are gone: one that comes back goes on counting where it was deleted."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Final

# How long a deletion is remembered (Elasticsearch's default of `index.gc_deletes`), in seconds.
KEPT_S: Final = 60.0
_MOST: Final = 100_000


class Tombstones:
    """Versions of deleted documents by table and id, in memory: after a restart, documents begin at 1 again."""

    def __init__(self) -> None:
        self._graves: dict[tuple[str, str], tuple[int, float]] = {}

    def versions(self, table: str, ids: Iterable[str]) -> dict[str, int]:
        """Return the version of each deleted document that is remembered."""
        if not self._graves:
            return {}
        oldest = time.monotonic() - KEPT_S
        found = ((doc_id, self._graves.get((table, doc_id))) for doc_id in ids)
        return {doc_id: grave[0] for doc_id, grave in found if grave is not None and grave[1] > oldest}

    def change(self, changes: Mapping[tuple[str, str], int | None]) -> None:
        """Remember deletions, and forget those of documents that are back (None)."""
        now = time.monotonic()
        if len(self._graves) > _MOST:
            self._graves = {key: grave for key, grave in self._graves.items() if grave[1] > now - KEPT_S}
        for key, version in changes.items():
            self._graves.pop(key, None)
            if version is not None and len(self._graves) < _MOST:
                self._graves[key] = version, now
