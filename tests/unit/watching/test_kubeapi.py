"""Calls to the Kubernetes API: straight from the event loop, through the proxy that the environment names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from anomalyops.watching.kubeapi import KubeApi, proxy_of_environment


@pytest.fixture
async def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[KubeApi]:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"metadata": {"uid": "1"}})

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    async with TestServer(app) as server:
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "a",
            "clusters": [{"name": "a", "cluster": {"server": str(server.make_url("/")).rstrip("/")}}],
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
            "users": [{"name": "a", "user": {"token": "t"}}],
        }
        file = tmp_path / "kubeconfig"
        file.write_text(yaml.safe_dump(config))
        monkeypatch.setenv("KUBECONFIG", str(file))
        monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(file))
        api = await KubeApi.connect()
        try:
            yield api
        finally:
            await api.close()


async def test_no_call_waits_for_a_thread(api: KubeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    await api.get("/api/v1/namespaces/x")  # the connection, whose name is looked up in a thread

    async def hop(*_: object, **__: object) -> None:
        raise AssertionError("a thread was asked")

    monkeypatch.setattr(asyncio, "to_thread", hop)
    monkeypatch.setattr(asyncio.get_running_loop(), "run_in_executor", hop)
    assert (await api.get("/api/v1/namespaces/x"))["metadata"]["uid"] == "1"
    await api.merge_patch("/api/v1/namespaces/x", {"metadata": {}})


@pytest.mark.parametrize(
    ("url", "no_proxy", "proxy"),
    [
        ("https://cluster.example:6443", "", "http://proxy:3128"),
        ("http://cluster.example", "", None),
        ("https://cluster.example:6443", "cluster.example", None),
        ("https://cluster.example:6443", ".example", None),
        ("https://cluster.example:6443", "other.example", "http://proxy:3128"),
    ],
)
def test_a_proxy_of_the_environment_is_used(
    monkeypatch: pytest.MonkeyPatch, url: str, no_proxy: str, proxy: str | None
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert proxy_of_environment(url) == proxy
