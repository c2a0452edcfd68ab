"""From a connection manifest to a gateway, and the verdict on the server behind it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from anomalyops.elastic import GatewayError
from anomalyops.reconciler import Credentials, check_connection, connect
from anomalyops.resources import Resource, find_condition

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def connection(**spec):
    return Resource.from_object(
        {
            "apiVersion": "anomalyops.io/v1alpha1",
            "kind": "ElasticsearchConnection",
            "metadata": {"name": "default", "generation": 1},
            "spec": spec,
        }
    )


async def checked(url, previous=None):
    made = connection(url=url)
    gateway = connect(made)
    status = await check_connection(gateway, made, previous, NOW)
    await gateway.close()
    return status


def ready(status):
    return find_condition(status.conditions, "Ready")


async def test_a_good_server_is_ready_with_version_and_licence(server):
    status = await checked(server.url)
    assert ready(status).status == "True"
    assert status.version == "8.19.3"
    assert status.licence == "trial (active)"
    assert status.ml_available


async def test_the_manifest_reaches_the_gateway(server):
    made = connection(
        urls=[server.url, "http://other:9200"],
        requestTimeout="7s",
        insecureSkipVerify=True,
        kibana={"url": "http://kibana:5601", "space": "ops"},
    )
    gateway = connect(made, Credentials(api_key="a2V5"))
    endpoint = gateway.endpoint
    assert endpoint.urls == (server.url, "http://other:9200")
    assert endpoint.request_timeout == 7
    assert endpoint.insecure_skip_verify
    assert (endpoint.kibana_url, endpoint.kibana_space) == ("http://kibana:5601", "ops")
    await gateway.job_stats()
    assert server.headers[-1]["Authorization"] == "ApiKey a2V5"
    await gateway.close()


async def test_what_credentials_lack_is_named_and_stops_nothing(server):
    body = {
        "username": "reader",
        "has_all_requested": False,
        "cluster": {"manage_ml": False, "monitor": True},
        "index": {".ml-anomalies-*": {"read": True}, ".ml-notifications*": {"read": False}},
    }
    server.fault("POST", "_has_privileges", status=200, body=body)
    status = await checked(server.url)
    assert status.missing_privileges == ["cluster: manage_ml", "index .ml-notifications*: read"]
    assert ready(status).status == "True"
    assert "cluster: manage_ml, index .ml-notifications*: read" in ready(status).message


async def test_a_server_without_security_lacks_nothing(server):
    reason = "no handler found for uri [/_security/user/_has_privileges] and method [POST]"
    server.fault("POST", "_has_privileges", status=400, body={"error": reason})
    status = await checked(server.url)
    assert status.missing_privileges is None
    assert ready(status).status == "True"


async def test_what_machine_learning_has_to_work_with_is_in_the_status(server):
    limits = {"total_ml_memory": "8gb", "effective_max_model_memory_limit": "2gb", "total_ml_processors": 16}
    server.fault("GET", "_ml/info", status=200, body={"limits": limits})
    expiry = {"type": "platinum", "status": "active", "expiry_date_in_millis": 1_900_000_000_000}
    server.fault("GET", "_xpack", status=200, body={"license": expiry, "features": {"ml": {"available": True}}})
    status = await checked(server.url)
    assert status.capacity.manifest() == {"memory": "8gb", "largestLimit": "2gb", "processors": 16}
    assert status.licence_expiry.isoformat() == "2030-03-17T17:46:40+00:00"


async def test_reads_are_tried_again_as_often_as_the_manifest_says(server):
    for retries in (0, 3):
        server.calls.clear()
        server.fault("GET", "_stats", status=503, body={"error": "busy"}, times=99)
        gateway = connect(connection(url=server.url, readRetries=retries))
        with pytest.raises(GatewayError):
            await gateway.job_stats()
        await gateway.close()
        assert len(server.calls) == retries + 1


def test_an_elasticsearch_of_eck_is_found_by_its_conventions():
    made = connection(eckRef={"name": "logs"}).resolved()
    assert made.addresses == ("https://logs-es-http.default.svc:9200",)
    assert made.auth.basic_secret_ref.manifest() == {
        "name": "logs-es-elastic-user",
        "username": "elastic",
        "passwordKey": "elastic",
    }
    assert made.ca_secret_ref.manifest() == {"name": "logs-es-http-certs-public"}


def test_what_a_connection_says_beside_eck_ref_counts():
    own = {"apiKeySecretRef": {"name": "key"}}
    made = connection(eckRef={"name": "logs"}, auth=own, caConfigMapRef={"name": "company"}).resolved()
    assert made.auth.secret == "key"
    assert made.ca_secret_ref is None
    assert made.ca_config_map_ref.name == "company"


@pytest.mark.parametrize(
    ("version", "accepted"), [("8.0.0", True), ("9.2.1", True), ("7.17.9", False), ("6.8.0", False)]
)
async def test_versions_8_and_9_are_accepted(server, version, accepted):
    server.version = version
    status = await checked(server.url)
    assert (ready(status).status == "True") == accepted
    if not accepted:
        assert version in ready(status).message
        assert "8.x and 9.x are supported" in ready(status).message


async def test_wrong_credentials_are_unavailable_and_unauthorized(server):
    body = {"error": {"type": "security_exception", "reason": "unable to authenticate user [u]"}}
    server.fault("GET", ".*", status=401, body=body, times=99)
    status = await checked(server.url)
    unavailable = find_condition(status.conditions, "ConnectionUnavailable")
    assert (unavailable.status, unavailable.reason) == ("True", "Unauthorized")
    assert "unable to authenticate" in unavailable.message


async def test_a_server_without_machine_learning(server):
    body = {"error": {"type": "illegal_argument_exception", "reason": "no handler found for uri [/_ml/info]"}}
    server.fault("GET", "_ml/info", status=400, body=body)
    status = await checked(server.url)
    assert ready(status).status == "False"
    assert ready(status).reason == "MlUnavailable"


async def test_a_basic_licence_is_named(server):
    body = {"license": {"type": "basic", "status": "active"}, "features": {"ml": {"available": False}}}
    server.fault("GET", "_xpack", status=200, body=body)
    status = await checked(server.url)
    invalid = find_condition(status.conditions, "LicenseInvalid")
    assert invalid.status == "True"
    assert "basic (active)" in invalid.message


@pytest.mark.parametrize(
    "license_",
    [
        {"type": "platinum", "status": "expired"},
        {"type": "trial", "status": "active", "expiry_date_in_millis": 1},
    ],
)
async def test_a_licence_that_ran_out_is_named(server, license_):
    body = {"license": license_, "features": {"ml": {"available": True}}}
    server.fault("GET", "_xpack", status=200, body=body)
    status = await checked(server.url)
    assert find_condition(status.conditions, "LicenseInvalid").status == "True"


async def test_a_licence_that_may_not_be_seen_is_no_obstacle(server):
    body = {"error": {"type": "security_exception", "reason": "unauthorized"}}
    server.fault("GET", "_xpack", status=403, body=body)
    assert ready(await checked(server.url)).status == "True"


async def test_upgrade_mode_is_shown(server):
    server.upgrade_mode = True
    assert (await checked(server.url)).upgrade_mode


async def test_a_server_that_comes_back_is_ready_again(server):
    server.fault("GET", ".*", times=99)
    down = await checked(server.url)
    assert ready(down).status != "True"
    server.faults.clear()
    assert ready(await checked(server.url, down)).status == "True"
