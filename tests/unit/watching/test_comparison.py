"""Laws: whatever was told, lost and restored, a listing brings what is known to what is there."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import event, given
from hypothesis import strategies as st

from anomalyops.watching.comparison import difference, went_back
from anomalyops.watching.kubeapi import JsonObject
from anomalyops.watching.listing import Listing
from laws import law

STEPS = st.lists(
    st.sampled_from(["write", "write and tell", "delete", "delete and tell", "noise", "save", "restore", "list"]),
    max_size=40,
)


@dataclass
class Cluster:
    """Objects by uid at their versions, as etcd has them, and what an operator knows of them."""

    objects: dict[str, int] = field(default_factory=dict)
    version: int = 1
    saved: tuple[dict[str, int], int] = field(default_factory=lambda: ({}, 1))
    known: dict[str, int] = field(default_factory=dict)
    highest: int = 0
    restored: bool = False

    def write(self, uid: str) -> None:
        self.version += 1
        self.objects[uid] = self.version

    def tell(self, uid: str) -> None:
        """A watch tells of an object; what it tells that is older than what is known is dropped."""
        if uid in self.objects:
            self.known[uid] = max(self.known.get(uid, 0), self.objects[uid])
        else:
            self.known.pop(uid, None)

    def listing(self) -> Listing:
        return Listing([_body(uid, version) for uid, version in self.objects.items()], str(self.version))

    def take_in(self, listing: Listing, before: dict[str, int]) -> bool:
        back = went_back(listing, before, self.highest)
        missed = difference(listing, self.known, back=back)
        for uid in missed.gone:
            del self.known[uid]
        for body in missed.changed:
            self.known[body["metadata"]["uid"]] = int(body["metadata"]["resourceVersion"])
        self.highest = max([int(listing.version), *self.known.values()])
        return back


def _body(uid: str, version: int) -> JsonObject:
    return {"metadata": {"uid": uid, "resourceVersion": str(version)}}


def _step(cluster: Cluster, step: str, data: st.DataObject) -> None:
    uid = data.draw(st.sampled_from("abc"))
    if step.startswith("write"):
        cluster.write(uid)
    elif step.startswith("delete"):
        cluster.version += 1
        cluster.objects.pop(uid, None)
    elif step == "noise":
        cluster.version += data.draw(st.integers(1, 5))
    elif step == "save":
        cluster.saved = dict(cluster.objects), cluster.version
    elif step == "restore":
        cluster.restored |= cluster.saved != (cluster.objects, cluster.version)
        cluster.objects, cluster.version = dict(cluster.saved[0]), cluster.saved[1]
    if step.endswith("tell"):
        cluster.tell(uid)


@law(examples=400)
@given(st.data(), STEPS)
def test_a_listing_brings_what_is_known_to_what_is_there(data: st.DataObject, steps: list[str]) -> None:
    cluster = Cluster()
    for step in [*steps, "list"]:
        _step(cluster, step, data)
        if step == "list":
            back = cluster.take_in(cluster.listing(), dict(cluster.known))
            assert cluster.known == cluster.objects
            assert cluster.restored or not back, "nothing is read anew without a restore"
            cluster.restored = False
            event(f"went back: {back}")


@law(examples=200)
@given(st.data(), STEPS)
def test_what_a_watch_tells_while_a_listing_is_on_its_way_is_not_undone(data: st.DataObject, steps: list[str]) -> None:
    cluster = Cluster()
    for step in (step for step in steps if step not in {"restore", "list"}):
        _step(cluster, step, data)
    listing, before = cluster.listing(), dict(cluster.known)
    for uid in data.draw(st.lists(st.sampled_from("abc"), max_size=4)):
        cluster.write(uid)
        cluster.tell(uid)
    later = {uid: version for uid, version in cluster.known.items() if version > int(listing.version)}
    assert not cluster.take_in(listing, before)
    assert cluster.known.items() >= later.items()
