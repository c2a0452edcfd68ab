"""Objects that come with an installation: made however late their kind is served, and nobody else's are taken."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from anomalyops.cluster import introducing
from anomalyops.cluster.errors import ClusterError
from anomalyops.resources import ManifestError
from anomalyops.watching.kubeapi import KubeApi, KubeApiError
from waiting import PATIENCE_S

RELEASE = {"meta.helm.sh/release-name": "anomalyops", "meta.helm.sh/release-namespace": "here"}
MANIFEST: dict[str, Any] = {
    "apiVersion": "anomalyops.io/v1alpha1",
    "kind": "ElasticsearchConnection",
    "metadata": {"name": "default", "namespace": "here", "annotations": RELEASE},
    "spec": {"url": "https://engine.example:9200"},
}
PATH = "/apis/anomalyops.io/v1alpha1/namespaces/here/elasticsearchconnections/default"


class ApiServer:
    """One object's place: answers with the statuses that it was told, one a request, and as it should thereafter."""

    def __init__(self, trouble: list[int], there: dict[str, Any] | None = None) -> None:
        self.trouble = trouble
        self.there = there
        self.applied: list[dict[str, Any]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        assert request.path == PATH
        if self.trouble:
            status = self.trouble.pop(0)
            if status == 0:
                assert request.transport is not None
                request.transport.close()
                return web.Response()
            return web.json_response({"message": "not now"}, status=status)
        if request.method == "GET":
            if self.there is None:
                return web.json_response({"message": "not found"}, status=404)
            return web.json_response(self.there)
        assert request.query["fieldManager"] == "helm"
        self.there = json.loads(await request.text())
        self.applied.append(self.there)
        return web.json_response(self.there)


def introduce(server: ApiServer, manifest: dict[str, Any] = MANIFEST, *, within: float = PATIENCE_S) -> dict[str, Any]:
    async def run() -> dict[str, Any]:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", server.answer)
        async with TestServer(app) as listening:
            configuration = Configuration()
            configuration.host = str(listening.make_url("/")).rstrip("/")
            api = KubeApi(ApiClient(configuration))
            try:
                return await introducing.introduce(api, manifest, within=within)
            finally:
                await api.close()

    return asyncio.run(run())


@pytest.fixture(scope="module", autouse=True)
def _at_once() -> Iterator[None]:
    with mock.patch.object(introducing, "_POLL", 0.001):
        yield


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([0, 403, 404, 409, 429, 500, 503]), max_size=8), st.booleans())
def test_it_is_made_whatever_the_api_server_says_before_it_serves_the_kind(trouble: list[int], before: bool) -> None:
    """A kind or a right that is not known yet, a webhook that does not answer, a server that restarts."""
    older = {**MANIFEST, "spec": {"url": "https://older.example:9200"}}
    server = ApiServer(list(trouble), there=older if before else None)
    assert introduce(server) == MANIFEST
    assert server.applied == [MANIFEST]


@pytest.mark.parametrize("annotations", [None, {}, {**RELEASE, "meta.helm.sh/release-name": "other"}])
def test_what_somebody_else_made_is_not_taken(annotations: dict[str, str] | None) -> None:
    theirs = {**MANIFEST, "metadata": {"name": "default", "namespace": "here", "annotations": annotations}}
    server = ApiServer([404, 404], there=theirs)
    with pytest.raises(ClusterError, match="here/default exists and is not of release here/anomalyops"):
        introduce(server)
    assert not server.applied


def test_time_runs_out_with_the_last_answer() -> None:
    server = ApiServer([404] * 10_000)
    with pytest.raises(ClusterError, match=r"could not be made within 0\.05 s: .*not now"):
        introduce(server, within=0.05)


@pytest.mark.parametrize("status", [400, 401, 422])
def test_a_refusal_of_the_object_itself_is_said_at_once(status: int) -> None:
    server = ApiServer([404, status])
    with pytest.raises(KubeApiError, match="not now"):
        introduce(server)
    assert not server.trouble
    assert not server.applied


def test_nothing_is_sent_that_is_not_valid() -> None:
    server = ApiServer([])
    with pytest.raises(ManifestError, match="spec"):
        introduce(server, {**MANIFEST, "spec": {"url": 1}})
    assert not server.applied


def test_every_object_of_our_kinds_in_the_chart_is_made_so() -> None:
    """Templates hold no object of the kinds but where they are known to be served, and in the hook's argument."""
    chart = Path(__file__).parents[3] / "charts" / "anomalyops"
    group = yaml.safe_load((chart.parents[1] / "crds" / "anomalyops.io_anomalyjobs.yaml").read_text())["spec"]["group"]
    holding = [
        file.name for file in (chart / "templates").glob("*.yaml") if f"apiVersion: {group}/" in file.read_text()
    ]
    assert holding == ["engine-connection.yaml"]
