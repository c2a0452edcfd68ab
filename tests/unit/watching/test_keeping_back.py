"""Nothing that changes something is sent once the guard says no, however late it does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from anomalyops.elastic import Endpoint, Gateway, KeptBack
from anomalyops.fencing import tracing
from anomalyops.watching.kubeapi import KubeApi, KubeApiError


@dataclass
class Server:
    """Answers everything, and remembers what was asked."""

    url: str = ""
    calls: list[str] = field(default_factory=list)
    drop: set[str] = field(default_factory=set)  # methods whose next call is answered by a closed connection

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.calls.append(f"{request.method} {request.path}")
        if request.method in self.drop:
            self.drop.remove(request.method)
            assert request.transport is not None
            request.transport.close()
        headers = {"X-Elastic-Product": "Elasticsearch"}
        return web.json_response({"metadata": {"resourceVersion": "2"}, "acknowledged": True}, headers=headers)

    def writes(self) -> list[str]:
        return [call for call in self.calls if not call.startswith("GET")]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    known = Server()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", known.answer)
    async with TestServer(app) as running:
        known.url = str(running.make_url("/")).rstrip("/")
        yield known


class Guard:
    """Agrees a number of times, then never again."""

    def __init__(self, agrees: int) -> None:
        self.left = agrees

    def __call__(self) -> str:
        self.left -= 1
        return "" if self.left >= 0 else "another leads"


Open = list[Callable[[], Awaitable[None]]]


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    closing: Open = []
    yield closing
    for close in closing:
        await close()


async def to_elasticsearch(server: Server, guard: Guard, opened: Open) -> Callable[[], Awaitable[object]]:
    gateway = Gateway(Endpoint(urls=(server.url,)), guard=guard)
    opened.append(gateway.close)
    await gateway.rest.read("GET", "/")
    return lambda: gateway.create_filter("hosts", {"items": ["a"]})


async def to_kubernetes(server: Server, guard: Guard, opened: Open) -> Callable[[], Awaitable[object]]:
    configuration = Configuration()
    configuration.host = server.url
    configuration.trace_configs = [tracing()]
    api = KubeApi(ApiClient(configuration), guard=guard)
    opened.append(api.close)
    await api.get("/api/v1/namespaces/x")
    return lambda: api.merge_patch("/api/v1/namespaces/x", {"metadata": {}})


async def to_kibana(server: Server, guard: Guard, opened: Open) -> Callable[[], Awaitable[object]]:
    gateway = Gateway(Endpoint(urls=(server.url,), kibana_url=server.url), guard=guard)
    opened.append(gateway.close)
    return gateway.sync_saved_objects


EDGES = pytest.mark.parametrize("edge", [to_elasticsearch, to_kubernetes, to_kibana])
Edge = Callable[[Server, Guard, Open], Awaitable[Callable[[], Awaitable[object]]]]


@EDGES
@pytest.mark.parametrize("agrees", [0, 1])
async def test_a_call_is_kept_back_before_it_and_when_it_is_about_to_be_sent(
    server: Server, opened: Open, edge: Edge, agrees: int
) -> None:
    """With one agreement it was allowed to begin, and the connection came too late."""
    call = await edge(server, Guard(agrees), opened)
    seen = list(server.calls)
    with pytest.raises((KeptBack, KubeApiError), match="another leads"):
        await call()
    assert server.calls == seen


@EDGES
async def test_an_allowed_call_is_sent(server: Server, opened: Open, edge: Edge) -> None:
    call = await edge(server, Guard(2), opened)
    seen = len(server.calls)
    await call()
    assert len(server.calls) == seen + 1


async def test_what_the_client_repeats_is_asked_about_again(server: Server, opened: Open) -> None:
    """A PUT over a kept connection that turns out to be closed is repeated by the client itself."""
    call = await to_elasticsearch(server, Guard(2), opened)
    server.drop.add("PUT")
    with pytest.raises(KeptBack, match="another leads"):
        await call()
    assert server.writes() == ["PUT /_ml/filters/hosts"]


async def test_reads_are_nobodys_business(server: Server) -> None:
    gateway = Gateway(Endpoint(urls=(server.url,)), guard=Guard(0))
    await gateway.rest.read("POST", "/_search", body={})
    await asyncio.gather(*(gateway.rest.read("GET", "/") for _ in range(3)))
    assert len(server.calls) == 4
    await gateway.close()
