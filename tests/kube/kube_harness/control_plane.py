"""etcd and kube-apiserver on free loopback ports, with RBAC on. No kubelet, no controllers, no Docker.

Nothing but the two programs is needed: the apiserver makes its own serving certificate, people are known by a
static token file, and the key that signs service account tokens is a fresh P-256 key written here.
"""

from __future__ import annotations

import base64
import json
import secrets
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from kube_harness import binaries
from kube_harness.kubectl import Kubectl
from kube_harness.processes import Process, wait_until
from ports import free_port

# The order of the P-256 group (FIPS 186-4, D.1.2.3); a private key is a number from 1 to one less than it.
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class ControlPlane:
    """A running etcd and kube-apiserver, and kubectl as its administrator."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.kubernetes = binaries.find(binaries.KUBERNETES)
        self.etcd_program = binaries.find(binaries.ETCD)["etcd"]
        self.token = secrets.token_hex(16)
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.ca = folder / "certificates" / "apiserver.crt"
        etcd_url, peer_url = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self.etcd = Process("etcd", self._etcd_command(etcd_url, peer_url), folder=folder)
        self.apiserver = Process("kube-apiserver", self._apiserver_command(etcd_url), folder=folder)

    def start(self) -> Kubectl:
        """Starts both, waits until the apiserver is ready, and returns kubectl for the administrator."""
        (self.folder / "tokens.csv").write_text(f"{self.token},admin,admin,system:masters\n")
        key = self.folder / "service-account.key"
        if not key.exists():  # started again: tokens stay valid
            key.write_text(_private_key())
        self.etcd.start()
        self.apiserver.start()
        wait_until(self._ready, what="kube-apiserver ready")
        return self.kubectl(self.token, name="admin")

    def stop(self) -> None:
        for process in (self.apiserver, self.etcd):
            process.stop(timeout=10)

    def kubectl(self, token: str, *, name: str) -> Kubectl:
        """kubectl with a kubeconfig of its own for the bearer of this token."""
        path = self.folder / f"{name}.kubeconfig"
        path.write_text(json.dumps(self._kubeconfig(token)))
        path.chmod(0o600)
        return Kubectl(self.kubernetes["kubectl"], path)

    def _kubeconfig(self, token: str) -> dict[str, object]:
        authority = base64.b64encode(self.ca.read_bytes()).decode()
        cluster = {"server": self.url, "certificate-authority-data": authority}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": {"token": token}}],
        }

    def _ready(self) -> bool:
        self.etcd.must_run()
        self.apiserver.must_run()
        trust = ssl.create_default_context(cafile=str(self.ca))
        request = urllib.request.Request(f"{self.url}/readyz", headers={"Authorization": f"Bearer {self.token}"})
        try:
            with urllib.request.urlopen(request, context=trust, timeout=5) as answer:  # meant: it is asked again
                return answer.status == 200
        except urllib.error.HTTPError:
            return False

    def items(self, path: str) -> list[dict[str, Any]]:
        """All objects of a collection, each with its kind; for looks that are many, and need no process each.

        Raises:
            AssertionError: the API server does not answer, or refuses.
        """
        trust = ssl.create_default_context(cafile=str(self.ca))
        request = urllib.request.Request(f"{self.url}{path}", headers={"Authorization": f"Bearer {self.token}"})
        try:
            with urllib.request.urlopen(request, context=trust, timeout=60) as answer:
                content = json.loads(answer.read())
        except OSError as error:
            raise AssertionError(f"GET {path}: {error}") from error
        made = {"apiVersion": content["apiVersion"], "kind": content["kind"].removesuffix("List")}
        return [{**made, **item} for item in content["items"]]

    def _etcd_command(self, client_url: str, peer_url: str) -> list[str | Path]:
        return [
            self.etcd_program,
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={client_url}",
            f"--advertise-client-urls={client_url}",
            f"--listen-peer-urls={peer_url}",
            f"--initial-advertise-peer-urls={peer_url}",
            f"--initial-cluster=default={peer_url}",
            "--unsafe-no-fsync",  # the data live as long as the test session
            "--log-level=warn",
        ]

    def _apiserver_command(self, etcd_url: str) -> list[str | Path]:
        key = self.folder / "service-account.key"
        return [
            self.kubernetes["kube-apiserver"],
            f"--etcd-servers={etcd_url}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--cert-dir={self.ca.parent}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-signing-key-file={key}",
            f"--service-account-key-file={key}",
            "--service-cluster-ip-range=10.0.0.0/24",
            # Namespaces have no default service account here: no controller manager makes one.
            "--disable-admission-plugins=ServiceAccount",
        ]


def _private_key() -> str:
    """A new ECDSA private key as PEM (SEC 1, RFC 5915: version, the number, the curve's object id)."""
    number = (secrets.randbelow(_P256_ORDER - 1) + 1).to_bytes(32, "big")
    curve = bytes.fromhex("a00a06082a8648ce3d030107")  # [0] OBJECT IDENTIFIER prime256v1
    content = b"\x02\x01\x01" + b"\x04\x20" + number + curve
    body = base64.encodebytes(b"\x30" + bytes([len(content)]) + content).decode()
    return f"-----BEGIN EC PRIVATE KEY-----\n{body}-----END EC PRIVATE KEY-----\n"
