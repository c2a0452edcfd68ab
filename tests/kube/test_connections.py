"""Servers that go away, credentials that are wrong or change, and connections that come and go."""

from __future__ import annotations

import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kube_harness.kubectl import Manifest
from kube_harness.processes import wait_until
from kube_harness.services import Protection
from kube_harness.world import SECRET_READER, World

from waiting import PATIENCE_S


def secret(world: World, password: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "elastic", "namespace": world.namespace},
        "type": "kubernetes.io/basic-auth",
        "stringData": {"username": "anomalyops", "password": password},
    }


def with_auth(world: World) -> Manifest:
    return world.connection(auth={"basicSecretRef": {"name": "elastic"}})


def test_a_server_that_goes_down_and_comes_back(world: World) -> None:
    world.start_pair()
    world.proxy.down()
    world.condition("elasticsearchconnection", "Ready", status="False", reason="Unreachable")
    world.condition("anomalyjob", "ConnectionUnavailable", reason="Unreachable")
    world.condition("datafeed", "ConnectionUnavailable", reason="Unreachable")
    changed = world.job(description="written while the server was away")
    world.apply(changed)
    world.proxy.up()
    world.wait_ready()
    assert world.engine.job_config(world.job_id)["description"] == changed["spec"]["description"]
    assert world.kubectl.condition("anomalyjob", "requests", world.namespace, "ConnectionUnavailable") is None


