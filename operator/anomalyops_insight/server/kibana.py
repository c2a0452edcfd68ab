"""One Kibana: its public API over the official client's transport."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from elastic_transport import AsyncTransport, HttpHeaders, NodeConfig, TransportError
from elastic_transport.client_utils import url_to_node_config

from anomalyops_insight.errors import BadRequestError, RefusedError, UnreachableError
from anomalyops_insight.server.connection import Endpoint, tls

_API_VERSION = "2023-10-31"  # the public API version that Kibana 8.x and 9.x serve
_NO_BUILDER = "; Agent Builder is in Kibana from 9.2 on, where it is switched on"


class Kibana:
    """Calls of one Kibana and space; every failure is an `InsightError`."""

    def __init__(self, endpoint: Endpoint, space: str = "default") -> None:
        """Opens nothing yet.

        Raises:
            BadRequestError: The URL or the CA cannot be used.
        """
        self.endpoint = endpoint
        self._prefix = "" if space == "default" else f"/s/{quote(space, safe='')}"
        try:
            self._transport = AsyncTransport([_node(endpoint)], max_retries=0)
        except ValueError as error:
            raise BadRequestError(f"{endpoint.shown()}: {error}") from error

    async def __aenter__(self) -> Kibana:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.close()

    async def read(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
    ) -> Any:
        """The JSON body of a call's answer.

        Raises:
            RefusedError: Kibana answers with an error.
            UnreachableError: It does not answer, or not as Kibana does.
        """
        where = f"{self.endpoint.shown()}: {method} {self._prefix}{path}"
        target = f"{self._prefix}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            answer = await self._transport.perform_request(
                method, target, headers=self._headers(body), body=dict(body) if body is not None else None,
                request_timeout=self.endpoint.request_timeout,
            )  # fmt: skip
        except TransportError as error:
            raise UnreachableError(f"{self.endpoint.shown()} cannot be reached: {error.message}") from error
        status, found = answer.meta.status, answer.body
        if not isinstance(found, Mapping):
            raise UnreachableError(f"{where}: the answer is not JSON ({status}); is this the URL of Kibana?")
        if status >= 300:
            reason = str(found.get("message") or found.get("error") or "refused")
            hint = _NO_BUILDER if status == 404 and path.endswith("/tools") else ""
            raise RefusedError(f"{where}: {reason} ({status}){hint}", status=status, kind="", reason=reason)
        return found

    def _headers(self, body: object) -> HttpHeaders:
        headers = HttpHeaders(
            {"accept": "application/json", "kbn-xsrf": "anomalyops", "elastic-api-version": _API_VERSION}
        )
        if body is not None:
            headers["content-type"] = "application/json"
        if authorization := _authorization(self.endpoint):
            headers["authorization"] = authorization
        return headers


def _node(endpoint: Endpoint) -> NodeConfig:
    (url,) = endpoint.urls
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise ValueError("expected http://host:port or https://host:port")
    options = {"ssl_context": tls(endpoint)} if url.startswith("https:") else {}
    return url_to_node_config(url, use_default_ports_for_scheme=True).replace(**options)


def _authorization(endpoint: Endpoint) -> str | None:
    if endpoint.api_key is not None:
        key = endpoint.api_key
        return f"ApiKey {base64.b64encode(key.encode()).decode() if ':' in key else key}"
    if endpoint.username is not None:
        pair = f"{endpoint.username}:{endpoint.password or ''}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"
    return f"Bearer {endpoint.bearer}" if endpoint.bearer is not None else None
