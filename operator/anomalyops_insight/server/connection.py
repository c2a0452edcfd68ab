"""One Elasticsearch-compatible server behind the official async client."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import certifi
from elastic_transport import AsyncTransport, TransportApiResponse, TransportError
from elasticsearch import ApiError, AsyncElasticsearch

from anomalyops_insight.errors import BadRequestError
from anomalyops_insight.server.failures import answered, unanswered


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a server is, and how to reach it.

    Attributes:
        urls: Nodes of one cluster, `scheme://host:port`.
        api_key: `id:key`, or its base64; before a user name.
        username: For basic authentication, with `password`.
        password: See there.
        bearer: A token.
        ca_pem: PEM text of the authorities to trust instead of the system's.
        insecure_skip_verify: Accept any certificate.
        request_timeout: Seconds to wait for an answer.
    """

    urls: tuple[str, ...]
    api_key: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    bearer: str | None = field(default=None, repr=False)
    ca_pem: str | None = field(default=None, repr=False)
    insecure_skip_verify: bool = False
    request_timeout: float = 60.0

    def authorization(self) -> str | None:
        """The header that logs in, for calls that the official client does not make; None without credentials."""
        if self.api_key is not None:
            return f"ApiKey {_base64(self.api_key) if ':' in self.api_key else self.api_key}"
        if self.username is not None:
            return f"Basic {_base64(':'.join((self.username, self.password or '')))}"
        return f"Bearer {self.bearer}" if self.bearer is not None else None

    def shown(self) -> str:
        """The URLs without what they may hold of passwords."""
        parts = [urlsplit(url) for url in self.urls]
        return ", ".join(part._replace(netloc=part.netloc.rpartition("@")[2]).geturl() for part in parts)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class _QuietTransport(AsyncTransport):
    """Drops `Warning` headers, which the client would turn into Python warnings."""

    async def perform_request(  # type: ignore[override]
        self, method: str, target: str, **options: Any
    ) -> TransportApiResponse:
        response = await super().perform_request(method, target, **options)
        response.meta.headers.pop("warning", None)
        return response


class Server:
    """Reads of one server; every failure is an `InsightError`."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Opens nothing yet.

        Raises:
            BadRequestError: A URL or the CA cannot be used.
        """
        self.endpoint = endpoint
        try:
            self._client = _client(endpoint)
        except ValueError as error:
            raise BadRequestError(f"{endpoint.shown()}: {error}") from error

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    async def read(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
    ) -> Any:
        """The JSON body of a call's answer.

        Raises:
            RefusedError: The server answers with an error.
            UnreachableError: It does not answer, or not as Elasticsearch does.
        """
        headers = {"accept": "application/json"} | ({"content-type": "application/json"} if body is not None else {})
        shown, call = self.endpoint.shown(), f"{method} {path}"
        try:
            answer = await self._client.perform_request(
                method, path, params=dict(query or {}), headers=headers, body=dict(body) if body is not None else None
            )
        except ApiError as error:
            raise answered(error, shown, call) from error
        except TransportError as error:
            raise unanswered(error, shown, call, self.endpoint.request_timeout) from error
        return answer.body


def _client(endpoint: Endpoint) -> AsyncElasticsearch:
    options: dict[str, Any] = {}
    if endpoint.api_key is not None:
        key = endpoint.api_key
        options["api_key"] = tuple(key.split(":", 1)) if ":" in key else key
    elif endpoint.username is not None:
        options["basic_auth"] = (endpoint.username, endpoint.password or "")
    elif endpoint.bearer is not None:
        options["bearer_auth"] = endpoint.bearer
    if any(url.startswith("https:") for url in endpoint.urls):
        options["ssl_context"] = tls(endpoint)
    return AsyncElasticsearch(
        list(endpoint.urls),
        transport_class=_QuietTransport,
        request_timeout=endpoint.request_timeout,
        retry_on_status=(429, 502, 503, 504),
        max_retries=2,
        **options,
    )


def tls(endpoint: Endpoint) -> ssl.SSLContext:
    """What an endpoint trusts.

    Raises:
        ValueError: Its CA is not a certificate.
    """
    try:
        context = ssl.create_default_context(cadata=endpoint.ca_pem)
    except ssl.SSLError as error:
        raise ValueError(f"the CA is not a PEM certificate: {error.reason or error}") from None
    if endpoint.ca_pem is None:
        context.load_verify_locations(cafile=certifi.where())
    if endpoint.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
