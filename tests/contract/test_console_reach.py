"""The console where others reach it: each sees what he may on the server, under names that were given, by TLS."""

from __future__ import annotations

import base64
import ssl
import subprocess

import orjson
import pytest

from console_process import ConsoleProcess, ask
from engine_process import EngineProcess

PASSWORD = "correct-horse"
JOB = {
    "analysis_config": {"bucket_span": "1h", "detectors": [{"function": "count"}]},
    "data_description": {"time_field": "time"},
}
BEYOND = ("--host", "0.0.0.0", "--login", "--allow-host", "Console.example")


def basic(user, password=PASSWORD):
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


ELASTIC, READER = basic("elastic"), basic("reader")


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    process = EngineProcess(tmp_path_factory.mktemp("guarded"), f"password={PASSWORD!r}")
    process.start()
    reader = {"password": PASSWORD, "roles": ["machine_learning_user"]}
    assert ask(f"{process.url}/_security/user/reader", "PUT", reader, authorization=ELASTIC)[0] == 200
    yield process
    process.kill()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt")),
        ],
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture(scope="module")
def console(engine, certificate):
    files = ("--tls-cert", str(certificate / "tls.crt"), "--tls-key", str(certificate / "tls.key"))
    trusted = ssl.create_default_context(cafile=str(certificate / "tls.crt"))
    arguments = ("--url", engine.url, "--allow-writes", *BEYOND, *files)
    with ConsoleProcess(*arguments, environment={}, trusted=trusted) as running:
        yield running


def who(console, authorization):
    status, body, _ = console.ask("_security/_authenticate", authorization=authorization)
    return orjson.loads(body)["username"] if status == 200 else status


def test_the_page_is_for_everybody_and_calls_ask_who_looks(console):
    assert console.url.startswith("https://")
    assert console.ask("_console/")[0] == 200
    status, body, headers = console.ask("_ml/anomaly_detectors")
    assert status == 401
    assert headers["www-authenticate"].startswith("Basic ")
    assert "say who you are" in orjson.loads(body)["error"]["reason"]


def test_who_looks_is_asked_again_for_what_the_server_does_not_take(console):
    status, _, headers = console.ask("_ml/anomaly_detectors", authorization=basic("elastic", "wrong-horse"))
    assert status == 401
    assert headers.get_all("www-authenticate") == ['Basic realm="anomalyops console", charset="UTF-8"']


def test_everybody_is_himself_and_may_what_he_may(console):
    """One after the other over the same connections, which belong to nobody."""
    assert [who(console, one) for one in (ELASTIC, READER, ELASTIC)] == ["elastic", "reader", "elastic"]
    assert console.ask("_ml/anomaly_detectors/made", "PUT", JOB, authorization=READER)[0] == 403
    assert console.ask("_ml/anomaly_detectors/made", "PUT", JOB, authorization=ELASTIC)[0] == 200
    assert console.ask("_ml/anomaly_detectors/made", authorization=READER)[0] == 200
    assert console.ask("_ml/anomaly_detectors/made", "DELETE", authorization=ELASTIC)[0] == 200
    assert console.ask("_nodes", authorization=ELASTIC)[0] == 403, "what the page does not ask is not passed on"


@pytest.mark.parametrize("path", ["_console/", "_security/_authenticate"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "console.example"}, 200),
        ({"host": "CONSOLE.example:443"}, 200),
        ({"host": "localhost:8443"}, 200),
        ({"host": "10.0.0.7:9300"}, 403),
        ({"host": "evil.example"}, 403),
        ({"host": "console.example.evil.example"}, 403),
        ({"host": "console.example", "origin": "https://console.example"}, 200),
        ({"host": "console.example", "origin": "https://evil.example"}, 403),
        ({"host": "console.example", "origin": "http://console.example"}, 403),
        ({"host": "console.example", "sec_fetch_site": "cross-site"}, 403),
    ],
)
def test_it_is_asked_under_its_names_and_by_its_own_page(console, path, headers, status):
    assert console.ask(path, authorization=ELASTIC, **headers)[0] == status


def test_probes_ask_under_any_name_and_learn_nothing(console):
    status, body, _ = console.ask("_health", host="10.0.0.7:9300")
    assert (status, orjson.loads(body)) == (200, {"status": "green"})
    assert console.ask("_health", "POST", {}, authorization=ELASTIC)[0] == 403


def test_where_tls_ends_in_front_the_page_is_one_of_https(engine):
    with ConsoleProcess("--url", engine.url, *BEYOND, "--tls-in-front", environment={}) as console:

        def asked(**headers):
            return console.ask("_security/_authenticate", authorization=READER, **headers)[0]

        assert asked(host="console.example", origin="https://console.example") == 200
        assert asked(host="console.example", origin="http://console.example") == 403
        assert asked(host="localhost:8080", origin="http://localhost:8080") == 200, "a port that is forwarded"
        status, body, _ = console.ask("_ml/anomaly_detectors/made", "PUT", JOB, authorization=ELASTIC)
        assert status == 403
        assert b"--allow-writes" in body, "who may write on the server does not by a console that reads"


def test_over_a_server_that_asks_nobody_it_lets_nobody_in(tmp_path):
    process = EngineProcess(tmp_path)
    process.start()
    try:
        with ConsoleProcess("--url", process.url, "--login", environment={}) as console:
            status, body, _ = console.ask("_ml/anomaly_detectors", authorization=ELASTIC)
    finally:
        process.kill()
    assert status == 403
    assert "it asks nobody who he is" in orjson.loads(body)["error"]["reason"]
