"""`anomalyops estimate`: the memory that jobs need and the query delay that their data need."""

from __future__ import annotations

from typing import Annotated

import typer

from anomalyops.cli.options import Ca, Files, Namespace, Output, OutputFormat, Url

TO_CHANGE = 2
NEEDS_A_PERSON = 3


def estimate(
    filename: Files,
    url: Url = None,
    ca: Ca = None,
    namespace: Namespace = "default",
    days: Annotated[
        float, typer.Option(min=0.01, help="How far back from the latest document values of fields are counted.")
    ] = 7,
    ingested_field: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD",
            help="Says when a document was ingested; by default queryDelayPolicy.ingestedField, or event.ingested.",
            show_default=False,
        ),
    ] = None,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Estimate memory limits and query delays from the data that the jobs will read; change nothing.

    Exit codes: 0 limits and delays suffice, 2 some should be raised, 3 a job needs more memory than the server
    allows, 1 error.
    """
    import asyncio

    from anomalyops.cli.estimate_view import estimate_document, estimate_notes, estimate_table
    from anomalyops.cli.options import targets
    from anomalyops.local.estimating import estimate as look

    found = targets(filename, namespace=namespace, url=url, ca=ca)
    looks = (look(target, days=days, ingested_field=ingested_field) for target in found)
    made = [one for made in looks for one in asyncio.run(made)]
    if output is OutputFormat.TABLE:
        from anomalyops.cli.console import output as console

        shown = console()
        shown.print(estimate_table(made))
        for note in estimate_notes(made):
            shown.print(note, soft_wrap=True)
    else:
        from anomalyops.cli.structured import write

        write(estimate_document(made), output)
    if any(one.too_large for one in made):
        raise typer.Exit(NEEDS_A_PERSON)
    if any(one.raise_limit or one.raise_delay for one in made):
        raise typer.Exit(TO_CHANGE)
