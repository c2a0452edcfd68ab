"""`anomalyops anomalies`: what the jobs have found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anomalyops.cli.options import Ca, Namespace, OptionalFiles, Output, OutputFormat, Url

if TYPE_CHECKING:
    from anomalyops.local.findings import Anomaly, Influencer, ModelPlot, Window
    from anomalyops.reconciler import Credentials
    from anomalyops.resources import ElasticsearchConnection


def anomalies(
    job: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="A job's id on the server; by default those of the files, else all."),
    ] = None,
    filename: OptionalFiles = None,
    url: Url = None,
    ca: Ca = None,
    namespace: Namespace = "default",
    min_score: Annotated[float, typer.Option(min=0, max=100, help="Least record score.")] = 50.0,
    start: Annotated[str | None, typer.Option(metavar="TIME", help="From this time on, ISO 8601.")] = None,
    end: Annotated[str | None, typer.Option(metavar="TIME", help="Before this time.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Show the highest anomalies and influencers of jobs; in a table also the series around the worst one."""
    import asyncio

    from anomalyops.local.findings import Window

    window = Window(min_score=min_score, limit=limit, start=start, end=end)
    connection, credentials, jobs = _jobs(filename, job, url, ca, namespace)
    found, influencers, plots = asyncio.run(_read(connection, credentials, jobs, window))
    if output is OutputFormat.TABLE:
        from anomalyops.cli.console import output as console
        from anomalyops.cli.findings_view import findings_view

        console().print(findings_view(found, influencers, plots, width=console().width))
        if len(found) == limit:
            console().print(f"These are the {limit} highest; --limit shows more, --min-score and --start fewer.")
    else:
        from anomalyops.cli.findings_view import findings_document
        from anomalyops.cli.structured import write

        write(findings_document(found, influencers), output)


def _jobs(
    files: list[str] | None, jobs: list[str] | None, url: str | None, ca: Path | None, namespace: str
) -> tuple[ElasticsearchConnection, Credentials | None, list[str]]:
    """The server, and the jobs that the options or else the files name."""
    from anomalyops.cli.options import login
    from anomalyops.local.connections import only_connection
    from anomalyops.local.manifests import Manifests, read_manifests

    manifests = read_manifests(files, namespace=namespace) if files else Manifests()
    connection, credentials = only_connection(manifests, login(url, ca))
    return connection, credentials, jobs or [item.server_id for item in manifests.jobs]


async def _read(
    connection: ElasticsearchConnection, credentials: Credentials | None, jobs: list[str], window: Window
) -> tuple[list[Anomaly], list[Influencer], list[ModelPlot]]:
    from anomalyops.local.connections import open_gateway
    from anomalyops.local.findings import top_anomalies, top_influencers, worst_series

    async with open_gateway(connection, credentials) as gateway:
        names = jobs or sorted(await gateway.jobs())
        found = await top_anomalies(gateway, names, window)
        influencers = await top_influencers(gateway, names, window)
        return found, influencers, await worst_series(gateway, found)
