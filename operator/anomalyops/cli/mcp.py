"""`anomalyops mcp`: the tools for assistants."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from anomalyops.cli.options import Ca, Namespace, OptionalFiles, Url


def mcp(
    http: Annotated[bool, typer.Option("--http", help="Serve streamable HTTP instead of standard input.")] = False,
    host: Annotated[str, typer.Option(help="With --http: the address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="With --http: the port; 0 for any.", min=0, max=65535)] = 8765,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --http: a file with the bearer token; or ANOMALYOPS_MCP_TOKEN."),
    ] = None,
    cert: Annotated[Path | None, typer.Option(metavar="FILE", help="With --http: the certificate, PEM.")] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="With --http: its key, PEM.")] = None,
    allow_writes: Annotated[
        bool, typer.Option("--allow-writes", help="Offer the tools that change something too.")
    ] = False,
    filename: OptionalFiles = None,
    url: Url = None,
    ca: Ca = None,
    namespace: Namespace = "default",
) -> None:
    """Serve tools, prompts and resources to an assistant, over the Model Context Protocol.

    Nothing is changed on the server unless --allow-writes is given; then a tool shows its plan, and does it when it is
    called with confirm. Beyond this machine, HTTP needs a token and TLS.
    """
    import asyncio

    from anomalyops.cli.console import messages
    from anomalyops.cli.insight_server import endpoint
    from anomalyops_insight.errors import BadRequestError

    where = endpoint(filename, url, ca, namespace)
    try:
        from anomalyops_insight.serving import Listening, serve_http, serve_stdio
    except ModuleNotFoundError as error:
        if error.name not in {"mcp", "uvicorn", "starlette"}:
            raise
        raise BadRequestError("this needs the MCP SDK: pip install 'anomalyops[mcp]'") from None
    changing, withheld = _writes(filename, url, ca, namespace, allowed=allow_writes)
    if not http:
        if host != "127.0.0.1" or port != 8765 or token_file is not None or cert is not None or key is not None:
            raise BadRequestError("--host, --port, --token-file, --cert and --key say something about --http alone")
        asyncio.run(serve_stdio(where, changing, withheld))
        return
    listening = Listening(host=host, port=port, token=_token(token_file), certificate=cert, key=key)
    listening.check()
    told = messages()
    if listening.token is None:
        told.print("no token is given: every program of this machine can use it", soft_wrap=True)
    asyncio.run(serve_http(where, listening, changing, withheld, told=lambda text: told.print(text, soft_wrap=True)))


def _writes(
    filename: list[str] | None, url: str | None, ca: Path | None, namespace: str, *, allowed: bool
) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """The tools that change something, and the names of those that are not offered."""
    from anomalyops.cli.mcp_writes import changing, names

    if not allowed:
        return (), names()
    from anomalyops.cli.options import login
    from anomalyops.local.connections import only_connection
    from anomalyops.local.manifests import Manifests, read_manifests

    manifests = read_manifests(filename, namespace=namespace) if filename else Manifests()
    return changing(*only_connection(manifests, login(url, ca))), ()


def _token(file: Path | None) -> str | None:
    """The bearer token that requests must have.

    Raises:
        BadRequestError: The file cannot be read.
    """
    import os

    from anomalyops_insight.errors import BadRequestError

    if file is None:
        return os.environ.get("ANOMALYOPS_MCP_TOKEN") or None
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequestError(f"--token-file {file}: cannot be read: {error}") from None
