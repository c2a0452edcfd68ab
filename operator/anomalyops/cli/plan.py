"""`anomalyops plan`: what applying would do, without doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from anomalyops.cli.options import Ca, Files, Namespace, Output, OutputFormat, OwnerId, TakeOver, Url

if TYPE_CHECKING:
    from anomalyops.local.inspecting import Planned

SOMETHING_TO_DO = 2
NEEDS_A_PERSON = 3


def plan(
    filename: Files,
    url: Url = None,
    ca: Ca = None,
    namespace: Namespace = "default",
    owner: OwnerId = None,
    take_over: TakeOver = None,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Show what apply would do, and why; change nothing.

    Exit codes: 0 the server is as the files say, 2 something is to do or waited for, 3 something is in the way
    that only a person can remove (apply would fail), 1 error.
    """
    import asyncio

    from anomalyops.cli.options import targets
    from anomalyops.local.inspecting import plan as look

    found = targets(filename, namespace=namespace, url=url, ca=ca, owner=owner, take_over=take_over)
    planned = [item for target in found for item in asyncio.run(look(target))]
    _show(planned, output)
    if any(item.plan.stalled for item in planned):
        raise typer.Exit(NEEDS_A_PERSON)
    if any(not item.plan.empty or item.plan.obstacles for item in planned):
        raise typer.Exit(SOMETHING_TO_DO)


def _show(planned: list[Planned], output: OutputFormat) -> None:
    if output is OutputFormat.TABLE:
        from anomalyops.cli.console import output as console
        from anomalyops.cli.plan_view import plan_text

        console().print(plan_text(planned), soft_wrap=not console().is_terminal)
    else:
        from anomalyops.cli.plan_view import plan_document
        from anomalyops.cli.structured import write

        write(plan_document(planned), output)
