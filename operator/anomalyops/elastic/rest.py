"""One REST call through the official async client: authentication, TLS, retries, typed errors."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from elastic_transport import AsyncTransport, NodeConfig, TransportApiResponse, TransportError
from elastic_transport.client_utils import url_to_node_config
from elasticsearch import ApiError, AsyncElasticsearch

from anomalyops.elastic.credentials import Credentials
from anomalyops.elastic.errors import Busy, KeptBack, NotAnElasticsearch, ServerError, Unreachable, Unsupported
from anomalyops.elastic.keeping_back import AskingNode, keeping_back
from anomalyops.elastic.pace import Pace
from anomalyops.elastic.tls import tls_context
from anomalyops.elastic.translate import from_exception
from anomalyops.fencing import Guard, free

Timed = Callable[[str, str, float], None]
"""Is told of a call that has ended: its method, its outcome, and the seconds that it took.

The outcome is `ok`, or the name of the `GatewayError`.
"""

_FIRST_PAUSE = 0.2  # seconds before the second attempt of a read; doubles
_CONCURRENT_CALLS = 32  # for one connection; a restart with thousands of resources queues here, not on the server


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a server is and how to reach it.

    Attributes:
        urls: One or several nodes of the same cluster, `scheme://host[:port][/prefix]`.
        credentials: How to authenticate, None for none.
        insecure_skip_verify: Accept any certificate.
        request_timeout: Seconds to wait for an answer to an ordinary call.
        read_retries: How often a read is tried again.
        requests_per_second: The most requests in a second, None for any.
        kibana_url: Base URL of Kibana, None when there is none.
        kibana_space: The Kibana space whose saved objects are synchronised, None for the default space.
    """

    urls: tuple[str, ...]
    credentials: Credentials | None = None
    insecure_skip_verify: bool = False
    request_timeout: float = 30.0
    read_retries: int = 2
    requests_per_second: int | None = None
    kibana_url: str | None = None
    kibana_space: str | None = None

    def __post_init__(self) -> None:
        if not self.urls:
            raise ValueError("a connection needs at least one URL, for example https://elasticsearch:9200")
        for url in (*self.urls, *([self.kibana_url] if self.kibana_url else [])):
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                shown = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
                raise ValueError(f"URL {shown!r} is not of the form https://host:port (http or https)")


@dataclass(slots=True)
class _Pause:
    """Growing pauses with jitter between the attempts of a read."""

    seconds: float = _FIRST_PAUSE
    _random: random.Random = field(default_factory=random.Random)

    async def wait(self) -> None:
        await asyncio.sleep(self.seconds * self._random.uniform(0.5, 1.5))
        self.seconds *= 2


class _QuietTransport(AsyncTransport):
    """Drops `Warning` headers: the client would turn each deprecation notice into a Python warning."""

    async def perform_request(  # type: ignore[override]
        self,
        method: str,
        target: str,
        **options: Any,
    ) -> TransportApiResponse:
        response = await super().perform_request(method, target, **options)
        response.meta.headers.pop("warning", None)
        return response


