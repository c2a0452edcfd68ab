"""Managing tools on the command line: the plan first, then, with --yes, what it says."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from anomalyops.cli.options import OutputFormat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalyops.elastic import Gateway
    from anomalyops.local.managing import Looked
    from anomalyops.plan.managing import ManagingTool

TO_DO = 2
NEEDS_A_PERSON = 3


def manage(
    tool: ManagingTool[Any],
    values: Mapping[str, str],
    *,
    yes: bool,
    filename: list[str] | None,
    url: str | None,
    ca: Path | None,
    namespace: str,
    output: OutputFormat,
) -> None:
    """Shows what a managing tool would do, and does it with `yes`."""
    from anomalyops.cli.options import login
    from anomalyops.local.connections import only_connection, open_gateway
    from anomalyops.local.managing import look, perform, read
    from anomalyops.local.manifests import Manifests, read_manifests

    wanted = read(tool, values)
    manifests = read_manifests(filename, namespace=namespace) if filename else Manifests()
    connection, credentials = only_connection(manifests, login(url, ca))

    async def run() -> Looked:
        async with open_gateway(connection, credentials) as gateway:
            looked = await look(gateway, tool, wanted)
            if output is OutputFormat.TABLE:
                _show(looked, done=yes)
            if yes and _possible(looked):
                await _act(gateway, wanted, looked)
            return looked

    async def _act(gateway: Gateway, asked: Any, looked: Looked) -> None:
        from anomalyops.cli.console import messages

        console = messages()
        await perform(
            gateway, asked, looked, lambda step: console.print(f"... {step.verb} {step.target}", soft_wrap=True)
        )
        if looked.managed.plan.steps:
            console.print("done")

    looked = asyncio.run(run())
    if output is not OutputFormat.TABLE:
        from anomalyops.cli.managing_view import managed_document
        from anomalyops.cli.structured import write

        done = yes and _possible(looked) and bool(looked.managed.plan.steps)
        write(managed_document(tool, values, looked.managed, done=done), output)
    if not _possible(looked):
        raise typer.Exit(NEEDS_A_PERSON)
    if looked.managed.plan.steps and not yes:
        raise typer.Exit(TO_DO)


def _possible(looked: Looked) -> bool:
    return not looked.managed.patches and not looked.managed.plan.obstacles


def _show(looked: Looked, *, done: bool) -> None:
    from anomalyops.cli.console import output as console
    from anomalyops.cli.managing_view import managed_text

    console().print(managed_text(looked.managed, done=done), soft_wrap=True)
