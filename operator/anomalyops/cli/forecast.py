"""`anomalyops forecast`: what the series of a job will be like, and whether they were."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from anomalyops.cli.options import Ca, Namespace, OptionalFiles, OutputFormat, Timeout, Url, ask_for

if TYPE_CHECKING:
    from anomalyops.local.forecasting import JobForecast, Listener
    from anomalyops.reconciler import Credentials
    from anomalyops.resources import ElasticsearchConnection


class Form(StrEnum):
    """How a forecast is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def forecast(
    job: Annotated[str, typer.Argument(metavar="JOB", help="The job's id on the server.")],
    duration: Annotated[
        str, typer.Option(metavar="DURATION", help="How far ahead, for example 12h, 3d or 1w; at most 3650d.")
    ] = "1d",
    expires_in: Annotated[
        str | None, typer.Option(metavar="DURATION", help="How long the server keeps it; 0 for ever, by default 14d.")
    ] = None,
    max_model_memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="What it may take of the server's memory, by default 20mb.")
    ] = None,
    forecast_id: Annotated[
        str | None, typer.Option(metavar="ID", help="Show this forecast again, instead of making another.")
    ] = None,
    series: Annotated[
        str | None, typer.Option(metavar="VALUE", help="Only the series with this value of a partition or by field.")
    ] = None,
    past: Annotated[
        str | None, typer.Option(metavar="DURATION", help="How much of the past is shown; by default as much as ahead.")
    ] = None,
    filename: OptionalFiles = None,
    url: Url = None,
    ca: Ca = None,
    namespace: Namespace = "default",
    timeout: Timeout = "10m",
    output: Annotated[
        Form,
        typer.Option(
            "--output",
            "-o",
            callback=ask_for,
            is_eager=True,
            help="How the result is written. table plots the first series; json and csv write all of them.",
        ),
    ] = Form.TABLE,
) -> None:
    """Forecast a job and plot its past, the bounds of its future and, where data exist since, what came.

    Past and what came are shown of jobs with model plot. A closed job is opened for the forecast, and closed again.
    """
    import asyncio
    import sys

    from anomalyops.cli.console import messages
    from anomalyops.cli.console import output as console
    from anomalyops.cli.forecast_view import forecast_csv, forecast_document, forecast_view, progress_of
    from anomalyops.cli.options import seconds

    options = {"duration": _in_days(duration)}
    if expires_in is not None:
        options["expires_in"] = _in_days(expires_in)
    if max_model_memory is not None:
        options["max_model_memory"] = max_model_memory
    past_s = None if past is None else seconds("--past", _in_days(past))
    limit = 1 if output is Form.TABLE else None
    connection, credentials = _server(filename, url, ca, namespace)
    with progress_of(job, messages()) as listener:
        made = asyncio.run(
            _run(
                connection,
                credentials,
                job,
                options,
                listener,
                forecast_id=forecast_id,
                wanted=series,
                limit=limit,
                past_s=past_s,
                seconds=seconds("--timeout", timeout),
            )
        )
    if output is Form.TABLE:
        console().print(forecast_view(made, width=console().width))
    elif output is Form.CSV:
        sys.stdout.write(forecast_csv(made))
    else:
        from anomalyops.cli.structured import write

        write(forecast_document(made), OutputFormat.JSON)


def _in_days(text: str) -> str:
    """A duration as servers read it: they know no weeks."""
    weeks = re.fullmatch(r"(\d+)\s*w", text.strip())
    return f"{7 * int(weeks.group(1))}d" if weeks else text


def _server(
    files: list[str] | None, url: str | None, ca: Ca, namespace: str
) -> tuple[ElasticsearchConnection, Credentials | None]:
    from anomalyops.cli.options import login
    from anomalyops.local.connections import only_connection
    from anomalyops.local.manifests import Manifests, read_manifests

    manifests = read_manifests(files, namespace=namespace) if files else Manifests()
    return only_connection(manifests, login(url, ca))


async def _run(
    connection: ElasticsearchConnection,
    credentials: Credentials | None,
    job: str,
    options: dict[str, str],
    listener: Listener,
    *,
    forecast_id: str | None,
    wanted: str | None,
    limit: int | None,
    past_s: float | None,
    seconds: float,
) -> JobForecast:
    from anomalyops.local.connections import open_gateway
    from anomalyops.local.forecasting import make_forecast, read_forecast

    async with open_gateway(connection, credentials) as gateway:
        if forecast_id is None:
            forecast_id = await make_forecast(gateway, job, options, listener, seconds=seconds)
        return await read_forecast(gateway, job, forecast_id, wanted=wanted, limit=limit, past_s=past_s)
