"""`anomalyops plan`: what applying would do, without doing it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from anomalyops.cli.options import Ca, Files, Namespace, OutputFormat, OwnerId, TakeOver, Url, ask_for

if TYPE_CHECKING:
    from anomalyops.local.inspecting import Planned

SOMETHING_TO_DO = 2
NEEDS_A_PERSON = 3


class PlanFormat(StrEnum):
    """How a plan is written."""

    TABLE = "table"
    MARKDOWN = "markdown"
    JSON = "json"
    YAML = "yaml"


def _ask_for(output: PlanFormat) -> PlanFormat:
    ask_for(OutputFormat.TABLE if output is PlanFormat.MARKDOWN else OutputFormat(output.value))
    return output


def plan(
    filename: Files,
    url: Url = None,
    ca: Ca = None,
    namespace: Namespace = "default",
    owner: OwnerId = None,
    take_over: TakeOver = None,
    output: Annotated[
        PlanFormat,
        typer.Option(
            "--output",
            "-o",
            callback=_ask_for,
            is_eager=True,
            help="How the plan is written. markdown: for a comment on a pull request. json and yaml: one document on"
            " stdout, of errors too.",
        ),
    ] = PlanFormat.TABLE,
) -> None:
    """Show what apply would do, and why; change nothing.

    Exit codes: 0 the server is as the files say, 2 something is to do or waited for, 3 something is in the way
    that only a person can remove (apply would fail), 1 error.
    """
    import asyncio

    from anomalyops.cli.options import targets
    from anomalyops.local.inspecting import plan as look
    from anomalyops.local.requests import planned_requests
    from anomalyops.local.shared import plan_shared

    found = targets(filename, namespace=namespace, url=url, ca=ca, owner=owner, take_over=take_over)
    planned = []
    for target in found:
        planned += [*asyncio.run(plan_shared(target)), *asyncio.run(look(target)), *planned_requests(target)]
    _show(planned, output)
    if any(item.plan.stalled for item in planned):
        raise typer.Exit(NEEDS_A_PERSON)
    if any(not item.plan.empty or item.plan.obstacles for item in planned):
        raise typer.Exit(SOMETHING_TO_DO)


def _show(planned: list[Planned], output: PlanFormat) -> None:
    if output is PlanFormat.MARKDOWN:
        from anomalyops.cli.plan_view import plan_markdown

        typer.echo(plan_markdown(planned), nl=False)
    elif output is PlanFormat.TABLE:
        from anomalyops.cli.console import output as console
        from anomalyops.cli.plan_view import plan_text

        console().print(plan_text(planned), soft_wrap=not console().is_terminal)
    else:
        from anomalyops.cli.plan_view import plan_document
        from anomalyops.cli.structured import write

        write(plan_document(planned), OutputFormat(output.value))
