"""What earlier versions stored is valid today, and what they made on a server is left as it is.

`tests/earlier_versions` holds, by the day of a version, objects as they were stored in a cluster, and for each pair the
calls that that version made for it on a server that had nothing, with its marks. A version's own code has written both;
the times of one bounded run lie where the simulated server has data, so that it comes to its end.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from simulated_server import Server
from test_laws import end_of, unmarked

from anomalyops.plan import (
    CreateDatafeed,
    CreateJob,
    OpenJob,
    StartDatafeed,
    Step,
    UpdateJob,
    is_mark,
    plan,
)
from anomalyops.reconciler import Pair
from anomalyops.reconciler.pair import desired, policy
from anomalyops.resources import Resource

FOLDER = Path(__file__).parents[2] / "earlier_versions"
RECORDS = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
STEPS: dict[str, type[Step]] = {
    made.__name__: made for made in (CreateJob, CreateDatafeed, OpenJob, StartDatafeed, UpdateJob)
}
PAIRS = [
    pytest.param(record, id=f"{day}-{record['objects'][0]['metadata']['name']}")
    for day, version in RECORDS.items()
    for record in version["pairs"]
]
OTHERS = [
    pytest.param(one, id=f"{day}-{one['kind']}-{one['metadata']['name']}")
    for day, version in RECORDS.items()
    for one in version["others"]
]


def pair_of(objects: list[dict[str, Any]]) -> Pair:
    read = [Resource.from_object(copy.deepcopy(one)) for one in objects]
    return Pair(job=read[0], datafeed=read[1] if len(read) > 1 else None)


def server_after(calls: list[dict[str, Any]]) -> Server:
    server = Server()
    for call in copy.deepcopy(calls):
        server.execute(STEPS[call.pop("step")](**call, reason="an earlier version asked for it"))
    return server


def settled(pair: Pair, server: Server) -> list[Step]:
    """Today's plans until there is nothing to do; their steps."""
    done: list[Step] = []
    for _ in range(3):
        made = plan(desired(pair, cluster="cluster-1"), server.observe(), policy(pair))
        assert made.obstacles == ()
        for step in made.steps:
            server.execute(step)
        done += made.steps
    assert made.empty
    return done


def lived(server: Server, ticks: int) -> Server:
    for _ in range(ticks):
        server.tick()
    return server


@pytest.mark.parametrize("stored", OTHERS)
def test_what_was_stored_can_be_read(stored: dict[str, Any]) -> None:
    assert Resource.from_object(stored).kind == stored["kind"]


@pytest.mark.parametrize("ticks", [0, 2, 40])
@pytest.mark.parametrize("record", PAIRS)
def test_an_upgrade_changes_nothing_but_marks(record: dict[str, Any], ticks: int) -> None:
    pair = pair_of(record["objects"])
    server = lived(server_after(record["calls"]), ticks)
    before = server.copy()
    steps = settled(pair, server)
    for step in steps:
        assert isinstance(step, UpdateJob)
        assert set(step.body) == {"custom_settings"}, step.reason
    assert unmarked(server) == unmarked(before)
    assert (server.analysed, server.lost, server.feed, server.run) == (before.analysed, 0, before.feed, before.run)
    assert server.job is not None
    assert any(is_mark(key) and isinstance(value, str) for key, value in server.job["custom_settings"].items())


@pytest.mark.parametrize("record", PAIRS)
def test_what_an_earlier_version_made_is_what_would_be_made_today(record: dict[str, Any]) -> None:
    pair = pair_of(record["objects"])
    server, fresh = server_after(record["calls"]), Server()
    settled(pair, server)
    settled(pair, fresh)
    assert end_of(server) == end_of(fresh)
