"""`anomalyops engine`: the embedded engine as a server."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer


def engine(
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the engine's data; created if missing.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 9200,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Name beside the loopback ones that clients may ask under; repeatable."),
    ] = None,
) -> None:
    """Run the embedded engine: the Elasticsearch REST dialect on a port.

    There is no authentication: listen on other addresses than loopback only where everybody may read and write.
    Requests that a web page of another site made a browser send are refused.
    """
    from anomalyops.local.errors import LocalError

    try:
        from anomalyops_engine.server import serve
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("anomalyops_engine."):
            raise
        raise LocalError(
            f"the engine is not installed ({error.name} is missing): pip install 'anomalyops[engine]'"
        ) from error
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)
    serve(data, host, port, allowed_hosts=allow_host or ())
