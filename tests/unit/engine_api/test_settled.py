"""Who has an answer whole finds the request counted, and its bytes given back, in whatever is asked next."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.api.credentials import Doorkeeper
from anomalyops_engine.api.inflight import InFlight
from anomalyops_engine.api.instruments import Instruments
from anomalyops_engine.api.middleware import ExchangeMiddleware
from anomalyops_engine.security import SecurityService
from anomalyops_engine.store import Store


@pytest.fixture(scope="module")
def doorkeeper(tmp_path_factory):
    store = Store.open(tmp_path_factory.mktemp("settled"))
    yield Doorkeeper(SecurityService(store))
    store.close()


def counted(instruments):
    return {
        sample.labels["status"]: sample.value
        for metric in instruments.registry.collect()
        for sample in metric.samples
        if sample.name == "anomalyops_engine_requests_total"
    }


@st.composite
def endings(draw):
    """Return how an application answers: whole, in parts, rendered anew, or not at all."""
    return {
        "status": draw(st.sampled_from([200, 201, 404, 429, 503])),
        "parts": draw(st.lists(st.sampled_from([b"", b" ", b"\n"]), max_size=4)),
        "kind": draw(st.sampled_from([b"application/json", b"text/plain"])),
        "query": draw(st.sampled_from([b"", b"pretty", b"filter_path=a"])),
        "body": draw(st.sampled_from([b"", b"{}", b'{"a":"' + b"x" * 3000 + b'"}'])),
        "raises": draw(st.sampled_from([None, None, ValueError, asyncio.CancelledError])),
        "gone": draw(st.booleans()) and draw(st.booleans()),
    }


@given(story=st.lists(endings(), min_size=1, max_size=4))
def test_an_answer_that_is_whole_has_been_counted(doorkeeper, story):
    instruments, budget = Instruments(), InFlight(2500)

    async def ask(ending):
        async def inner(scope, receive, send):
            await receive()
            if ending["raises"]:
                raise ending["raises"]
            headers = [(b"content-type", ending["kind"])]
            await send({"type": "http.response.start", "status": ending["status"], "headers": headers})
            for part in ending["parts"]:
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b"{}"})

        async def receive():
            if ending["gone"]:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": ending["body"], "more_body": False}

        before, status = sum(counted(instruments).values()), []

        async def send(message):
            if message["type"] == "http.response.start":
                status.append(str(message["status"]))
            elif not message.get("more_body", False):
                now = counted(instruments)
                assert sum(now.values()) == before + 1
                assert now[status[0]] >= 1
                assert budget.held == 0

        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/x", "query_string": ending["query"], "headers": headers}
        scope |= {"scheme": "http", "server": ("127.0.0.1", 9200), "client": ("127.0.0.1", 1), "http_version": "1.1"}
        await ExchangeMiddleware(inner, doorkeeper, in_flight=budget, instruments=instruments)(scope, receive, send)
        assert len(status) == (0 if ending["gone"] else 1)
        assert sum(counted(instruments).values()) == before + 1
        assert budget.held == 0

    async def tell():
        for ending in story:
            await ask(ending)

    asyncio.run(tell())
