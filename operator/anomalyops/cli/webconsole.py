"""`anomalyops console`: the console in the browser, beside any server."""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anomalyops.cli.logs import LogFormat, LogLevel, configure_logging
from anomalyops.cli.options import Ca, Namespace, OptionalFiles, Url

if TYPE_CHECKING:
    from anomalyops_console.serving import Upstream
    from anomalyops_insight.server import Endpoint


def console(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 for any that is free.", min=0, max=65535)] = 9300,
    allow_writes: Annotated[
        bool, typer.Option("--allow-writes", help="Pass on calls that change something too.")
    ] = False,
    login: Annotated[
        bool,
        typer.Option("--login", help="Have the browser ask for user and password of the server, and pass those on."),
    ] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Name beside the loopback ones that browsers may ask under; repeatable."),
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(metavar="FILE", help="Certificate for TLS (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="Private key of the certificate (PEM).")] = None,
    tls_in_front: Annotated[
        bool, typer.Option("--tls-in-front", help="Browsers come by https through something that ends TLS: an ingress.")
    ] = False,
    filename: OptionalFiles = None,
    url: Url = None,
    ca: Ca = None,
    namespace: Namespace = "default",
    log_format: Annotated[LogFormat, typer.Option(help="How log lines look.")] = LogFormat.TEXT,
    log_level: Annotated[LogLevel, typer.Option(help="The least severe lines that are logged.")] = LogLevel.WARNING,
) -> None:
    """Serve the console in the browser over a server: Elasticsearch, or an engine.

    The browser speaks to this command alone, on this machine; the command passes on the calls that the console makes,
    with the credentials that only it knows, or with --login with those of who looks. Nothing is changed on the server
    unless --allow-writes is given. On other addresses than loopback it listens only with --login, --allow-host and TLS.
    """
    from anomalyops.cli.insight_server import endpoint
    from anomalyops.local.errors import LocalError

    where = endpoint(filename, url, ca, namespace)
    try:
        import uvicorn

        from anomalyops_console.pages import PREFIX
        from anomalyops_console.reach import Reach, UnsafeReachError, check_reach
        from anomalyops_console.serving import console as application
    except ModuleNotFoundError as error:
        if error.name not in {"uvicorn", "starlette"}:
            raise
        raise LocalError("this needs a web server: pip install 'anomalyops[console]'") from None
    _check_certificate(tls_cert, tls_key)
    names = frozenset(name.lower() for name in allow_host or ())
    reach = Reach(allowed_hosts=names, login=login, tls_in_front=tls_in_front)
    upstream = _upstream(where)
    with _listening(host, port) as listening:
        bound = listening.getsockname()
        try:
            check_reach(bound[0], reach, tls=tls_cert is not None, credentials=bool(upstream.headers))
        except UnsafeReachError as error:
            raise LocalError(str(error)) from None
        configure_logging(log_format, log_level)
        name = f"[{bound[0]}]" if listening.family == socket.AF_INET6 else bound[0]
        address = f"{'http' if tls_cert is None else 'https'}://{name}:{bound[1]}{PREFIX}/"
        _announce(f"the console over {where.shown()} is at {address} (Ctrl-C ends it)", log_format)
        server = uvicorn.Server(
            uvicorn.Config(
                application(upstream, allow_writes=allow_writes, reach=reach),
                log_level="warning",
                log_config=None,  # its lines look as all others do
                access_log=False,
                server_header=False,
                proxy_headers=False,
                ssl_certfile=tls_cert,
                ssl_keyfile=tls_key,
            )
        )
        server.run(sockets=[listening])


def _check_certificate(certificate: Path | None, key: Path | None) -> None:
    """Refuse files that TLS could not be spoken with.

    Raises:
        LocalError: One is missing, cannot be read, or does not belong to the other.
    """
    import ssl

    from anomalyops.local.errors import LocalError

    if (certificate is None) != (key is None):
        raise LocalError("--tls-cert and --tls-key belong together")
    if certificate is None:
        return
    try:
        # A key that asks for a password would wait for somebody to type it.
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key, password="")
    except OSError as error:
        told = "they are no certificate and its key without a password" if isinstance(error, ssl.SSLError) else None
        raise LocalError(f"--tls-cert {certificate}, --tls-key {key}: {told or error.strerror or error}") from None


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        LocalError: The address is not available.
    """
    from anomalyops.local.errors import LocalError

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise LocalError(f"--port {port}: cannot listen on {host}:{port}: {error.strerror}") from None


def _announce(text: str, log_format: LogFormat) -> None:
    """Say where the console is, in the form of the log's lines, whatever their level."""
    from anomalyops.cli.console import messages

    if log_format is LogFormat.JSON:
        logger = logging.getLogger("anomalyops.cli.console")
        logger.setLevel(logging.INFO)
        logger.info(text)
    else:
        messages().print(text, soft_wrap=True)


def _upstream(where: Endpoint) -> Upstream:
    """The server as the console knows it.

    Raises:
        LocalError: What it is to be trusted by is no certificate.
    """
    from anomalyops.local.errors import LocalError
    from anomalyops_console.serving import Upstream
    from anomalyops_insight.server.connection import tls

    url = where.urls[0]
    authorization = where.authorization()
    headers = {} if authorization is None else {"authorization": authorization}
    try:
        context = tls(where) if url.startswith("https:") else None
    except ValueError as error:
        raise LocalError(f"{where.shown()}: {error}") from None
    return Upstream(url=url, headers=headers, tls=context, timeout_s=where.request_timeout)
