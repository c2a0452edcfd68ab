"""`anomalyops tool`: asks one question, or makes one change."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from anomalyops.cli.options import Ca, Namespace, OptionalFiles, OutputFormat, Url, ask_for

NOTHING_TO_LOOK_AT = 3


class ToolOutput(StrEnum):
    """How rows are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class Way(StrEnum):
    """How questions are asked."""

    AUTO = "auto"
    ESQL = "esql"
    SEARCH = "search"


def tool(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A tool's name; `anomalyops tools` lists them.")],
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter; --job-id-pattern VALUE says the same."),
    ] = None,
    show_query: Annotated[
        bool, typer.Option("--show-query", help="Show what was asked, as ES|QL that Kibana takes too.")
    ] = False,
    way: Annotated[
        Way, typer.Option(help="esql or search alone; auto searches where the server refuses ES|QL.")
    ] = Way.AUTO,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do what the plan of a tool that changes something says; without it, show it.")
    ] = False,
    filename: OptionalFiles = None,
    url: Url = None,
    ca: Ca = None,
    namespace: Namespace = "default",
    output: Annotated[
        ToolOutput, typer.Option("--output", "-o", callback=ask_for, is_eager=True, help="How rows are written.")
    ] = ToolOutput.TABLE,
) -> None:
    """Ask one question about anomaly detection jobs, or plan one change of them and, with --yes, make it.

    Parameters of the tool are options: `anomalyops tool ad_query_anomaly_records --job-id-pattern 'web-*'`.

    Exit codes: 0 answered, also with nothing above the threshold, or done; 2 a change would be made with --yes; 3 there
    is nothing to look at (no privilege, no index, no results, none in the window), or a manifest owns what would be
    changed, or something is in the way; 1 error.
    """
    import asyncio

    from anomalyops.cli.console import messages
    from anomalyops.cli.console import output as console
    from anomalyops.cli.insight_server import endpoint
    from anomalyops.cli.tool_view import answer_csv, answer_document, answer_view, query_lines
    from anomalyops_insight.emptiness import Reason
    from anomalyops_insight.errors import BadRequestError
    from anomalyops_insight.server import Endpoint, Server, Session
    from anomalyops_insight.toolset import find

    if (managing := managing_tool(name)) is not None:
        from anomalyops.cli.managing import manage

        refuse_reading_options(output, show_query=show_query, way=way)
        given = parameters(context.args, param or (), managing.parameters.model_fields)
        as_written = OutputFormat.JSON if output is ToolOutput.JSON else OutputFormat.TABLE
        manage(managing, given, yes=yes, filename=filename, url=url, ca=ca, namespace=namespace, output=as_written)
        return
    chosen = find(name)
    if yes:
        raise BadRequestError(f"{name} changes nothing: --yes has no meaning there")
    values = parameters(context.args, param or (), chosen.parameters.model_fields)
    chosen.read(values)  # what is wrong with them is said before a server is needed

    async def run(where: Endpoint) -> tuple[Any, Session]:
        async with Server(where) as server:
            session = Session(server, way.value)
            return await session.run(chosen.run(values)), session

    found, session = asyncio.run(run(endpoint(filename, url, ca, namespace)))
    if output is ToolOutput.JSON:
        from anomalyops.cli.structured import write

        write(answer_document(chosen, values, found, session.asked if show_query else ()), OutputFormat.JSON)
    elif output is ToolOutput.CSV:
        typer.echo(answer_csv(chosen, found), nl=False)
    else:
        console().print(answer_view(chosen, found, width=console().width))
    if show_query and output is not ToolOutput.JSON:
        to = console() if output is ToolOutput.TABLE else messages()
        to.print("", *query_lines(session.asked), sep="\n", soft_wrap=True)
    if found.empty is not None and output is ToolOutput.CSV:
        messages().print(found.empty.message, soft_wrap=True)
    if found.empty is not None and found.empty.reason is not Reason.NOTHING_ABOVE_THRESHOLD:
        raise typer.Exit(NOTHING_TO_LOOK_AT)


def managing_tool(name: str) -> Any:
    """The tool of that name that changes something; None where there is none."""
    if not name.startswith(("ad_create_", "ad_update_", "ad_open_", "ad_manage_", "ad_revert_")):
        return None  # so that asking does not wait for what only changing needs
    from anomalyops.local.managing import find

    return find(name)


def refuse_reading_options(output: ToolOutput, *, show_query: bool, way: Way) -> None:
    """Options of tools that ask, given to one that changes something.

    Raises:
        BadRequestError: One is given.
    """
    from anomalyops_insight.errors import BadRequestError

    given = {"--output csv": output is ToolOutput.CSV, "--show-query": show_query, "--way": way is not Way.AUTO}
    if named := [option for option, is_given in given.items() if is_given]:
        raise BadRequestError(f"{named[0]} belongs to tools that ask; this one changes something")


def parameters(arguments: Sequence[str], pairs: Sequence[str], known: Any) -> dict[str, str]:
    """A tool's parameters by name, from options and from NAME=VALUE.

    Args:
        arguments: What the command line had beside the command's own options.
        pairs: Of --param.
        known: The tool's parameters.

    Raises:
        BadRequestError: One is no option, has no value, or is given twice.
    """
    from anomalyops_insight.errors import BadRequestError

    values: dict[str, str] = {}
    for name, value in [*_options(arguments), *_pairs(pairs)]:
        if name not in known:
            there = ", ".join("--" + other.replace("_", "-") for other in known)
            raise BadRequestError(f"there is no parameter --{name.replace('_', '-')}; there are {there}")
        if name in values:
            raise BadRequestError(f"--{name.replace('_', '-')} is given twice")
        values[name] = value
    return values


def _options(arguments: Sequence[str]) -> list[tuple[str, str]]:
    from anomalyops_insight.errors import BadRequestError

    found, rest = [], list(arguments)
    while rest:
        option = rest.pop(0)
        if not option.startswith("--") or option == "--":
            raise BadRequestError(f"{option!r} is unexpected: parameters are written as --name value")
        name, equals, value = option[2:].partition("=")
        if not equals:
            if not rest:
                raise BadRequestError(f"{option} needs a value")
            value = rest.pop(0)
        found.append((name.replace("-", "_"), value))
    return found


def _pairs(pairs: Sequence[str]) -> list[tuple[str, str]]:
    from anomalyops_insight.errors import BadRequestError

    found = []
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise BadRequestError(f"--param {pair!r}: expected NAME=VALUE")
        found.append((name.replace("-", "_"), value))
    return found
