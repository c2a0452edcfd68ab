"""The engine as a process: one folder of data, one port."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import os
import socket
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import uvicorn
from prometheus_client import CollectorRegistry, start_http_server

from anomalyops_engine import __version__, collector
from anomalyops_engine.api.app import create_app
from anomalyops_engine.api.lanes import Lanes
from anomalyops_engine.config import MemorySize
from anomalyops_engine.connections import Connection, connection_limit, quiet_accept_errors
from anomalyops_engine.jobs import JobService
from anomalyops_engine.jobs.machine import machine_memory
from anomalyops_engine.jobs.runtime import MAX_BODY_BYTES, Settings
from anomalyops_engine.query.limits import USUAL, Limits
from anomalyops_engine.security import SecurityService
from anomalyops_engine.store import Store

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 9200
# Requests may work on for the grace after SIGTERM; what has not ended at the stop is given up.
_GRACE_SECONDS = 8
_STOP_SECONDS = 10
_CLOSE_SECONDS = 5
# Clients keep connections for later: one that is closed just as it is used again costs a request.
_KEPT_SECONDS = 75
_REPEAT_SECONDS = 0.05
# Models may take most of the memory, bodies a tenth; what is left is the database's.
_DATABASE_SHARE = 0.3
_LEAST_MEMORY = 256 * 2**20
# For how long a thread may keep the interpreter's lock that others wait for. A write and an answer need it dozens of
# times; at the usual 5 ms they wait a moment of that length each time while answers of searches are made.
_SWITCH_SECONDS = 0.0005
# Short: when descriptors run out, asyncio tries to accept this many times at once.
_BACKLOG = 128

log = logging.getLogger(__name__)


class UnsafeListeningError(ValueError):
    """The engine was to be reached from elsewhere by everybody, or in clear text."""


@dataclass(frozen=True, slots=True)
class Protection:
    """What keeps strangers out.

    Attributes:
        password: of the user `elastic`, until it is changed through the API; None for none.
        certificate: file of the certificate for TLS, and those that lead to its authority; None for clear text.
        key: file of its private key.
        insecure: listen beyond loopback all the same where authentication or TLS are missing.
    """

    password: str | None = field(default=None, repr=False)
    certificate: Path | None = None
    key: Path | None = None
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class Resources:
    """What the engine may take of its machine; None for a part of what that has.

    Attributes:
        bodies_bytes: of the bodies of all requests together.
        body_bytes: of the body of one request.
        searches: what searches may take.
        database_bytes: of the database's memory; it goes on on disk where that is not enough.
        database_threads: of one query.
        models: of all models together.
        largest_model: the largest `model_memory_limit` that a job may have; None for any.
        feed_threads: that run datafeeds.
    """

    bodies_bytes: int | None = None
    body_bytes: int = MAX_BODY_BYTES
    searches: Limits = USUAL
    database_bytes: int | None = None
    database_threads: int | None = None
    models: MemorySize | None = None
    largest_model: MemorySize | None = None
    feed_threads: int | None = None

    def of_jobs(self) -> Settings:
        """Return what jobs and datafeeds are told of it."""
        usual = Settings()
        return Settings(
            max_model_memory=self.largest_model,
            memory=self.models or usual.memory,
            workers=self.feed_threads or usual.workers,
            limits=self.searches,
            body_bytes=self.body_bytes,
        )


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def serve(
    data: Path,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    *,
    allowed_hosts: Collection[str] = (),
    protection: Protection = Protection(),
    resources: Resources = Resources(),
    metrics_port: int | None = None,
    announce: Callable[[str], None] = _print,
) -> None:
    """Run the engine until SIGTERM or SIGINT; then stop jobs, finish requests, close the store.

    When it is ready it writes `{data}/engine.json` with pid, url and version and prints one line.

    Args:
        data: folder of everything; made when missing. One process at a time may use it.
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        allowed_hosts: names beside the loopback ones under which clients may ask (the `Host` header).
        protection: what keeps strangers out.
        resources: what it may take of its machine.
        metrics_port: port of the metrics for Prometheus, for whoever asks; None for none but those behind `port`.
        announce: is given the line that says where the engine listens.

    Raises:
        StoreLockedError: another process uses the folder.
        OSError: the address is not available.
        UnsafeListeningError: the address is beyond loopback, and strangers are not kept out.
    """
    collector.be_brief()
    sys.setswitchinterval(_SWITCH_SECONDS)
    listener = _listen(host, port)
    with contextlib.closing(listener), _closing(_open(data, resources)) as store:
        bound = listener.getsockname()
        scheme = "http" if protection.certificate is None else "https"
        security = SecurityService(store, protection.password)
        _check_reach(bound[0], protection, enabled=security.enabled)
        url = f"{scheme}://{f'[{bound[0]}]' if listener.family == socket.AF_INET6 else bound[0]}:{bound[1]}"
        Connection.limit = connection_limit()
        jobs = JobService(store, resources.of_jobs(), security.rights_of if security.enabled else None)
        app = create_app(store, jobs, security, max_bytes_in_flight=resources.bodies_bytes, allowed_hosts=allowed_hosts)
        config = uvicorn.Config(
            app,
            http=Connection,
            lifespan="on",
            log_level="warning",
            log_config=None,  # its lines look as all others do
            access_log=False,
            backlog=_BACKLOG,
            proxy_headers=False,
            ssl_certfile=protection.certificate,
            ssl_keyfile=protection.key,
            timeout_graceful_shutdown=_STOP_SECONDS,
            timeout_keep_alive=_KEPT_SECONDS,
        )
        ready = data / "engine.json"
        said = f"anomalyops engine {__version__} listening on {url}, data in {data}"
        with _metrics(app.state.metrics, host, metrics_port, protection):
            try:
                _Server(config, lambda: _announce(ready, url, announce, said), app.state.lanes).run(sockets=[listener])
            finally:
                ready.unlink(missing_ok=True)
    if not jobs.rests:
        # The first start compiles the learners, which takes minutes and cannot be stopped; everything is stored.
        logging.shutdown()
        os._exit(0)


def _check_reach(address: str, protection: Protection, *, enabled: bool) -> None:
    """Refuse to be reached from other machines without authentication and TLS.

    Raises:
        UnsafeListeningError: it would be.
    """
    if ipaddress.ip_address(address).is_loopback:
        return
    missing = []
    if not enabled:
        missing.append("authentication (set the environment variable ELASTIC_PASSWORD, or give --password-file)")
    if protection.certificate is None:
        missing.append("TLS (give --tls-cert and --tls-key)")
    if not missing:
        return
    if not protection.insecure:
        raise UnsafeListeningError(
            f"refusing to listen on {address}, which other machines reach, without {' and without '.join(missing)}. "
            "Listen on 127.0.0.1 instead, or accept the risk with --insecure"
        )
    log.warning("listening on %s without %s", address, " and without ".join(missing))


def _open(data: Path, resources: Resources) -> Store:
    memory = resources.database_bytes or max(_LEAST_MEMORY, int(machine_memory() * _DATABASE_SHARE))
    return Store.open(data, memory_bytes=memory, threads=resources.database_threads)


@contextlib.contextmanager
def _metrics(registry: CollectorRegistry, host: str, port: int | None, protection: Protection) -> Iterator[None]:
    """Answer with the metrics on a port of their own: from threads of their own, however busy the engine is.

    Raises:
        OSError: the address is not available.
    """
    if port is None:
        yield
        return
    certificate, key = (None if file is None else str(file) for file in (protection.certificate, protection.key))
    try:
        server, thread = start_http_server(port, host, registry, certfile=certificate, keyfile=key)
    except OSError as error:
        raise OSError(error.errno, f"cannot listen on {host}:{port} for metrics: {error.strerror}") from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def _closing(store: Store) -> Iterator[Store]:
    """Close a store at the end; or end the process when something cannot be ended otherwise."""
    try:
        yield store
    finally:
        if not store.close(_CLOSE_SECONDS):
            log.warning("a request did not end within %d s after the stop; ending without it", _CLOSE_SECONDS)
            logging.shutdown()
            os._exit(0)


class _Server(uvicorn.Server):
    """A uvicorn server that says where it is once it takes requests."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None], lanes: Lanes) -> None:
        super().__init__(config)
        self._announce = announce
        self._lanes = lanes

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals while serving, and swallow them afterwards: stopping is the answer to them.

        uvicorn would raise them again, which ends the process before the store is closed.
        """
        with super().capture_signals():
            try:
                yield
            finally:
                self._captured_signals.clear()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        quiet_accept_errors(asyncio.get_running_loop())
        await super().startup(sockets)
        if self.started:
            collector.keep_all()
            self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let requests end; those that still work when the grace is over are rolled back."""
        late = asyncio.create_task(self._interrupt_late())
        try:
            await super().shutdown(sockets)
        finally:
            late.cancel()

    async def _interrupt_late(self) -> None:
        await asyncio.sleep(_GRACE_SECONDS)
        while True:
            self._lanes.interrupt("the engine is stopping")
            await asyncio.sleep(_REPEAT_SECONDS)


def _announce(ready: Path, url: str, say: Callable[[str], None], text: str) -> None:
    written = ready.with_suffix(".new")
    written.write_bytes(orjson.dumps({"pid": os.getpid(), "url": url, "version": __version__}))
    written.replace(ready)  # whoever sees the file sees it whole
    say(text)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the socket names its protocol; with it on, each answer after the
    # first of a connection waits 40 ms for the client's delayed acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {error.strerror}") from None
    return listener
