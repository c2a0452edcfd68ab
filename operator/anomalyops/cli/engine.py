"""`anomalyops engine`: the embedded engine as a server."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Annotated

import typer

_SHORTEST_PASSWORD = 6


def engine(
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the engine's data; created if missing.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 9200,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Name beside the loopback ones that clients may ask under; repeatable."),
    ] = None,
    password_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File with the password of the user elastic, in place of $ELASTIC_PASSWORD."),
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(metavar="FILE", help="Certificate for TLS (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="Private key of the certificate (PEM).")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Listen beyond loopback although authentication or TLS are missing.")
    ] = False,
) -> None:
    """Run the embedded engine: the Elasticsearch REST dialect on a port.

    With a password in $ELASTIC_PASSWORD or --password-file every request must say who it is from (user and password, or
    an API key). On other addresses than loopback the engine listens only with that and with TLS. Requests that a web
    page of another site made a browser send are refused.
    """
    from anomalyops.local.errors import LocalError

    try:
        from anomalyops_engine.server import Protection, UnsafeListeningError, serve
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("anomalyops_engine."):
            raise
        raise LocalError(
            f"the engine is not installed ({error.name} is missing): pip install 'anomalyops[engine]'"
        ) from error
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)
    if (tls_cert is None) != (tls_key is None):
        raise LocalError("--tls-cert and --tls-key belong together")
    protection = Protection(_password(password_file), tls_cert, tls_key, insecure)
    try:
        serve(data, host, port, allowed_hosts=allow_host or (), protection=protection)
    except UnsafeListeningError as error:
        raise LocalError(str(error)) from error


def _password(file: Path | None) -> str | None:
    """Return the password of the user `elastic` from a file or the environment; None when there is none."""
    from anomalyops.local.errors import LocalError

    # Taken out of the environment, which processes started from here and dumps would show.
    given = os.environ.pop("ELASTIC_PASSWORD", "")
    if file is not None:
        try:
            given = file.read_text().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise LocalError(f"cannot read the password in {file}: {error}") from error
        if not given:
            raise LocalError(f"the password in {file} is empty")
    if given and len(given) < _SHORTEST_PASSWORD:
        raise LocalError(f"the password of the user elastic must have at least {_SHORTEST_PASSWORD} characters")
    return given or None
