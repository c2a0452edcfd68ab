"""A bare client: the same requests as the operator's, with nothing thought in between."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp
from benchmarks.operator.stage import API_VERSION, Manifest
from kube_harness.proxy import Call

PLURALS = {"AnomalyJob": "anomalyjobs", "Datafeed": "datafeeds"}
AT_A_TIME = 8  # as many as the operator works off on one server


class Kubernetes:
    """The API server, as whoever a kubeconfig of the harness is for."""

    def __init__(self, kubeconfig: Path) -> None:
        content = json.loads(kubeconfig.read_text())
        cluster, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self._server = cluster["server"]
        self._trust = ssl.create_default_context(cadata=authority)
        self._headers = {"Authorization": f"Bearer {user['token']}"}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Kubernetes:
        connector = aiohttp.TCPConnector(ssl=self._trust, limit=AT_A_TIME)
        session = aiohttp.ClientSession(self._server, headers=self._headers, connector=connector)
        self._session = await self._stack.enter_async_context(session)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _send(self, method: str, path: str, body: object, content_type: str = "application/json") -> Any:
        headers = {"Content-Type": content_type}
        async with self._session.request(method, path, data=json.dumps(body), headers=headers) as answer:
            content = await answer.json()
            if answer.status >= 300:
                raise RuntimeError(f"{method} {path}: {answer.status} {content}")
            return content

    async def create(self, body: Manifest) -> Any:
        """Creates an object."""
        return await self._send("POST", _collection(body["kind"], body["metadata"]["namespace"]), body)

    async def merge(self, body: Manifest, change: Manifest) -> Any:
        """Changes an object."""
        return await self._send("PATCH", _path(body), change, "application/merge-patch+json")

    async def patch(self, body: Manifest, operations: list[dict[str, Any]], part: str = "") -> Any:
        """Changes an object, or a part of it such as `/status`, by a JSON patch."""
        return await self._send("PATCH", _path(body) + part, operations, "application/json-patch+json")

    async def event(self, namespace: str, body: Manifest) -> Any:
        """Creates an Event."""
        return await self._send("POST", f"/apis/events.k8s.io/v1/namespaces/{namespace}/events", body)

    async def list(self, kind: str, namespace: str) -> list[Manifest]:
        """All objects of a kind, as the API server has them in memory."""
        async with self._session.get(f"{_collection(kind, namespace)}?resourceVersion=0") as answer:
            found: list[Manifest] = (await answer.json())["items"]
            return found


class Server:
    """An engine, asked again what the operator asked."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Server:
        connector = aiohttp.TCPConnector(limit=AT_A_TIME)
        session = aiohttp.ClientSession(self._url, connector=connector)
        self._session = await self._stack.enter_async_context(session)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def replay(self, calls: Iterable[Call], old: str, new: str) -> None:
        """Makes the calls that were made for one pair for another."""
        for call in calls:
            body = None if call.body is None else json.dumps(call.body).replace(old, new)
            await self.call(call.method, call.path.replace(old, new), body, expected=call.status)

    async def call(self, method: str, path: str, body: str | None = None, *, expected: int = 200) -> None:
        """Makes one call, whose answer is read and thrown away."""
        headers = {"Content-Type": "application/json"}
        async with self._session.request(method, path, data=body, headers=headers) as answer:
            content = await answer.read()
            if answer.status != expected and answer.status >= 300:
                raise RuntimeError(f"{method} {path}: {answer.status} {content!r}")


async def for_each(numbers: Sequence[int], act: Callable[[int], Awaitable[None]]) -> float:
    """Acts for each number, eight at a time; the seconds that it took."""
    left, began = iter(numbers), time.perf_counter()

    async def worker() -> None:
        for number in left:
            await act(number)

    await asyncio.gather(*(worker() for _ in range(AT_A_TIME)))
    return time.perf_counter() - began


def _collection(kind: str, namespace: str) -> str:
    return f"/apis/{API_VERSION}/namespaces/{namespace}/{PLURALS[kind]}"


def _path(body: Manifest) -> str:
    return f"{_collection(body['kind'], body['metadata']['namespace'])}/{body['metadata']['name']}"
