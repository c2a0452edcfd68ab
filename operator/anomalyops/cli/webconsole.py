"""`anomalyops console`: the console in the browser, beside any server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from anomalyops.cli.options import Ca, Namespace, OptionalFiles, Url

if TYPE_CHECKING:
    from anomalyops_console.serving import Upstream
    from anomalyops_insight.server import Endpoint


def console(
    port: Annotated[int, typer.Option(help="The port on 127.0.0.1; 0 for any that is free.", min=0, max=65535)] = 9300,
    allow_writes: Annotated[
        bool, typer.Option("--allow-writes", help="Pass on calls that change something too.")
    ] = False,
    filename: OptionalFiles = None,
    url: Url = None,
    ca: Ca = None,
    namespace: Namespace = "default",
) -> None:
    """Serve the console in the browser over a server: Elasticsearch, or an engine.

    The browser speaks to this command alone, on this machine; the command passes on the calls that the console makes,
    with the credentials that only it knows. Nothing is changed on the server unless --allow-writes is given.
    """
    import socket

    from anomalyops.cli.console import messages
    from anomalyops.cli.insight_server import endpoint
    from anomalyops.local.errors import LocalError

    where = endpoint(filename, url, ca, namespace)
    try:
        import uvicorn

        from anomalyops_console.pages import PREFIX
        from anomalyops_console.serving import console as application
    except ModuleNotFoundError as error:
        if error.name not in {"uvicorn", "starlette"}:
            raise
        raise LocalError("this needs a web server: pip install 'anomalyops[console]'") from None
    try:
        listening = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise LocalError(f"--port {port}: cannot listen on 127.0.0.1:{port}: {error.strerror}") from None
    with listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}{PREFIX}/"
        messages().print(f"the console over {where.shown()} is at {address} (Ctrl-C ends it)", soft_wrap=True)
        server = uvicorn.Server(
            uvicorn.Config(
                application(_upstream(where), allow_writes=allow_writes),
                log_level="warning",
                server_header=False,
                proxy_headers=False,
            )
        )
        server.run(sockets=[listening])


def _upstream(where: Endpoint) -> Upstream:
    """The server as the console knows it."""
    from anomalyops_console.serving import Upstream
    from anomalyops_insight.server.connection import tls

    url = where.urls[0]
    authorization = where.authorization()
    headers = {} if authorization is None else {"authorization": authorization}
    context = tls(where) if url.startswith("https:") else None
    return Upstream(url=url, headers=headers, tls=context, timeout_s=where.request_timeout)
