"""`anomalyops tools`: what can be asked."""

from __future__ import annotations

from typing import Annotated

import typer

from anomalyops.cli.options import Output, OutputFormat


def tools(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Show one tool with its parameters.")] = None,
    output: Output = OutputFormat.TABLE,
) -> None:
    """List the tools that read what anomaly detection found and how its jobs are, by category; or show one of them."""
    from anomalyops.cli.console import output as console
    from anomalyops.cli.tool_view import tool_document, tool_view, tools_view
    from anomalyops_insight.tools import all_tools, find

    chosen = (find(name),) if name is not None else all_tools()
    if output is not OutputFormat.TABLE:
        from anomalyops.cli.structured import write

        write([tool_document(one) for one in chosen], output)
    else:
        console().print(tool_view(chosen[0]) if name is not None else tools_view(chosen))
