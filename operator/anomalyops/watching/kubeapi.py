"""The few calls to the Kubernetes API that kopf does not offer, through the official client's asyncio part.

`kubernetes.aio` shares aiohttp with kopf and needs no threads, so nothing here blocks the event loop.
Requests are made with plain dictionaries: the client's typed models would be most of this process's memory.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config.incluster_config import (
    SERVICE_HOST_ENV_NAME,
    SERVICE_TOKEN_FILENAME,
    load_incluster_config,
)
from kubernetes.aio.config.kube_config import load_kube_config

from anomalyops.fencing import Guard, KeptBackError, free, guarded, tracing

JsonObject = dict[str, Any]

REQUEST_TIMEOUT = 30.0  # seconds
WATCH_TIMEOUT = 300  # seconds until the server ends a watch, so that a silent one is noticed


class KubeApiError(Exception):
    """The Kubernetes API refused a request, or did not answer (status 0)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    @property
    def missing(self) -> bool:
        """The object does not exist (404)."""
        return self.status == 404

    @property
    def forbidden(self) -> bool:
        """The service account has no right to do this (403)."""
        return self.status == 403

    @property
    def outdated(self) -> bool:
        """A conflict (409), or a `test` of a JSON patch that failed (422): look again and retry."""
        return self.status in {409, 422}

    @property
    def refused(self) -> bool:
        """The object itself is not accepted (422, and no patch's `test`), or may not be written (403)."""
        return self.status == 403 or (self.status == 422 and " is invalid:" in str(self))

    @property
    def gone(self) -> bool:
        """A watch's resource version is too old (410)."""
        return self.status == 410


