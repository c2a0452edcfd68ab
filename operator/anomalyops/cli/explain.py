"""`anomalyops explain`: why a score is what it is."""

from __future__ import annotations

from typing import Annotated

import typer

from anomalyops.cli.options import Ca, Namespace, OptionalFiles, Output, OutputFormat, Url


def explain(
    job: Annotated[str, typer.Argument(metavar="JOB", help="The job's id on the server.")],
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="The worst record of the bucket at this time, or why nothing was flagged.",
        ),
    ] = None,
    record: Annotated[str | None, typer.Option(metavar="ID", help="The record of this _id.")] = None,
    filename: OptionalFiles = None,
    url: Url = None,
    ca: Ca = None,
    namespace: Namespace = "default",
    output: Output = OutputFormat.TABLE,
) -> None:
    """Say why an anomaly has its score, or why nothing was flagged at a time; by default of the worst anomaly."""
    import asyncio
    from datetime import UTC, datetime

    from anomalyops.cli.console import output as console
    from anomalyops.cli.explain_view import explanation_document, explanation_view
    from anomalyops.cli.insight_server import endpoint
    from anomalyops_insight.errors import BadRequestError
    from anomalyops_insight.explaining import Explanation
    from anomalyops_insight.explaining import explain as program
    from anomalyops_insight.server import Endpoint, Server, Session
    from anomalyops_insight.times import read_moment

    if at is not None and record is not None:
        raise BadRequestError("give --at or --record, not both")
    try:
        moment = None if at is None else read_moment(at, datetime.now(UTC))
    except ValueError as error:
        raise BadRequestError(f"--at: {error}") from None

    async def run(where: Endpoint) -> Explanation:
        async with Server(where) as server:
            return await Session(server).run(program(job, at=moment, record_id=record))

    found = asyncio.run(run(endpoint(filename, url, ca, namespace)))
    if output is OutputFormat.TABLE:
        console().print(explanation_view(found, width=console().width))
    else:
        from anomalyops.cli.structured import write

        write(explanation_document(found), output)
