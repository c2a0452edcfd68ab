"""`anomalyops kibana`: tools and skills of anomaly detection in Kibana's Agent Builder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anomalyops.cli.options import Ca, Output, OutputFormat

if TYPE_CHECKING:
    from anomalyops_insight.kibana import Change
    from anomalyops_insight.programs import Program

DIFFERENT = 2
FOREIGN = 3
KibanaUrl = Annotated[
    str,
    typer.Option(
        metavar="URL",
        help="Kibana. Credentials come from the environment variables ANOMALYOPS_API_KEY, or ANOMALYOPS_USERNAME and"
        " ANOMALYOPS_PASSWORD.",
    ),
]
Space = Annotated[str, typer.Option(metavar="NAME", help="The space whose agents are to have them.")]

kibana = typer.Typer(
    name="kibana",
    help="Tools and skills of anomaly detection in the Agent Builder of a Kibana 9.x.",
    no_args_is_help=True,
)


@kibana.command()
def register(
    kibana_url: KibanaUrl, space: Space = "default", ca: Ca = None, output: Output = OutputFormat.TABLE
) -> None:
    """Write the ES|QL tools, and the skills that use them: what is missing, what has changed; ours that are no more go.

    Exit codes: 0 done, also when nothing was to do; 3 somebody else's tool has an id of ours, and stays; 1 error.
    """
    changes = _run(kibana_url, space, ca, wanted=True, do=True)
    _write(changes, output)
    if any(change.verb == "foreign" for change in changes):
        raise typer.Exit(FOREIGN)


@kibana.command()
def unregister(
    kibana_url: KibanaUrl, space: Space = "default", ca: Ca = None, output: Output = OutputFormat.TABLE
) -> None:
    """Take away the tools that have the tag anomalyops, and the skills whose id begins so.

    Exit codes: 0 done, also when there were none; 1 error.
    """
    _write(_run(kibana_url, space, ca, wanted=False, do=True), output)


@kibana.command()
def status(kibana_url: KibanaUrl, space: Space = "default", ca: Ca = None, output: Output = OutputFormat.TABLE) -> None:
    """Show what register would do, and do nothing.

    Exit codes: 0 all is there; 2 something would be written; 3 somebody else's tool has an id of ours; 1 error.
    """
    changes = _run(kibana_url, space, ca, wanted=True, do=False)
    _write(changes, output)
    verbs = {change.verb for change in changes}
    if verbs != {"keep"}:
        raise typer.Exit(FOREIGN if "foreign" in verbs else DIFFERENT)


def _run(url: str, space: str, ca: Path | None, *, wanted: bool, do: bool) -> tuple[Change, ...]:
    import asyncio

    from anomalyops.cli.console import messages
    from anomalyops.cli.insight_server import endpoint
    from anomalyops_insight.errors import BadRequestError
    from anomalyops_insight.kibana import apply, look, skills, to_register, to_unregister, tool_definitions
    from anomalyops_insight.server import Session
    from anomalyops_insight.server.kibana import Kibana

    if not url:
        raise BadRequestError("--kibana-url: expected http(s)://host[:port]")

    def program() -> Program[tuple[Change, ...]]:
        there = yield from look()
        if there.skills is None:
            messages().print("this Kibana has no skills (they come with 9.4): tools alone", style="yellow")
        changes = to_register(there, tool_definitions(), skills()) if wanted else to_unregister(there)
        if do:
            yield from apply(changes)
        return changes

    async def run() -> tuple[Change, ...]:
        async with Kibana(endpoint(None, url, ca, "default"), space) as server:
            return await Session(server).run(program())

    return asyncio.run(run())


def _write(changes: tuple[Change, ...], output: OutputFormat) -> None:
    import sys

    from anomalyops.cli.structured import write

    if output is not OutputFormat.TABLE:
        rows: list[dict[str, Any]] = [{"kind": one.kind, "id": one.id, "change": one.verb} for one in changes]
        write({"changes": rows}, output)
        return
    marks = {"create": "+", "update": "~", "delete": "-", "keep": "=", "foreign": "!"}
    told = {"foreign": "  is somebody else's: it has no tag anomalyops, and stays"}
    lines = [f"{marks[one.verb]} {one.kind[:-1]} {one.id}{told.get(one.verb, '')}" for one in changes]
    sys.stdout.write("\n".join(lines or ["nothing of ours is there"]) + "\n")
