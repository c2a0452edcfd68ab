"""`anomalyops troubleshoot`: are jobs healthy, and what to do where they are not."""

from __future__ import annotations

from typing import Annotated

import typer

from anomalyops.cli.options import Ca, Namespace, OptionalFiles, Output, OutputFormat, Url

WARNING, CRITICAL = 2, 3


def troubleshoot(
    job: Annotated[
        str | None, typer.Argument(metavar="JOB", help="A job's id, which is looked at closely, or a pattern with *.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All jobs, the worst first.")] = False,
    filename: OptionalFiles = None,
    url: Url = None,
    ca: Ca = None,
    namespace: Namespace = "default",
    output: Output = OutputFormat.TABLE,
) -> None:
    """Find out what is wrong with jobs: memory, missing documents, scores, states; and what to do. Changes nothing.

    Exit codes: 0 healthy, 2 the worst is a warning, 3 it is critical, 1 error.
    """
    import asyncio
    from datetime import UTC, datetime

    from anomalyops.cli.console import output as console
    from anomalyops.cli.insight_server import endpoint
    from anomalyops.cli.troubleshoot_view import diagnoses_document, diagnoses_view
    from anomalyops_insight.errors import BadRequestError
    from anomalyops_insight.server import Endpoint, Server, Session
    from anomalyops_insight.troubleshooting import Diagnosis, Severity
    from anomalyops_insight.troubleshooting import troubleshoot as program

    if (job is None) != every:
        raise BadRequestError("give one JOB, or --all")

    async def run(where: Endpoint) -> tuple[Diagnosis, ...]:
        async with Server(where) as server:
            return await Session(server).run(program("*" if job is None else job, datetime.now(UTC)))

    found = asyncio.run(run(endpoint(filename, url, ca, namespace)))
    if output is OutputFormat.TABLE:
        console().print(diagnoses_view(found), soft_wrap=True)
    else:
        from anomalyops.cli.structured import write

        write(diagnoses_document(found), output)
    worst = max(one.severity for one in found)
    if worst >= Severity.WARNING:
        raise typer.Exit(CRITICAL if worst is Severity.CRITICAL else WARNING)
