"""What a listing shows against what is known: which changes were not told, and whether versions went back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from anomalyops.watching.kubeapi import JsonObject
from anomalyops.watching.listing import Listing
from anomalyops.watching.objects import version_of


@dataclass(frozen=True, slots=True)
class Difference:
    """What a listing shows and the watch has not told.

    Attributes:
        changed: objects, as listed, that are known otherwise or not at all.
        gone: the uids of known objects that are not there.
    """

    changed: list[JsonObject] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.changed) + len(self.gone)


def went_back(listing: Listing, before: Mapping[str, int], highest: int) -> bool:
    """Return whether etcd was restored: the listing is of a past that was already gone beyond.

    A listing shows at least all that was known when it was asked for. Either its own version is lower than one that
    was known by then, or, when later writes have brought it past those again, it has an object as it was before.

    Args:
        listing: All objects of a scope.
        before: The version of each object, by uid, that was known when the listing was asked for.
        highest: The highest version that was known by then, of anything in the scope.
    """
    latest = version_of(listing.version)
    if not latest:
        return False  # versions that are no numbers cannot be compared
    if latest < max([highest, *before.values()]):
        return True
    return any(0 < _version(body) < before.get(body["metadata"]["uid"], 0) for body in listing.objects)


def difference(listing: Listing, known: Mapping[str, int], *, back: bool) -> Difference:
    """Return what is known otherwise than a listing has it.

    Args:
        listing: All objects of a scope.
        known: The version of each object, by uid, that is known now; later ones than the listing's came meanwhile.
        back: Whether versions went back, so that the listing counts whatever is known.
    """
    latest = version_of(listing.version)
    listed = {body["metadata"]["uid"]: body for body in listing.objects}

    def later(uid: str) -> bool:
        return not back and known[uid] > latest

    return Difference(
        changed=[
            body
            for uid, body in listed.items()
            if uid not in known or (known[uid] != _version(body) and not later(uid))
        ],
        gone=[uid for uid in known if uid not in listed and not later(uid)],
    )


def _version(body: JsonObject) -> int:
    return version_of(body["metadata"]["resourceVersion"])
