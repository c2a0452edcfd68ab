"""`anomalyops backtest`: what jobs would have found, before they are created."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anomalyops.cli.options import Ca, Files, Namespace, OutputFormat, Timeout, Url, ask_for

if TYPE_CHECKING:
    from anomalyops.elastic import Gateway
    from anomalyops.local.backtest_figures import Backtest
    from anomalyops.local.backtesting import Loading, Past, Told
    from anomalyops.local.connections import Target
    from anomalyops.local.progress import Progress
    from anomalyops.plan import Plan, Step
    from anomalyops.reconciler import Pair

TOO_MANY = 2


class BacktestFormat(StrEnum):
    """How the result is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


def backtest(
    filename: Files,
    against: Annotated[
        list[str] | None,
        typer.Option("--against", metavar="FILE_OR_DIR", help="Another version of the same jobs, to compare with."),
    ] = None,
    start: Annotated[str | None, typer.Option(metavar="TIME", help="From then on (ISO 8601); by default all.")] = None,
    end: Annotated[str | None, typer.Option(metavar="TIME", help="Before then; by default all there is.")] = None,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="FILE", help="A file with the documents, instead of the server.")
    ] = None,
    min_score: Annotated[
        float, typer.Option(min=0, max=100, help="Least score, at the time of detection, of an alarm.")
    ] = 50,
    most_alarms: Annotated[
        float | None, typer.Option("--max-alarms-per-week", min=0, help="Exit code 2 where a job raises more.")
    ] = None,
    ingested_field: Annotated[
        str | None,
        typer.Option(metavar="FIELD", help="Says when a document was ingested; by default what the manifest says."),
    ] = None,
    url: Url = None,
    ca: Ca = None,
    namespace: Namespace = "default",
    timeout: Timeout = "1h",
    output: Annotated[
        BacktestFormat,
        typer.Option(
            "--output",
            "-o",
            callback=ask_for,
            is_eager=True,
            help="How the result is written. markdown: for a comment on a pull request.",
        ),
    ] = BacktestFormat.TEXT,
) -> None:
    """Run jobs over the past of their source, on an engine of their own: what would they have found, and how often?

    The documents are read from the server (or a file) into a temporary folder, and analysed there. Nothing is created
    or left on the server.

    Exit codes: 0 done, 2 more alarms a week than --max-alarms-per-week, 1 error.
    """  # fmt: skip
    import asyncio
    import time

    from anomalyops.cli.backtest_view import backtest_document, backtest_markdown, backtest_text
    from anomalyops.cli.options import seconds, targets
    from anomalyops.local.backtesting import Past
    from anomalyops.local.errors import LocalError

    if data is not None and not data.is_file():
        raise LocalError(f"--data {data}: there is no such file")
    past = Past(
        start=_time("--start", start), end=_time("--end", end), min_score=min_score,
        seconds=seconds("--timeout", timeout), ingested_field=ingested_field,
    )  # fmt: skip
    if start is not None and past.start_ms > time.time() * 1000:
        raise LocalError(f"--start {start} lies in the future: a backtest is over what is there")
    if past.start_ms >= past.end_ms:
        raise LocalError(f"--start {start} is not before --end {end}")
    where = url or ("http://localhost" if data is not None else None)  # a file needs no server
    old = targets(filename, namespace=namespace, url=where, ca=ca)
    new = targets(against, namespace=namespace, url=where, ca=ca) if against else []
    found = asyncio.run(_run([old, new] if new else [old], past, data))
    pairs = _matched(found[0], found[1]) if new else [(one, None) for one in found[0]]
    if output is BacktestFormat.JSON:
        from anomalyops.cli.structured import write

        write(backtest_document(pairs, min_score), OutputFormat.JSON)
    elif output is BacktestFormat.MARKDOWN:
        typer.echo(backtest_markdown(pairs, min_score), nl=False)
    else:
        from anomalyops.cli.console import output as console

        console().print(backtest_text(pairs, min_score, width=console().width), soft_wrap=True)
    last = [newer or older for older, newer in pairs]
    if most_alarms is not None and any(one.alarms_a_week > most_alarms for one in last):
        raise typer.Exit(TOO_MANY)


