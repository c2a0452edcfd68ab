"""The gateway against a real HTTP server: the traps of the ML API and the errors that people see."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import socket
import warnings

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from anomalyops.elastic import (
    AlreadyExists,
    Busy,
    Conflict,
    Credentials,
    Endpoint,
    Forbidden,
    Gateway,
    GatewayError,
    LicenseInvalid,
    NotAnElasticsearch,
    Rejected,
    ServerError,
    Timeout,
    TlsFailed,
    Unauthorized,
    Unreachable,
    Unsupported,
    VersionConflict,
)
from anomalyops.elastic.forecasts import Forecasts

JOB = {
    "analysis_config": {"bucket_span": "15m", "detectors": [{"function": "count"}]},
    "data_description": {"time_field": "@timestamp"},
}
FEED = {"job_id": "web", "indices": ["logs-*"]}


def error(status, type_, reason, caused_by=None, **details):
    body = {"root_cause": [{"type": type_, "reason": reason}], "type": type_, "reason": reason, **details}
    return {"error": body | ({"caused_by": caused_by} if caused_by else {}), "status": status}


async def make_pair(gateway):
    await gateway.create_job("web", JOB)
    await gateway.create_datafeed("feed-web", FEED)
    await gateway.open_job("web")
    await gateway.start_datafeed("feed-web")


CASES = [
    (400, error(400, "illegal_argument_exception", "bad span"), Rejected),
    (400, error(400, "resource_already_exists_exception", "The Id is already used."), AlreadyExists),
    (401, error(401, "security_exception", "unable to authenticate user [u]"), Unauthorized),
    (403, error(403, "security_exception", "action [x] is unauthorized for user [u]"), Forbidden),
    (
        403,
        error(
            403,
            "security_exception",
            "current license is non-compliant for [ml]",
            **{"license.expired.feature": "ml"},
        ),
        LicenseInvalid,
    ),
    (409, error(409, "status_exception", "Cannot delete job [web] because the job is opened"), Conflict),
    (429, error(429, "status_exception", "Could not open job because no ML nodes"), Busy),
    (500, error(500, "status_exception", "boom"), ServerError),
    (501, error(501, "not_implemented", "no such endpoint here"), Unsupported),
    (503, {"message": "unavailable"}, ServerError),
]


@pytest.mark.parametrize(("status", "body", "expected"), CASES)
async def test_every_status_becomes_its_own_error_with_the_servers_reason(server, gateway, status, body, expected):
    server.fault("PUT", "anomaly_detectors/web$", status=status, body=body)
    with pytest.raises(GatewayError) as caught:
        await gateway.create_job("web", JOB)
    assert type(caught.value) is expected
    assert caught.value.status == status
    if "error" in body:
        assert caught.value.reason == body["error"]["reason"]
    assert "PUT /_ml/anomaly_detectors/web" in str(caught.value)


async def test_the_reason_of_a_wrapped_parse_failure_is_the_deepest_one(server, gateway):
    cause = {
        "type": "x_content_parse_exception",
        "reason": "[1:9] [data_description] failed to parse field [format]",
        "caused_by": {"type": "illegal_argument_exception", "reason": "No enum constant XML"},
    }
    outer = "[1:27] [job_details] failed to parse field [data_description]"
    server.fault("PUT", "web$", status=400, body=error(400, "x_content_parse_exception", outer, cause))
    with pytest.raises(Rejected) as caught:
        await gateway.create_job("web", JOB)
    assert caught.value.reason == f"{outer}: No enum constant XML"


async def test_no_error_shows_a_credential(server):
    secrets = Credentials(username="elastic", password="hunter2-secret")
    gateway = Gateway(Endpoint(urls=(server.url,), credentials=secrets))
    server.fault(".*", ".*", status=401, body=error(401, "security_exception", "no"))
    with pytest.raises(Unauthorized) as caught:
        await gateway.create_job("web", JOB)
    await gateway.close()
    shown = f"{caught.value} {caught.value!r} {secrets} {secrets!r} {gateway.endpoint!r}"
    assert "hunter2" not in shown
    assert "aHVudGVy" not in shown
    assert server.headers[-1]["Authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("credentials", "header"),
    [
        (Credentials(api_key="aWQ6a2V5"), "ApiKey aWQ6a2V5"),
        (Credentials(api_key="id:key"), "ApiKey aWQ6a2V5"),
        (Credentials(username="id", password="key"), "Basic aWQ6a2V5"),
        (Credentials(bearer="tok"), "Bearer tok"),
    ],
)
async def test_each_kind_of_credentials_reaches_the_server(server, credentials, header):
    gateway = Gateway(Endpoint(urls=(server.url,), credentials=credentials))
    await gateway.job_stats()
    await gateway.close()
    assert server.headers[-1]["Authorization"] == header


async def test_a_refused_connection_is_unreachable():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    gateway = Gateway(Endpoint(urls=(f"http://127.0.0.1:{port}",)))
    with pytest.raises(Unreachable, match="no connection"):
        await gateway.job_stats()
    await gateway.close()


async def test_tls_where_the_server_speaks_none_says_what_to_write(server):
    gateway = Gateway(Endpoint(urls=(server.url.replace("http:", "https:"),)))
    with pytest.raises(TlsFailed, match=r"does not speak TLS there: write http:// in the URL"):
        await gateway.job_stats()
    await gateway.close()


async def test_a_dead_node_among_several_does_not_stop_reads(server):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    gateway = Gateway(Endpoint(urls=(f"http://127.0.0.1:{port}", server.url)))
    for _ in range(4):
        assert await gateway.job_stats() == {}
    await gateway.close()


async def test_a_silent_server_is_a_timeout():
    async def sleep(request):
        await asyncio.sleep(5)
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", sleep)
    async with TestServer(app) as silent:
        gateway = Gateway(Endpoint(urls=(str(silent.make_url("/")),), request_timeout=0.05))
        with pytest.raises(Timeout):
            await gateway.create_job("web", JOB)
        await gateway.close()


@pytest.mark.parametrize("answer", [web.json_response({"ok": True}), web.Response(text="<html>hello</html>")])
async def test_something_else_than_elasticsearch_is_named_as_such(answer):
    async def reply(request):
        return web.Response(body=answer.body, content_type=answer.content_type)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", reply)
    async with TestServer(app) as other:
        gateway = Gateway(Endpoint(urls=(str(other.make_url("/")),)))
        with pytest.raises(NotAnElasticsearch):
            await gateway.info()
        await gateway.close()


@pytest.mark.parametrize("url", ["elasticsearch:9200", "ftp://host:1", "https://"])
def test_a_url_that_is_none_is_refused_at_once(url):
    with pytest.raises(ValueError, match="https://host:port"):
        Endpoint(urls=(url,))


def test_a_ca_that_is_not_pem_is_refused_at_once():
    with pytest.raises(ValueError, match="PEM"):
        Gateway(Endpoint(urls=("https://es:9200",), credentials=Credentials(ca_pem="no certificate")))


async def test_reads_are_repeated_and_writes_are_not(server, gateway):
    server.fault("GET", "_all/_stats", times=2)
    assert await gateway.job_stats() == {}
    assert len(server.calls) == 3
    await gateway.create_job("web", JOB)
    server.fault("POST", "_update")
    with pytest.raises(Unreachable):
        await gateway.update_job("web", {"description": "x"})
    assert server.calls.count(("POST", "/_ml/anomaly_detectors/web/_update")) == 1


async def test_deprecation_warnings_of_the_server_stay_out_of_the_process(server):
    async def warn(request):
        headers = {"X-Elastic-Product": "Elasticsearch", "Warning": '299 Elasticsearch-8 "is deprecated"'}
        return web.json_response({"count": 0, "jobs": []}, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", warn)
    async with TestServer(app) as noisy:
        gateway = Gateway(Endpoint(urls=(str(noisy.make_url("/")),)))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert await gateway.jobs() == {}
        await gateway.close()


async def test_already_opened_and_already_started_are_success(server, gateway):
    await make_pair(gateway)
    await gateway.open_job("web")
    await gateway.start_datafeed("feed-web")
    assert server.job_states["web"] == "opened"
    assert server.feed_states["feed-web"] == "started"


async def test_deleting_what_is_gone_is_success(gateway):
    await gateway.delete_job("gone")
    await gateway.delete_datafeed("gone")
    await gateway.close_job("gone")
    await gateway.stop_datafeed("gone")


async def test_close_is_done_when_the_stats_say_so(server, gateway):
    await make_pair(gateway)
    await gateway.stop_datafeed("feed-web")
    server.looks_until_closed = 3
    await gateway.close_job("web")
    assert server.calls.count(("GET", "/_ml/anomaly_detectors/web/_stats")) == 4


async def test_a_close_that_never_ends_is_a_timeout_that_names_the_state(server, gateway):
    await make_pair(gateway)
    server.looks_until_closed = 10_000
    hasty = Gateway(Endpoint(urls=(server.url,)), state_timeout=0.1, poll_interval=0.01)
    with pytest.raises(Timeout, match="job 'web' is still closing"):
        await hasty.close_job("web")
    await hasty.close()


async def test_an_open_that_ran_out_of_time_but_is_under_way_is_success(server, gateway):
    await gateway.create_job("web", JOB)
    late = error(408, "status_exception", "Opening job [web] timed out after [2s]")
    server.fault("POST", "_open", status=408, body=late, after=True)
    await gateway.open_job("web")
    server.fault("POST", "_open", status=408, body=late)
    await gateway.close_job("web")
    with pytest.raises(Timeout, match="timed out"):
        await gateway.open_job("web")


async def test_a_version_conflict_of_a_delete_after_a_close_is_waited_out(server, gateway):
    await gateway.create_job("web", JOB)
    conflict = error(409, "version_conflict_engine_exception", "[web]: version conflict")
    server.fault("DELETE", "web", status=409, body=conflict, times=3)
    await gateway.delete_job("web")
    assert server.jobs == {}
    await gateway.create_job("web", JOB)
    server.fault("DELETE", "web", status=409, body=conflict, times=99)
    with pytest.raises(VersionConflict):
        await gateway.delete_job("web")


async def test_a_failed_job_needs_force(server, gateway):
    await gateway.create_job("web", JOB)
    server.job_states["web"] = "failed"
    with pytest.raises(Conflict, match="use force close"):
        await gateway.close_job("web")
    await gateway.close_job("web", force=True)
    assert server.job_states["web"] == "closed"


async def test_a_pair_takes_three_calls_and_finds_a_datafeed_of_another_id(server, gateway):
    await make_pair(gateway)
    server.calls.clear()
    found = await gateway.pair("web", "feed-web")
    assert len(server.calls) == 3
    assert found.job["job_id"] == "web"
    assert found.datafeed["datafeed_id"] == "feed-web"
    assert found.datafeed_stats["state"] == "started"
    server.calls.clear()
    found = await gateway.pair("web", "another")
    assert found.datafeed["datafeed_id"] == "feed-web"
    assert found.datafeed_stats["state"] == "started"
    assert len(server.calls) == 4
    missing = await gateway.pair("none", "none")
    assert (missing.job, missing.datafeed) == (None, None)


async def test_ids_are_quoted_in_paths(gateway):
    with pytest.raises(Rejected, match="a%2Fb%20c"):
        await gateway.job("a/b c")


async def test_messages_are_problems_and_recoveries_oldest_first(server, gateway):
    server.messages = [
        {
            "_index": ".ml-annotations-000001",
            "_id": "2",
            "_source": {
                "job_id": "web",
                "timestamp": 900,
                "create_time": 2000,
                "annotation": "Datafeed has missed 5 documents",
                "event": "delayed_data",
            },
        },
        {
            "_index": ".ml-notifications-000002",
            "_id": "1",
            "_source": {"job_id": "web", "timestamp": 1000, "level": "error", "message": "boom"},
        },
        {
            "_index": ".ml-notifications-000002",
            "_id": "3",
            "_source": {"timestamp": 3000, "level": "warning", "message": "about no job"},
        },
    ]
    first, second = await gateway.ml_messages_since(500)
    assert (first.level, first.text, first.timestamp) == ("error", "boom", 1000)
    assert (second.event, second.bucket, second.timestamp) == ("delayed_data", 900, 2000)
    sent = server.bodies[-1]
    assert sent["size"] == 1000
    assert '"gte": 500' in str(sent).replace("'", '"')


async def test_a_full_page_of_messages_is_followed_by_the_problems_and_then_the_news(server, gateway):
    def hit(number, level):
        source = {"job_id": "web", "timestamp": 5000, "level": level, "message": f"Datafeed {number}"}
        return {"_index": "n", "_id": str(number), "_source": source, "sort": [5000]}

    pages = [
        [hit(number, "info") for number in range(1000)],
        [hit(1000, "warning")],
        [hit(number, "info") for number in range(1000)],
        [hit(1001, "info")],
    ]
    handled = server._route

    def route(method, path, body, query):
        if path.endswith("/_search"):
            server.messages = pages.pop(0)
        return handled(method, path, body, query)

    server._route = route
    found = await gateway.ml_messages_since(500)
    assert len(found) == 1002
    kinds = [str(body) for body in server.bodies]
    assert "must_not" not in kinds[0]
    assert "delayed_data" in kinds[1]
    assert "delayed_data" not in kinds[2]
    assert server.bodies[3]["query"]["bool"]["filter"] == [{"range": {"timestamp": {"lte": 5000}}}]
    assert len(server.bodies[3]["query"]["bool"]["must_not"][0]["ids"]["values"]) == 1000


async def test_info_says_why_machine_learning_is_missing(server, gateway):
    server.fault(
        "GET",
        "_ml/info",
        status=400,
        body=error(400, "illegal_argument_exception", "no handler found for uri [/_ml/info]"),
    )
    info = await gateway.info()
    assert not info.ml_available
    assert "no handler found" in info.ml_problem
    assert (info.version, info.license_type, info.license_status) == ("8.19.3", "trial", "active")


async def test_kibana_is_asked_in_its_space_with_the_same_credentials(server):
    seen = []

    async def reply(request):
        seen.append((request.method, request.path, dict(request.headers)))
        if len(seen) > 1:
            return web.json_response({"statusCode": 404, "message": "Not Found"}, status=404)
        return web.json_response({"savedObjectsCreated": {}})

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", reply)
    async with TestServer(app) as kibana:
        endpoint = Endpoint(
            urls=(server.url,),
            credentials=Credentials(api_key="a2V5"),
            kibana_url=str(kibana.make_url("/")).rstrip("/"),
            kibana_space="ops",
        )
        gateway = Gateway(endpoint)
        assert await gateway.sync_saved_objects() == {"savedObjectsCreated": {}}
        method, path, headers = seen[0]
        assert (method, path) == ("GET", "/s/ops/api/ml/saved_objects/sync")
        assert headers["Authorization"] == "ApiKey a2V5"
        assert headers["kbn-xsrf"]
        with pytest.raises(GatewayError, match="Not Found"):
            await gateway.sync_saved_objects()
        await gateway.close()


def of_one_object():
    """The gateway's methods that are about one object, by name, with the names of their other arguments."""
    for group in ("", "forecasts"):
        owner = Gateway if not group else Forecasts
        for name, method in inspect.getmembers(owner, inspect.iscoroutinefunction):
            parameters = [one for one in inspect.signature(method).parameters.values() if one.name != "self"]
            ids = [one.name for one in parameters if one.name in {"job_id", "datafeed_id", "filter_id", "calendar_id"}]
            if ids and not name.startswith("_"):
                yield pytest.param(group, name, ids[0], parameters, id=f"{group or 'gateway'}.{name}")


@pytest.mark.parametrize(("group", "name", "key", "parameters"), [*of_one_object()])
async def test_an_empty_id_never_becomes_every_object(server, gateway, group, name, key, parameters):
    """`/_ml/anomaly_detectors//_stats` is read as all jobs, of which the first would pass for the one that is meant."""
    owner = getattr(gateway, group) if group else gateway
    given = {
        one.name: "" if one.name == key else given_of(one.annotation)
        for one in parameters
        if one.default is one.empty or one.name == key
    }
    server.calls.clear()
    with contextlib.suppress(GatewayError):
        await getattr(owner, name)(**given)
    assert not [path for _, path in server.calls if "//" in path or path.endswith("/")]


def given_of(annotation):
    """An argument of some type."""
    text = str(annotation)
    return (
        {} if "Mapping" in text or "JsonDict" in text else ["x"] if "Sequence" in text or "Collection" in text else "x"
    )
