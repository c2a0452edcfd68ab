"""`anomalyops investigate`: what broke."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anomalyops.cli.options import Ca, Namespace, OptionalFiles, Output, OutputFormat, Url

if TYPE_CHECKING:
    from datetime import datetime

    from anomalyops_insight.server import Asked

NOTHING = 3


def investigate(
    start: Annotated[str, typer.Option(metavar="TIME", help="From this time on: ISO 8601, or now-2h.")],
    end: Annotated[str, typer.Option(metavar="TIME", help="Before this time.")] = "now",
    jobs: Annotated[str, typer.Option(metavar="PATTERN", help="Job ids, or patterns with *.")] = "*",
    service: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Only jobs that have to do with this service: its own, of what it calls, and of what they share.",
        ),
    ] = None,
    min_score: Annotated[float, typer.Option(min=0, max=100, help="Least score of what counts.")] = 25.0,
    min_job_count: Annotated[int, typer.Option(min=1, help="Jobs that a prime suspect is named by.")] = 2,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report there: .md, .html or .json.")
    ] = None,
    show_query: Annotated[bool, typer.Option("--show-query", help="Add the queries behind each step.")] = False,
    filename: OptionalFiles = None,
    url: Url = None,
    ca: Ca = None,
    namespace: Namespace = "default",
    output: Output = OutputFormat.TABLE,
) -> None:
    """Investigate an incident in fourteen steps: the most likely root cause, how it went on, evidence, what to do.

    Exit codes: 0 something was found, 3 there is nothing to investigate in the window, 1 error.
    """
    import asyncio
    from datetime import UTC, datetime

    from anomalyops.cli.console import messages
    from anomalyops.cli.insight_server import endpoint
    from anomalyops_insight.errors import BadRequestError
    from anomalyops_insight.investigating import Incident, Investigation
    from anomalyops_insight.investigating import investigate as program
    from anomalyops_insight.server import Endpoint, Server, Session

    if report is not None and report.suffix not in {".md", ".html", ".json"}:
        raise BadRequestError(f"--report {report}: expected a file that ends in .md, .html or .json")
    if report is not None and not report.parent.is_dir():
        raise BadRequestError(f"--report {report}: there is no folder {report.parent}")
    now = datetime.now(UTC)
    if service == "":
        raise BadRequestError("--service: expected the name of a service, found nothing")
    window = _moment("--start", start, now), _moment("--end", end, now)
    if end == "now" and window[0] > now:
        raise BadRequestError(f"--start {start}: that lies in the future (now is {now:%Y-%m-%d %H:%M:%S} UTC)")
    incident = Incident(*window, jobs, min_score, min_job_count, service)
    told = messages()

    async def run(where: Endpoint) -> tuple[Investigation, list[Asked]]:
        async with Server(where) as server:
            session = Session(server, told=lambda text: told.print(text, style="dim"))
            return await session.run(program(incident)), session.asked

    found, asked = asyncio.run(run(endpoint(filename, url, ca, namespace)))
    _write(found, asked if show_query else [], report, output)
    if found.empty is not None:
        raise typer.Exit(NOTHING)


def _moment(option: str, text: str, now: datetime) -> datetime:
    from anomalyops_insight.errors import BadRequestError
    from anomalyops_insight.times import read_moment

    try:
        return read_moment(text, now)
    except ValueError as error:
        raise BadRequestError(f"{option}: {error}") from None


def _write(found: Any, asked: list[Asked], report: Path | None, output: OutputFormat) -> None:
    import json
    import sys

    from anomalyops.cli.structured import write
    from anomalyops_insight.investigating.blocks import markdown, page, text
    from anomalyops_insight.investigating.report import document
    from anomalyops_insight.investigating.report import report as blocks_of

    blocks = [*blocks_of(found), *_queries(asked)]
    values = document(found) | ({"queries": [_query(one) for one in asked]} if asked else {})
    if report is not None:
        written = {
            ".md": lambda: markdown(blocks),
            ".html": lambda: page("Investigation", blocks),
            ".json": lambda: json.dumps(values, indent=2, ensure_ascii=False) + "\n",
        }
        report.write_text(written[report.suffix](), encoding="utf-8")
    if output is not OutputFormat.TABLE:
        write(values, output)
    else:
        sys.stdout.write(text(blocks))


def _query(one: Asked) -> dict[str, Any]:
    return {"step": one.step, "way": one.way, "note": one.note, "rows": one.rows, "query": one.shown}


def _queries(asked: list[Asked]) -> list[Any]:
    """The queries behind each step, as the last part of a report."""
    from anomalyops_insight.investigating.blocks import Code, Heading, Paragraph

    if not asked:
        return []
    blocks: list[Any] = [Heading("Queries")]
    step = ""
    for one in asked:
        if one.step != step:
            step = one.step
            blocks.append(Paragraph(step))
        blocks.append(Code(one.shown, "esql" if one.way == "esql" else ""))
    return blocks