def test_every_kind_is_as_it_was_when_its_server_is_back(world: World) -> None:
    """Also what has nothing left to do, and so no reason of its own to look again."""
    start = (datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    world.start_pair(datafeed=world.datafeed(start=start))
    stats = f"/_ml/anomaly_detectors/{world.job_id}/_stats"
    wait_until(
        lambda: world.engine.call("GET", stats)["jobs"][0]["data_counts"]["processed_record_count"] > 500,
        what="almost two days of data",
    )
    event = {"description": "Christmas", "start": "2026-12-24", "end": "2026-12-27"}
    never = world.revert(snapshotId="never")
    never["metadata"]["name"] = "never"
    world.apply(world.forecast(), world.calendar(event), world.filter("web-1"), world.job_set("web-0"), never)
    names = ("anomalyforecast/half-day", "anomalycalendar/holidays", "anomalyfilter/hosts", "anomalyjobset/hosts")
    world.wait_ready(*names)
    world.apply(world.revert(snapshotId="empty"))
    world.wait_ready("modelsnapshotrevert/back")
    kinds = "anomalyjobs,datafeeds,anomalyforecasts,modelsnapshotreverts,anomalycalendars,anomalyfilters,anomalyjobsets"

    def reasons() -> dict[str, str]:
        found = world.kubectl.list(kinds, world.namespace)
        return {
            f"{one['kind']}/{one['metadata']['name']}": condition["reason"]
            for one in found
            for condition in one["status"]["conditions"]
            if condition["type"] == "Ready"
        }

    world.wait_ready()
    wait_until(lambda: reasons()["ModelSnapshotRevert/never"] == "SnapshotNotFound", what="the refusal")
    before = reasons()
    world.proxy.down()
    away = [name for name in before if not name.startswith("AnomalyJobSet")]
    wait_until(lambda: all(reasons()[name] in {"Unreachable", "Updating"} for name in away), what=f"told by {away}")
    world.proxy.up()
    wait_until(lambda: reasons() == before, what=f"{before}, not {reasons()}")


def test_an_unreachable_server_is_asked_once_an_interval_whatever_the_number_of_jobs(world: World) -> None:
    world.proxy.down()
    names = [f"job-{number}" for number in range(6)]
    jobs = [world.job(jobId=f"{world.namespace}-{name}") for name in names]
    for name, job in zip(names, jobs, strict=True):
        job["metadata"]["name"] = name
    world.apply(world.connection(), *jobs)
    for name in names:
        world.kubectl.wait_condition("anomalyjob", name, world.namespace, "ConnectionUnavailable")
    world.proxy.up()
    world.proxy.down()
    assert world.proxy.calls == []


def test_a_connection_that_is_deleted_and_comes_back(world: World) -> None:
    world.start_pair()
    world.kubectl("delete", "esc", "default", "-n", world.namespace)
    condition = world.condition("anomalyjob", "ConnectionUnavailable", reason="ConnectionNotFound")
    assert "default" in condition["message"]
    assert world.engine.datafeed_state(world.datafeed_id) == "started"
    world.apply(world.connection())
    world.wait_ready()


def test_a_job_may_come_before_its_connection(world: World) -> None:
    world.apply(world.job(), world.datafeed())
    world.condition("anomalyjob", "Ready", status="Unknown", reason="ConnectionNotFound")
    world.apply(world.connection())
    world.wait_ready()


def test_a_secret_that_may_not_be_read_says_what_to_do(world: World) -> None:
    world.proxy.credentials = ("anomalyops", "right")
    world.apply(secret(world, "right"), with_auth(world), world.job(), world.datafeed())
    condition = world.condition("elasticsearchconnection", "Ready", status="False", reason="SecretForbidden")
    assert f"kubectl create rolebinding {SECRET_READER} -n {world.namespace}" in condition["message"]
    world.allow_secrets()
    world.wait_ready()


def test_a_missing_secret_is_picked_up_when_it_appears(world: World) -> None:
    world.allow_secrets()
    world.proxy.credentials = ("anomalyops", "right")
    world.apply(with_auth(world), world.job(), world.datafeed())
    condition = world.condition("elasticsearchconnection", "Ready", status="False", reason="SecretNotFound")
    assert f"Secret {world.namespace}/elastic" in condition["message"]
    world.apply(secret(world, "right"))
    world.wait_ready()


def test_a_secret_without_the_key_names_it_and_never_a_value(world: World) -> None:
    world.allow_secrets()
    incomplete = secret(world, "right")
    incomplete["type"] = "Opaque"
    incomplete["stringData"] = {"username": "anomalyops", "pass": "hidden-value"}
    world.apply(incomplete, with_auth(world))
    condition = world.condition("elasticsearchconnection", "Ready", status="False", reason="SecretInvalid")
    assert "'password'" in condition["message"]
    assert "pass" in condition["message"]
    assert "hidden-value" not in world.kubectl("get", "esc", "default", "-n", world.namespace, "-o", "yaml")


def test_a_wrong_password_then_a_rotated_one(world: World) -> None:
    world.allow_secrets()
    world.proxy.credentials = ("anomalyops", "first")
    world.apply(secret(world, "wrong"), with_auth(world), world.job(), world.datafeed())
    refused = world.condition("elasticsearchconnection", "Ready", status="False", reason="Unauthorized")
    assert f"Secret {world.namespace}/elastic" in refused["message"]
    world.condition("anomalyjob", "ConnectionUnavailable", reason="Unauthorized")
    world.apply(secret(world, "first"))
    world.wait_ready()

    world.proxy.credentials = ("anomalyops", "second")
    answered = len(world.proxy.calls)
    world.apply(secret(world, "second"))
    wait_until(lambda: len(world.proxy.calls) > answered + 3, what="calls with the new password")
    rejected = world.proxy.rejected
    world.apply(world.job(description="with the new key"))
    world.wait_ready()
    assert world.proxy.rejected == rejected  # nothing is sent with the old one any more
    log = world.operator.process.log.read_text()
    assert "second" not in log
    assert "wrong" not in log


def test_notifications_that_may_not_be_read_are_told_by_the_connection(world: World) -> None:
    """The jobs are served all the same; only what the server alone knows of their datafeeds stays unseen."""
    world.proxy.forbidden = r"POST /.*ml-notifications.*/_search"
    world.start_pair()

    def message() -> str:
        ready = world.kubectl.condition("elasticsearchconnection", "default", world.namespace, "Ready")
        return ready["message"] if ready is not None and ready["status"] == "True" else ""

    told = wait_until(lambda: "cannot be read" in message() and message(), what="the message")
    assert "read on .ml-notifications*" in str(told)
    world.apply(world.job(description="served"))
    world.wait_ready()
    world.proxy.forbidden = None
    wait_until(lambda: message() and "cannot be read" not in message(), what="the message gone")


def test_a_connection_that_is_looked_at_anew_is_not_one_that_does_not_exist(world: World) -> None:
    """What is deleted meanwhile waits for it: released at once, its job would run on with nobody to stop it."""
    world.start_pair()
    with world.proxy.hold(r"GET /$") as reached:
        world.apply(world.connection(requestTimeout="20s"))
        assert reached.wait(PATIENCE_S)
        world.kubectl("delete", "aj/requests", "adf/feed", "-n", world.namespace, "--wait=false")
        time.sleep(3)
        assert world.kubectl.exists("aj", "requests", world.namespace)
        assert not world.events("ConnectionNotFound")
    world.kubectl.wait_gone("aj", "requests", world.namespace)
    world.kubectl.wait_gone("adf", "feed", world.namespace)
    assert world.engine.job_state(world.job_id) == "closed"


def test_a_job_without_a_connection_of_its_namespace_uses_the_installations(world: World) -> None:
    default = world.connection()
    default["metadata"]["namespace"] = "anomalyops-system"
    world.apply(default, world.job(), world.datafeed())
    try:
        world.wait_ready("anomalyjob/requests", "datafeed/feed")
        assert world.proxy.writes()
    finally:
        world.kubectl("delete", "esc", "default", "-n", "anomalyops-system")


def test_a_changed_address_is_followed(world: World) -> None:
    wrong = world.connection(url="http://127.0.0.1:9")
    world.apply(wrong, world.job(), world.datafeed())
    world.condition("elasticsearchconnection", "Ready", status="False", reason="Unreachable")
    world.apply(world.connection())
    world.wait_ready()


def test_a_steady_connection_is_asked_for_everything_at_once(world: World) -> None:
    """Two calls for the stats, one for messages and one for scores a look, whatever the number of jobs."""
    names = [f"job-{number}" for number in range(5)]
    jobs = [world.job(jobId=f"{world.namespace}-{name}", state="Closed") for name in names]
    for name, job in zip(names, jobs, strict=True):
        job["metadata"]["name"] = name
    world.apply(world.connection(resyncInterval="1h"), *jobs)
    world.wait_ready(*[f"anomalyjob/{name}" for name in names])
    scores = "/.ml-anomalies-*/_search"
    wait_until(lambda: world.proxy.calls[-1].path == scores, what="the end of a look")
    before = len(world.proxy.calls)
    wait_until(lambda: len(world.proxy.calls) >= before + 12, what="three looks")
    paths = {call.path for call in world.proxy.calls[before : before + 12]}
    assert paths == {
        "/_ml/anomaly_detectors/_all/_stats",
        "/_ml/datafeeds/_all/_stats",
        "/.ml-notifications-*,.ml-annotations-*/_search",
        scores,
    }
    for name in names:
        world.engine.call("DELETE", f"/_ml/anomaly_detectors/{world.namespace}-{name}?force=true")


def test_a_client_certificate_opens_the_door_and_a_rotated_one_does_at_once(world: World, tmp_path: Path) -> None:
    """The server talks only to who shows the certificate that it knows."""
    known, another = (tmp_path / name for name in ("known", "another"))
    for folder in (known, another):
        folder.mkdir()
        Protection(folder)
    world.proxy.down()
    world.proxy.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    world.proxy.tls.load_cert_chain(known / "tls.crt", known / "tls.key")
    world.proxy.tls.verify_mode = ssl.CERT_REQUIRED
    world.proxy.tls.load_verify_locations(known / "tls.crt")
    world.proxy.up()

    def shown(folder: Path) -> Manifest:
        files = {"tls.crt": (folder / "tls.crt").read_text(), "tls.key": (folder / "tls.key").read_text()}
        values = {"ca.crt": (known / "tls.crt").read_text(), **files}
        metadata = {"name": "client", "namespace": world.namespace}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": values}

    world.allow_secrets()
    connection = world.connection(
        caSecretRef={"name": "client"}, clientCertificateSecretRef={"name": "client"}, readRetries=0
    )
    world.apply(connection, shown(another), world.job(), world.datafeed())
    world.condition("elasticsearchconnection", "Ready", status="False")
    assert not world.proxy.calls
    world.apply(shown(known))
    world.wait_ready("esc/default", "anomalyjob/requests", "datafeed/feed")


def test_requests_keep_to_the_rate_of_the_connection(world: World) -> None:
    world.apply(world.connection(requestsPerSecond=4), world.job(), world.datafeed())
    world.wait_ready()
    before = len(world.proxy.calls)
    time.sleep(5)
    assert 0 < len(world.proxy.calls) - before <= 5 * 4 + 1


def test_another_namespace_uses_a_connection_only_where_that_allows_it(world: World) -> None:
    """Refused, granted, withdrawn: a withdrawal touches nothing on the server, and a deletion is still carried out."""
    other = f"{world.namespace}-b"
    world.kubectl("create", "namespace", other)
    job = world.job(connectionRef={"name": "default", "namespace": world.namespace}, deletionPolicy="Delete")
    feed = world.datafeed(deletionPolicy="Delete")
    for manifest in (job, feed):
        manifest["metadata"]["namespace"] = other

    def refused() -> Manifest:
        kubectl = world.kubectl
        return kubectl.wait_condition("aj", "requests", other, "Stalled", reason="ConnectionNotAllowed")

    world.apply(world.connection(), job, feed)
    message = refused()["message"]
    assert f"ElasticsearchConnection {world.namespace}/default does not allow namespace {other}" in message
    assert world.engine.job_config(world.job_id) is None

    world.apply(world.connection(allowedNamespaces={"names": [other]}))
    world.kubectl.wait_ready(other, "anomalyjob/requests", "datafeed/feed")
    assert world.engine.datafeed_state(world.datafeed_id) == "started"

    world.apply(world.connection(allowedNamespaces={"names": ["somebody-else"]}))
    refused()
    writes = world.proxy.writes()
    job["spec"]["description"] = "written without a right to the connection"
    world.apply(job)
    time.sleep(5)
    assert world.proxy.writes() == writes
    assert world.engine.datafeed_state(world.datafeed_id) == "started"

    world.kubectl("delete", "adf,aj", "--all", "-n", other, "--wait=false")
    world.kubectl.wait_gone("aj", "requests", other)
    world.kubectl.wait_gone("adf", "feed", other)
    assert world.engine.job_config(world.job_id) is None


def test_the_installations_connection_may_be_limited_to_some_namespaces(world: World) -> None:
    default = world.connection(allowedNamespaces={"names": ["somebody-else"]})
    default["metadata"]["namespace"] = "anomalyops-system"
    world.apply(default, world.job())
    try:
        world.condition("anomalyjob", "Stalled", reason="ConnectionNotAllowed")
        default["spec"]["allowedNamespaces"]["names"] = ["*"]
        world.apply(default)
        world.wait_ready("anomalyjob/requests")
    finally:
        world.kubectl("delete", "esc", "default", "-n", "anomalyops-system")
