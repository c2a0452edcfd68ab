"""`anomalyops tools`: what can be asked."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from anomalyops.cli.options import Output, OutputFormat


def tools(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Show one tool with its parameters.")] = None,
    output: Output = OutputFormat.TABLE,
) -> None:
    """List the tools that read what anomaly detection found and how its jobs are, and those that change them."""
    from anomalyops.cli.console import output as console
    from anomalyops.cli.tool_view import tool_document, tool_view, tools_view
    from anomalyops.plan.managing import managing_tools
    from anomalyops_insight.toolset import all_tools, find

    changing = {tool.name: tool for tool in managing_tools()}
    chosen: tuple[Any, ...]
    if name is None:
        chosen = (*all_tools(), *changing.values())
    else:
        chosen = (changing[name] if name in changing else find(name),)
    if output is not OutputFormat.TABLE:
        from anomalyops.cli.structured import write

        write([tool_document(one) for one in chosen], output)
    else:
        console().print(tool_view(chosen[0]) if name is not None else tools_view(chosen))
