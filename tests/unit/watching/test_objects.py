"""What is known of the cluster, whatever order versions come in, and however often."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from anomalyops.resources import API_VERSION, AnomalyFilter
from anomalyops.watching.listing import PAGE, Scope, list_scope
from anomalyops.watching.objects import Objects

NAMES = ("one", "two")
told = st.tuples(st.sampled_from(NAMES), st.sampled_from(("a", "b")), st.integers(1, 6), st.booleans())


def body(name, uid="a", version=1, word=""):
    return {
        "apiVersion": API_VERSION,
        "kind": "AnomalyFilter",
        "metadata": {"name": name, "namespace": "web", "uid": uid, "resourceVersion": str(version)},
        "spec": {"items": ["x"], "description": word or f"{uid}{version}"},
    }


@given(st.lists(told, max_size=30))
def test_the_newest_version_is_known(tellings):
    objects, newest, changes = Objects(), {}, []
    objects.tell(changes.append)
    for name, uid, version, force in tellings:
        before, counted = newest.get(name), len(changes)
        objects.put(body(name, uid, version), force=force)
        if force or before is None or before[0] != uid or before[1] <= version:
            newest[name] = (uid, version)
        found = {key.name: one for key, one in objects.of(AnomalyFilter).items()}
        assert {name: one.resource.spec.description for name, one in found.items()} == {
            name: f"{uid}{version}" for name, (uid, version) in newest.items()
        }
        assert (len(changes) > counted) or newest[name] == before, "whoever is told misses no change"


def test_a_version_that_is_known_is_not_read_again():
    objects = Objects()
    first, before = objects.put(body("one"))
    assert before is None
    again, known = objects.put(body("one"))
    assert again is first
    assert known is first


def test_after_a_restore_of_etcd_the_same_version_may_be_another():
    objects = Objects()
    objects.put(body("one"))
    seen, _ = objects.put(body("one", word="as it was restored"), force=True)
    assert seen.resource.spec.description == "as it was restored"


class Pages:
    """An API server that has many objects, and remembers how many bodies were held at a time."""

    def __init__(self, count):
        self.bodies = [body(f"filter-{number}", uid=str(number)) for number in range(count)]
        self.taken = []
        self.waiting = 0  # the most that were sent and not taken when the next page was asked for

    async def get(self, path):
        query = parse_qs(urlsplit(path).query)
        begin = int(query.get("continue", ["0"])[0])
        self.waiting = max(self.waiting, begin - len(self.taken))
        end = begin + int(query["limit"][0])
        metadata = {"resourceVersion": "9"} | ({"continue": str(end)} if end < len(self.bodies) else {})
        return {"kind": "AnomalyFilterList", "metadata": metadata, "items": self.bodies[begin:end]}


@given(st.integers(0, 3 * PAGE))
def test_a_listing_gives_each_object_once_and_keeps_no_page(count):
    api, scope = Pages(count), Scope("anomalyfilters", None)
    listing = asyncio.run(list_scope(api, scope, lambda one: api.taken.append(one["metadata"]["name"])))
    assert api.taken == [one["metadata"]["name"] for one in api.bodies]
    assert (listing.objects, listing.version, api.waiting) == ([], "9", 0)
    whole = asyncio.run(list_scope(api, scope))
    assert [one["metadata"]["name"] for one in whole.objects] == api.taken