class KubeApi:
    """Get, create, patch and watch of single objects by path."""

    def __init__(self, client: ApiClient, *, guard: Guard = free, watches: ApiClient | None = None) -> None:
        self._client = client
        self._watches = watches or client
        self._guard = guard

    @classmethod
    async def connect(
        cls, *, guard: Guard = free, kubeconfig: str | None = None, context: str | None = None
    ) -> KubeApi:
        """Connects as the pod's service account, else as the kubeconfig says (KUBECONFIG, `~/.kube/config`).

        Args:
            guard: Says whether something may be changed now.
            kubeconfig: Another file, which also comes before the service account.
            context: Another context of the file than the present one, likewise.

        Raises:
            kubernetes.aio.config.ConfigException: neither is there.
        """
        configuration = Configuration()
        if in_cluster() and kubeconfig is None and context is None:
            load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        else:
            await load_kube_config(  # type: ignore[no-untyped-call]
                config_file=kubeconfig, context=context, client_configuration=configuration
            )
        if configuration.proxy is None:
            configuration.proxy = proxy_of_environment(str(configuration.host))
        # What the environment says is asked once: the session would do so in a thread before each request.
        configuration.client_session_kwargs = {"trust_env": False}
        configuration.trace_configs = [tracing()]
        client = ApiClient(configuration)
        # A watch keeps its connection for minutes; among a limited number of them requests would wait for that.
        configuration.connection_pool_maxsize = 0
        return cls(client, guard=guard, watches=ApiClient(configuration))

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()  # type: ignore[no-untyped-call]
        if self._watches is not self._client:
            await self._watches.close()  # type: ignore[no-untyped-call]

    async def get(self, path: str) -> JsonObject:
        """Reads one object.

        Raises:
            KubeApiError: with the status that the API answered.
        """
        return await self._request("GET", path)

    async def create(self, path: str, body: Mapping[str, Any]) -> JsonObject:
        """Creates an object in the collection at `path`."""
        return await self._request("POST", path, body=dict(body))

    async def delete(self, path: str, *, uid: str) -> None:
        """Deletes the object at `path` if it is this one; one that is gone, or another by now, is success."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
        try:
            await self._request("DELETE", path, body=body)
        except KubeApiError as error:
            if not error.missing and error.status != 409:
                raise

    async def json_patch(self, path: str, operations: Sequence[Mapping[str, Any]]) -> JsonObject:
        """Applies an RFC 6902 patch; `test` operations that fail are a KubeApiError with `outdated`."""
        return await self._request("PATCH", path, body=list(operations), content_type="application/json-patch+json")

    async def merge_patch(self, path: str, body: Mapping[str, Any]) -> JsonObject:
        """Applies an RFC 7386 patch."""
        return await self._request("PATCH", path, body=dict(body), content_type="application/merge-patch+json")

    async def apply(self, path: str, body: Mapping[str, Any], *, manager: str) -> JsonObject:
        """Applies an object on the server's side: the fields of `body` are the manager's, whoever had them before."""
        return await self._request(
            "PATCH",
            path,
            body=dict(body),
            content_type="application/apply-patch+yaml",  # JSON is YAML
            query=(("fieldManager", manager), ("force", "true")),
        )

    async def watch(self, path: str, *, name: str, resource_version: str) -> AsyncIterator[JsonObject]:
        """Yields the events of one object of the collection at `path`, until the server ends the watch.

        The field selector names the object, so that a Role with `resourceNames` is enough.

        Raises:
            KubeApiError: the watch was refused, or `gone` when the version is too old.
        """
        query = [
            ("watch", "true"),
            ("fieldSelector", f"metadata.name={name}"),
            ("resourceVersion", resource_version),
            ("timeoutSeconds", str(WATCH_TIMEOUT)),
        ]
        timeout = aiohttp.ClientTimeout(total=WATCH_TIMEOUT + 30, sock_connect=REQUEST_TIMEOUT)
        response = await self._send("GET", path, query=query, timeout=timeout, client=self._watches)
        try:
            if response.status != 200:
                raise KubeApiError(response.status, _reason(await response.read()))
            async for line in _lines(response.content):
                event: JsonObject = json.loads(line)
                if event["type"] == "ERROR":
                    raise KubeApiError(event["object"].get("code", 0), event["object"].get("message", ""))
                yield event
        except (aiohttp.ClientError, TimeoutError) as error:
            raise KubeApiError(0, f"watch of {path} broke: {error}") from error
        finally:
            response.close()

    async def _request(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        content_type: str = "application/json",
        query: Sequence[tuple[str, str]] = (),
    ) -> JsonObject:
        timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT)
        changes = guarded(self._guard) if method != "GET" else nullcontext()
        try:
            with changes:
                response = await self._send(
                    method, path, body=body, query=query, content_type=content_type, timeout=timeout
                )
        except KeptBackError as error:
            raise KubeApiError(0, f"{method} {path} was not sent: {error}") from None
        try:
            content = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise KubeApiError(0, f"{method} {path}: {error}") from error
        if not 200 <= response.status < 300:
            raise KubeApiError(response.status, f"{method} {path}: {_reason(content)}")
        answer: JsonObject = json.loads(content) if content else {}
        return answer

    async def _send(
        self,
        method: str,
        path: str,
        *,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - handed on to aiohttp
        body: object = None,
        query: Sequence[tuple[str, str]] = (),
        content_type: str = "application/json",
        client: ApiClient | None = None,
    ) -> aiohttp.ClientResponse:
        url, headers = await self._prepared(method, path, query, content_type)
        try:
            answer = await (client or self._client).call_api(
                method, url, header_params=headers, body=body, _request_timeout=timeout
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise KubeApiError(0, f"{method} {path}: {str(error) or type(error).__name__}") from error
        response: aiohttp.ClientResponse = answer.response
        return response

    async def _prepared(
        self, method: str, path: str, query: Sequence[tuple[str, str]], content_type: str
    ) -> tuple[str, dict[str, str]]:
        """The full address and the headers, with a token that is fresh."""
        _, url, headers, _, _ = await self._client.param_serialize(
            method,
            path,
            query_params=list(query),
            header_params={"Accept": "application/json", "Content-Type": content_type},
            auth_settings=["BearerToken"],
        )
        return url, headers


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """The whole lines of a stream, however long; what is left at the end was cut off.

    aiohttp's own reading of lines gives up at 128 KiB, and a ConfigMap has up to 1 MiB.
    """
    begun: list[bytes] = []
    async for chunk in content.iter_any():
        *ended, rest = chunk.split(b"\n")
        for line in ended:
            yield b"".join((*begun, line))
            begun.clear()
        begun.append(rest)


def proxy_of_environment(url: str) -> str | None:
    """The proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name for an address; None for none."""
    parts = urlsplit(url)
    if proxy_bypass(parts.netloc):
        return None
    return getproxies().get(parts.scheme)


def in_cluster() -> bool:
    """Whether this process runs in a pod with a service account."""
    return SERVICE_HOST_ENV_NAME in os.environ and Path(SERVICE_TOKEN_FILENAME).exists()


def _reason(content: bytes) -> str:
    """The message of a `Status` object, or the text as it is."""
    try:
        return str(json.loads(content).get("message", ""))
    except (ValueError, AttributeError):
        return content.decode(errors="replace")[:500]
