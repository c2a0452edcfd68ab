"""One Kibana: its public API over the official client's transport."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from elastic_transport import ApiResponseMeta, AsyncTransport, HttpHeaders, NodeConfig, TransportError
from elastic_transport.client_utils import url_to_node_config

from anomalyops_insight.errors import BadRequestError, InsightError, RefusedError, UnreachableError
from anomalyops_insight.server.connection import Endpoint, tls
from anomalyops_insight.server.failures import OF_A_PROXY, content, unanswered

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
        shown, call = self.endpoint.shown(), f"{method} {self._prefix}{path}"
        target = f"{self._prefix}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            answer = await self._transport.perform_request(
                method, target, headers=self._headers(body), body=dict(body) if body is not None else None,
                request_timeout=self.endpoint.request_timeout,
            )  # fmt: skip
        except TransportError as error:
            raise unanswered(error, shown, call, self.endpoint.request_timeout, "Kibana") from error
        status, found = answer.meta.status, answer.body
        if status < 300 and isinstance(found, Mapping):
            return found
        raise _failed(answer.meta, found, shown, call)

    def _headers(self, body: object) -> HttpHeaders:
        headers = HttpHeaders(
            {"accept": "application/json", "kbn-xsrf": "anomalyops", "elastic-api-version": _API_VERSION}
        )
        if body is not None:
            headers["content-type"] = "application/json"
        if authorization := self.endpoint.authorization():
            headers["authorization"] = authorization
        return headers


def _failed(meta: ApiResponseMeta, body: Any, shown: str, call: str) -> InsightError:
    """The error of an answer that is not what was asked for: of Kibana, or of something else in its place."""
    of_elasticsearch = "x-elastic-product" in meta.headers or (
        isinstance(body, Mapping) and isinstance(body.get("error"), Mapping)
    )
    if of_elasticsearch:
        return UnreachableError(f"{shown} is Elasticsearch: give the URL of its Kibana ({call} gave {meta.status})")
    known = "kbn-name" in meta.headers or (isinstance(body, Mapping) and {"statusCode", "message"} & set(body))
    if not known and meta.status not in OF_A_PROXY:
        what = f"{call} gave {content(body)} ({meta.status})"
        return UnreachableError(f"{shown} does not answer as Kibana does: {what}; is the URL right?")
    reason = content(body)
    hint = _NO_BUILDER if meta.status == 404 and call.endswith("/tools") else ""
    return RefusedError(f"{shown}: {call}: {reason} ({meta.status}){hint}", status=meta.status, reason=reason)


def _node(endpoint: Endpoint) -> NodeConfig:
    (url,) = endpoint.urls
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise ValueError("expected http://host:port or https://host:port")
    options = {"ssl_context": tls(endpoint)} if url.startswith("https:") else {}
    return url_to_node_config(url, use_default_ports_for_scheme=True).replace(**options)