def _time(option: str, text: str | None) -> str | None:
    from anomalyops.local.errors import LocalError
    from anomalyops.resources.times import parse_time

    if text is not None:
        try:
            parse_time(text)
        except ValueError as error:
            raise LocalError(f"{option} {text}: {error}") from None
    return text


async def _run(versions: list[list[Target]], past: Past, data: Path | None) -> list[list[Backtest]]:
    """Each version on one engine in a temporary folder, which is gone afterwards."""
    import tempfile
    from dataclasses import replace

    from anomalyops.demo.engine_process import running_engine
    from anomalyops.local.backtesting import Laboratory

    if data is None:
        await _answering(versions)
    with tempfile.TemporaryDirectory(prefix="anomalyops-backtest-") as folder, _progress() as told:
        told("starting the engine", None)
        async with running_engine(Path(folder)) as engine:
            if data is not None:
                past = replace(past, loading=_loading(data, told), elsewhere=str(data))
            laboratory = Laboratory(engine, past, _Listener(told), told)
            return [[one for target in targets for one in await laboratory.run(target)] for targets in versions]


async def _answering(versions: list[list[Target]]) -> None:
    """Sees that the servers answer, before anything is begun.

    Raises:
        GatewayError: One does not.
        LocalError: Its URL cannot be used.
    """
    from anomalyops.local.connections import open_gateway

    for target in (target for targets in versions for target in targets):
        async with open_gateway(target.connection, target.credentials) as source:
            await source.info()


def _loading(path: Path, told: Told) -> Loading:
    """Loads a file, recognised as `anomalyops ingest` does it."""
    from anomalyops.loader.loading import FileOptions, inspect, load, prepare_index
    from anomalyops.loader.sending import SendSettings
    from anomalyops.loader.survey import Wishes

    size = max(1, path.stat().st_size)

    async def loading(engine: Gateway, index: str, time_field: str) -> int:
        source = inspect(path, FileOptions(), Wishes(time_field=time_field))
        await prepare_index(engine, index, source, replace=False, append=False)

        def read(position: int, _rows: int) -> None:
            told("reading documents", min(1.0, position / size))

        return (await load(engine, index, source, SendSettings(), read)).rejected

    return loading


def _matched(old: list[Backtest], new: list[Backtest]) -> list[tuple[Backtest, Backtest | None]]:
    """Old and new versions of the same jobs, by id; the only ones of both whatever they are called."""
    from anomalyops.local.errors import LocalError

    if len(old) == len(new) == 1:
        return [(old[0], new[0])]
    by_id = {one.job_id: one for one in new}
    alone = {one.job_id for one in old} ^ set(by_id)
    if alone:
        raise LocalError(
            f"--against: {', '.join(sorted(alone))} is in one version alone, so there is nothing to compare"
        )
    return [(one, by_id[one.job_id]) for one in old]


class _Listener:
    """Passes on how far an analysis is."""

    def __init__(self, told: Told) -> None:
        self._told = told

    def plan(self, pair: Pair, plan: Plan) -> None:
        """Nothing to say: whose a job on the temporary engine is concerns nobody."""

    def step(self, pair: Pair, step: Step) -> None:
        """Nothing to say: the steps are those of every creation."""

    def progress(self, progress: Progress) -> None:
        """How much of the past is analysed."""
        self._told(f"analysing {progress.pair.job_name}", progress.fraction)


@contextmanager
def _progress() -> Iterator[Told]:
    """A bar in a terminal; elsewhere a line where something new begins."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    from anomalyops.cli.console import messages

    console = messages()
    said: list[str] = []
    if not console.is_terminal:

        def line(words: str, _fraction: float | None) -> None:
            if words not in said[-1:]:
                said.append(words)
                console.print(f"{words} ...")

        yield line
        return
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=40), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("", total=None)

        def move(words: str, fraction: float | None) -> None:
            total = None if fraction is None else 1.0
            bars.update(task, description=words, total=total, completed=fraction or 0.0)

        yield move
