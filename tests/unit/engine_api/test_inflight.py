"""Bodies together take no more than their budget, and give it back however their exchange ends."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.api.credentials import Doorkeeper
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.inflight import InFlight
from anomalyops_engine.api.middleware import ExchangeMiddleware
from anomalyops_engine.security import SecurityService
from anomalyops_engine.store import Store
from waiting import reached


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 60), st.booleans()), max_size=30))
def test_what_is_held_never_exceeds_the_budget_and_comes_back(steps):
    budget = InFlight(100)
    holdings, counts = [budget.hold() for _ in range(4)], [0] * 4
    for which, count, closes in steps:
        if closes:
            holdings[which].close()
            counts[which] = 0
            continue
        try:
            holdings[which].take(count)
            counts[which] += count
        except ApiError as error:
            refused = error.status, error.details["bytes_wanted"]
            assert refused == (429, sum(counts) + count)
            assert sum(counts) + count > 100
        assert sum(counts) <= 100
    for holding in holdings:
        holding.close()
    budget.hold().take(100)


@pytest.mark.parametrize("packed", [False, True])
def test_many_bodies_at_once_are_refused_with_when_to_come_back(tmp_path, packed):
    store = Store.open(tmp_path)
    refused = []

    async def slow(scope, receive, send):
        await receive()
        await reached(lambda: len(refused) == 4, "the refusal of four")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def ask(app, body):
        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        if packed:
            headers.append((b"content-encoding", b"gzip"))
        scope = {"type": "http", "method": "POST", "path": "/x", "query_string": b"", "headers": headers}
        scope |= {"scheme": "http", "server": ("127.0.0.1", 9200), "client": ("127.0.0.1", 1), "http_version": "1.1"}
        sent = []

        async def receive():
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message):
            sent.append(message)

        await app(scope, receive, send)
        if sent[0]["status"] == 429:
            refused.append(scope)
        return sent[0]["status"], dict(sent[0]["headers"])

    async def story():
        app = ExchangeMiddleware(slow, Doorkeeper(SecurityService(store)), in_flight=InFlight(2500))
        body = b'{"a":"' + b"x" * 993 + b'"}'
        body = gzip.compress(body) if packed else body
        for _ in range(3):
            refused.clear()
            answers = await asyncio.gather(*(ask(app, body) for _ in range(6)))
            assert [status for status, _ in answers].count(200) == 2
            assert all(headers[b"retry-after"] == b"1" for status, headers in answers if status == 429)

    asyncio.run(story())
    store.close()