class Rest:
    """Sends one call and answers its JSON body; every failure is a `GatewayError`.

    Reads are repeated a few times when the node cannot be reached or is overloaded (the client's pool then
    offers the next node); writes are sent once: the reconciler looks at the server before it repeats one.
    """

    def __init__(self, endpoint: Endpoint, *, timed: Timed | None = None, guard: Guard = free) -> None:
        self.endpoint = endpoint
        self.guard = guard
        self._timed = timed or _untold
        self._client = _client(endpoint)
        self._slots = asyncio.Semaphore(_CONCURRENT_CALLS)
        self._pace = Pace(endpoint.requests_per_second)

    async def read(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """A call without effect on the server; repeated when that is promising.

        Raises:
            GatewayError: What went wrong in the last attempt.
        """
        return _object(await self._persistently(method, path, query=query, body=body), f"{method} {path}")

    async def read_list(self, method: str, path: str, *, body: Mapping[str, Any] | None = None) -> list[Any]:
        """As `read`, for the few calls that answer a list.

        Raises:
            GatewayError: What went wrong in the last attempt.
        """
        answer = await self._persistently(method, path, query=None, body=body)
        if not isinstance(answer, list):
            raise NotAnElasticsearch("the answer is not a JSON list", call=f"{method} {path}", status=200)
        return answer

    async def _persistently(
        self, method: str, path: str, *, query: Mapping[str, Any] | None, body: Mapping[str, Any] | None
    ) -> object:
        pause = _Pause()
        for _ in range(self.endpoint.read_retries):
            try:
                return await self._send(method, path, query=query, body=body)
            except (Unreachable, Busy, ServerError) as error:
                if isinstance(error, Unsupported):
                    raise
            await pause.wait()
        return await self._send(method, path, query=query, body=body)

    async def write(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | bytes | None = None,
        seconds: float | None = None,
    ) -> dict[str, Any]:
        """One attempt of one call.

        Args:
            method: HTTP method.
            path: Path below the URL, ids already quoted.
            query: Query parameters.
            body: JSON body, or the bytes of an NDJSON body.
            seconds: How long to wait for the answer, by default the connection's `request_timeout`.

        Raises:
            GatewayError: The call failed; its class says how.
        """
        answer = await self._send(method, path, query=query, body=body, seconds=seconds, guard=self.guard)
        return _object(answer, f"{method} {path}")

    async def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None,
        body: Mapping[str, Any] | bytes | None,
        seconds: float | None = None,
        guard: Guard = free,
    ) -> object:
        headers = {"accept": "application/json"}
        if body is not None:
            headers["content-type"] = "application/x-ndjson" if isinstance(body, bytes) else "application/json"
        client = self._client.options(request_timeout=seconds or self.endpoint.request_timeout)
        async with self._slots:
            await self._pace.turn()
            begun, outcome = time.perf_counter(), "cancelled"
            try:
                with keeping_back(guard, f"{method} {path}"):
                    response = await client.perform_request(
                        method,
                        path,
                        params=query,
                        headers=headers,
                        body=_plain_dict(body) if isinstance(body, Mapping) else body,
                    )
            except KeptBack:
                outcome = "KeptBack"
                raise
            except (ApiError, TransportError) as error:
                failed = from_exception(error, call=f"{method} {path}")
                outcome = type(failed).__name__
                raise failed from None
            else:
                outcome = "ok"
            finally:
                self._timed(method, outcome, time.perf_counter() - begun)
        return response.body

    async def close(self) -> None:
        """Closes the connections. The gateway is of no use afterwards."""
        await self._client.close()


def _untold(_method: str, _outcome: str, _seconds: float) -> None:
    """Nobody wants to know."""


def _object(answer: object, call: str) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise NotAnElasticsearch("the answer is not a JSON object", call=call, status=200)
    return answer


def _client(endpoint: Endpoint) -> AsyncElasticsearch:
    authorization = endpoint.credentials.authorization() if endpoint.credentials else None
    return AsyncElasticsearch(
        node_configs(endpoint, endpoint.urls),
        transport_class=_QuietTransport,
        node_class=AskingNode,
        request_timeout=endpoint.request_timeout,
        max_retries=0,
        headers={"authorization": authorization} if authorization else {},
    )


def node_configs(endpoint: Endpoint, urls: Sequence[str]) -> list[NodeConfig]:
    """The client's configuration of each node, with the endpoint's TLS settings."""
    context: ssl.SSLContext | None = None
    nodes = []
    for url in urls:
        node = url_to_node_config(url, use_default_ports_for_scheme=True)
        node.connections_per_node = _CONCURRENT_CALLS
        if node.scheme == "https":
            context = context or tls_context(endpoint.credentials, skip_verify=endpoint.insecure_skip_verify)
            node.ssl_context = context
        nodes.append(node)
    return nodes


def _plain_dict(body: Mapping[str, Any]) -> dict[str, Any]:
    """A copy made of plain dicts and lists, as the client's serializer wants it."""
    return {key: _plain(value) for key, value in body.items()}


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return _plain_dict(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
