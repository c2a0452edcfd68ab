"""What is to become of a server object whose resource is being deleted."""

from __future__ import annotations

from dataclasses import dataclass

from anomalyops.resources import DeletionPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """A resource that is being deleted; `policy` says what becomes of the server object of that id."""

    id: str
    policy: DeletionPolicy
