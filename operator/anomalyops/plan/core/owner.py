"""Who manages an object of the server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

LOCAL: Final = "local"
"""The cluster of owners that are files on disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who manages an object of the server: the mark on it names him.

    Attributes:
        cluster: The uid of the kube-system namespace, or `local` for files on disk.
        namespace: The manifest's.
        name: The manifest's.
        uid: The manifest's; for files on disk, what tells these files from others that hold the same names.
        kind: The manifest's; each kind keeps its marks apart, so it is not compared.
    """

    cluster: str
    namespace: str
    name: str
    uid: str
    kind: str = field(default="AnomalyJob", compare=False)

    @property
    def reference(self) -> str:
        """The name by which an object is taken over from this owner: `spec.takeOverFrom`."""
        if self.cluster == LOCAL:
            return self.uid or LOCAL
        return f"{self.cluster}/{self.namespace}/{self.name}"

    def is_same(self, other: Owner) -> bool:
        """Whether both are the same manifest.

        In a cluster the uid may differ: the same manifest, deleted and applied again, is the same owner. Files have
        nothing but the uid to tell them apart; marks of earlier versions have none.
        """
        if (self.cluster, self.namespace, self.name) != (other.cluster, other.namespace, other.name):
            return False
        return self.cluster != LOCAL or not self.uid or not other.uid or self.uid == other.uid

    def __str__(self) -> str:
        where = f"cluster {self.cluster}"
        if self.cluster == LOCAL:
            where = f"the files {self.uid}" if self.uid else "files that an earlier version applied"
        return f"{self.kind} {self.namespace}/{self.name} of {where}"
