"""The embedded engine and the operator as the processes that users run."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from kube_harness.processes import Process, wait_until
from ports import free_port

NETWORK = Path(__file__).with_name("cluster_network.py")
COMMAND = [str(Path(sys.executable).parent / "anomalyops")]


class Protection:
    """TLS for some names, by a certificate of its own, and a password for the user `elastic`."""

    def __init__(self, folder: Path, *names: str, password: str = "correct horse"):
        self.password = password
        self.certificate, self.key, self._password = (folder / name for name in ("tls.crt", "tls.key", "password"))
        alternatives = ",".join(f"DNS:{name}" for name in ("localhost", *names))
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
                *("-days", "2", "-subj", "/CN=engine", "-addext", f"subjectAltName={alternatives},IP:127.0.0.1"),
                *("-keyout", str(self.key), "-out", str(self.certificate)),
            ],
            check=True,
            capture_output=True,
        )
        self._password.write_text(password)
        self.names = names

    @property
    def options(self) -> tuple[str | Path, ...]:
        hosts = [part for name in self.names for part in ("--allow-host", name)]
        return ("--tls-cert", self.certificate, "--tls-key", self.key, "--password-file", self._password, *hosts)

    @property
    def authorization(self) -> str:
        return "Basic " + base64.b64encode(f"elastic:{self.password}".encode()).decode()

    @property
    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))


class Engine:
    """`anomalyops engine` with an empty folder of its own, and its REST API."""

    def __init__(self, folder: Path, protection: Protection | None = None):
        self.data = folder / "engine-data"
        self._protection = protection
        options = protection.options if protection is not None else ()
        command = [*COMMAND, "engine", "--data", self.data, "--port", "0", *options]
        self.process = Process("engine", command, folder=folder)
        self.url = ""

    def start(self) -> Engine:
        self.process.start()
        described = self.data / "engine.json"

        def listening() -> bool:
            self.process.must_run()
            if described.exists():
                self.url = json.loads(described.read_text())["url"].rstrip("/")
                return self.request("GET", "/")[0] == 200
            return False

        wait_until(listening, what="the engine listening")
        return self

    def stop(self) -> None:
        self.process.stop()

    def request(self, method: str, path: str, body: Any = None, *, lines: str | None = None) -> tuple[int, Any]:
        """One call; the status and the parsed answer. `lines` is an NDJSON body."""
        content = lines.encode() if lines is not None else json.dumps(body).encode() if body is not None else None
        kind = "application/x-ndjson" if lines is not None else "application/json"
        request = urllib.request.Request(self.url + path, data=content, method=method, headers={"Content-Type": kind})
        context = None
        if self._protection is not None:
            request.add_header("Authorization", self._protection.authorization)
            context = self._protection.context
        try:
            with urllib.request.urlopen(request, timeout=60, context=context) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call that must succeed."""
        status, answer = self.request(method, path, body)
        assert status < 300, f"{method} {path} answered {status}: {answer}"
        return answer

    def job_config(self, job_id: str) -> dict[str, Any] | None:
        status, answer = self.request("GET", f"/_ml/anomaly_detectors/{job_id}")
        return answer["jobs"][0] if status == 200 else None

    def datafeed_config(self, datafeed_id: str) -> dict[str, Any] | None:
        status, answer = self.request("GET", f"/_ml/datafeeds/{datafeed_id}")
        return answer["datafeeds"][0] if status == 200 else None

    def job_state(self, job_id: str) -> str | None:
        status, answer = self.request("GET", f"/_ml/anomaly_detectors/{job_id}/_stats")
        return answer["jobs"][0]["state"] if status == 200 else None

    def datafeed_state(self, datafeed_id: str) -> str | None:
        status, answer = self.request("GET", f"/_ml/datafeeds/{datafeed_id}/_stats")
        return answer["datafeeds"][0]["state"] if status == 200 else None

    def index(self, name: str, mapping: dict[str, Any], documents: list[dict[str, Any]]) -> None:
        """Creates an index and fills it."""
        self.call("PUT", f"/{name}", {"mappings": {"properties": mapping}})
        if not documents:
            return
        lines = "".join(f'{{"index":{{}}}}\n{json.dumps(document)}\n' for document in documents)
        status, answer = self.request("POST", f"/{name}/_bulk?refresh=true", lines=lines)
        assert status == 200, answer
        assert not answer["errors"], answer


class Operator:
    """`anomalyops run` as the service account that the install manifests create."""

    def __init__(self, folder: Path, kubeconfig: Path, *arguments: str, name: str = "operator"):
        self.port, self.metrics_port = free_port(), free_port()
        ports = (f"--liveness-port={self.port}", f"--metrics-port={self.metrics_port}")
        self.services = folder / "services.json"
        command = [sys.executable, NETWORK, self.services, "run", *ports, *arguments]
        self.process = Process(name, command, folder=folder, env={"KUBECONFIG": str(kubeconfig)})

    def start(self) -> Operator:
        self.process.start()

        def answering() -> bool:
            self.process.must_run()
            return self.health("readyz")[0] == 200

        wait_until(answering, what="the operator being ready")
        return self

    def serve(self, service: str, url: str) -> None:
        """A Service of the cluster, `name.namespace.svc:port`, leads to a URL of this machine from now on."""
        known = json.loads(self.services.read_text()) if self.services.exists() else {}
        new = self.services.with_suffix(".new")
        new.write_text(json.dumps(known | {service: int(url.rpartition(":")[2])}))
        new.replace(self.services)  # it is read at any moment

    def health(self, path: str = "healthz") -> tuple[int, str]:
        """Status and text of a health endpoint; 0 when nobody listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def metrics(self) -> dict[str, float]:
        """The samples of the metrics endpoint, by name and labels as they are written."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=60) as answer:
            lines = answer.read().decode().splitlines()
        samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}

    def stop(self) -> int | None:
        return self.process.stop(timeout=60)

    def kill(self) -> None:
        self.process.kill()
