"""How one operator process is run: what it serves, and the default connection."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

DEFAULT_CONNECTION_NAME = "default"


class ObjectKey(NamedTuple):
    """Namespace and name of an object of a kind that the context says."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> ObjectKey:
        """Reads `NAMESPACE/NAME`.

        Raises:
            ValueError: the text has another form; the message says what is accepted.
        """
        namespace, slash, name = text.partition("/")
        if not (namespace and slash and name) or "/" in name:
            raise ValueError(f"{text!r}: NAMESPACE/NAME is accepted")
        return cls(namespace, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where the validating webhook answers.

    Attributes:
        port: The port.
        certificate: A folder with `tls.crt` and `tls.key`.
    """

    port: int
    certificate: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `anomalyops run` was asked for."""

    namespaces: tuple[str, ...] = ()  # none: every namespace
    default_connection: ObjectKey | None = None
    cluster_id: str | None = None  # None: the uid of kube-system
    liveness_port: int | None = None  # None: no health endpoint
    metrics_port: int | None = None  # None: no metrics
    webhook: Webhook | None = None  # None: no manifest is judged at admission
    lease: ObjectKey | None = None  # None: there is no other operator, and no election
    identity: str | None = None  # in the election; None: a name of its own
    lease_seconds: float = 12.0  # for which a leader that has died keeps others away
    workers_per_connection: int = 8  # plans carried out at a time on one server
    relist_after: float = 300.0  # seconds between two listings under the watches
    engine_image: str = ""  # of embedded engines whose connection names none; empty: the one of this version
    own_namespace: str | None = None  # where the operator's pods run; None: not in a cluster
    release_after: float = 300.0  # seconds that a deletion with Retain waits for a server that does not answer
