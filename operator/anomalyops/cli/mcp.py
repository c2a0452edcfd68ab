"""`anomalyops mcp`: the tools for assistants."""

from __future__ import annotations

from anomalyops.cli.options import Ca, Namespace, OptionalFiles, Url


def mcp(
    filename: OptionalFiles = None,
    url: Url = None,
    ca: Ca = None,
    namespace: Namespace = "default",
) -> None:
    """Serve the tools that read to an assistant, over the Model Context Protocol on standard input and output.

    Nothing is changed on the server: tools that change something are not offered.
    """
    import asyncio

    from anomalyops.cli.insight_server import endpoint
    from anomalyops_insight.errors import BadRequestError

    where = endpoint(filename, url, ca, namespace)
    try:
        from anomalyops_insight.serving import serve_stdio
    except ModuleNotFoundError as error:
        if error.name != "mcp":
            raise
        raise BadRequestError("this needs the MCP SDK: pip install 'anomalyops[mcp]'") from None
    asyncio.run(serve_stdio(where))
