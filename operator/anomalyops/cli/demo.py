"""`anomalyops demo`: from a manifest to an anomaly, on this machine, in a minute."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anomalyops.cli.options import Output, OutputFormat

if TYPE_CHECKING:
    from rich.text import Text

    from anomalyops.demo.scenario import DemoResult
    from anomalyops.local.applying import Applied

NOT_READY = 3
_KEPT_BY_DEFAULT = "./anomalyops-demo"  # what the hints suggest
_ANOMALIES_SHOWN = 12
_TO_BE_FOUND = ("outage", "scan")  # the other incidents come too early, or are chance


def demo(
    output: Output = OutputFormat.TABLE,
    keep: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the engine's data and the manifests in this folder."),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the engine; 0 takes a free one.")] = 0,
    seed: Annotated[int, typer.Option(help="Of the log generator.")] = 42,
) -> None:
    """Load sample web logs into an engine, apply three sample jobs, and show what they find. Leaves nothing running.

    Exit codes: 0 done, 3 a resource did not become ready, 1 error.
    """
    import asyncio
    import tempfile

    from anomalyops.local.errors import LocalError

    _need_engine()
    with _terminated_like_interrupted():
        if keep is None:
            with tempfile.TemporaryDirectory(prefix="anomalyops-demo-") as folder:
                result = asyncio.run(_run(Path(folder), port, seed, output))
        elif keep.exists() and any(keep.iterdir()):
            raise LocalError(f"--keep {keep}: the folder is not empty")
        else:
            result = asyncio.run(_run(keep, port, seed, output))
            _write_manifests(keep / "manifests", result)
    if output is OutputFormat.TABLE:
        _show(result, keep)
    else:
        from anomalyops.cli.structured import write

        write(_document(result), output)
    if any(item.progress.verdict != "ready" for item in result.applied):
        raise typer.Exit(NOT_READY)


def _need_engine() -> None:
    from importlib.util import find_spec

    from anomalyops.local.errors import LocalError

    missing = [name for name in ("duckdb", "numba", "starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        raise LocalError(
            f"the demo needs the engine, which is not installed ({', '.join(missing)} missing):"
            " pip install 'anomalyops[engine]'"
        )


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM unwinds like Ctrl-C, so that the engine is stopped and the folder removed."""

    def interrupt(_signal: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


async def _run(folder: Path, port: int, seed: int, output: OutputFormat) -> DemoResult:
    from anomalyops.cli.console import messages
    from anomalyops.cli.demo_view import demo_view
    from anomalyops.demo.engine_process import running_engine
    from anomalyops.demo.scenario import run_demo

    console = messages()
    console.quiet = output is not OutputFormat.TABLE and not console.is_terminal
    console.print("Starting the engine ...")
    async with running_engine(folder / "data", port=port) as url:
        console.print(f"The engine listens on {url}")
        with demo_view(console) as view:
            return await run_demo(url, view, seed=seed)


def _write_manifests(folder: Path, result: DemoResult) -> None:
    """The applied manifests, so that plan and status agree with what is on the engine."""
    import yaml

    folder.mkdir(parents=True, exist_ok=True)
    for item in result.applied:
        resources = [resource.manifest() for resource in item.progress.pair.resources]
        text = yaml.safe_dump_all(resources, sort_keys=False, allow_unicode=True)
        (folder / f"{item.progress.pair.job_name}.yaml").write_text(text, encoding="utf-8")


def _show(result: DemoResult, keep: Path | None) -> None:
    from rich.text import Text

    from anomalyops.cli.apply_view import unready_lines
    from anomalyops.cli.console import output
    from anomalyops.cli.findings_view import findings_view
    from anomalyops.cli.status_view import print_tables

    out = output()
    out.print()
    print_tables(out, [resource for item in result.applied for resource in item.progress.pair.resources])
    out.print()
    shown = result.anomalies[:_ANOMALIES_SHOWN]
    out.print(findings_view(shown, result.influencers, result.plots, width=out.width))
    out.print()
    out.print(_planted())
    out.print()
    for line in unready_lines(result.applied, "the demo's time"):
        out.print(line)
    out.print(Text("What to try next", style="bold"))
    steps = _next_steps(keep)
    width = max(len(command) for command, _ in steps)
    for command, why in steps:
        out.print(Text.assemble((f"  {command:<{width}}", "cyan"), (f"  # {why}", "dim")), soft_wrap=True)


def _planted() -> Text:
    """What the generator put into the logs for the jobs to find."""
    from rich.text import Text

    from anomalyops.demo.weblogs import planted

    text = Text().append("Planted in the logs", "bold")
    for incident in planted():
        if incident.name in _TO_BE_FOUND:
            text.append(f"\n  {incident.start:%Y-%m-%d %H:%M} - {incident.end:%H:%M}  {incident.description}")
            text.append(f" ({incident.entity})" if incident.entity else "")
    return text


def _next_steps(keep: Path | None) -> list[tuple[str, str]]:
    folder = keep if keep is not None else Path(_KEPT_BY_DEFAULT)
    first = [] if keep is not None else [(f"anomalyops demo --keep {folder}", "keep what the engine has learned")]
    url = "--url http://127.0.0.1:9200"
    return [
        *first,
        (f"anomalyops engine --data {folder / 'data'} &", "serve it again; look at http://127.0.0.1:9200/_console/"),
        (f"anomalyops anomalies {url} --job url_scanning", "what one job has found"),
        (
            f"anomalyops plan -f {folder / 'manifests'} {url}",
            "edit a manifest there, and see what a change would do",
        ),
        (f"anomalyops apply -f {folder / 'manifests'} {url}", "do it"),
    ]


def _document(result: DemoResult) -> dict[str, Any]:
    from anomalyops.cli.findings_view import findings_document

    resources = [entry for item in result.applied for entry in _resources(item)]
    return {"resources": resources, **findings_document(result.anomalies, result.influencers)}


def _resources(applied: Applied) -> list[dict[str, Any]]:
    from anomalyops.local.progress import condition
    from anomalyops.resources import ConditionStatus, ConditionType

    pair = applied.progress.pair
    job_status = pair.job.status if pair.job is not None else None
    memory = job_status.memory if job_status is not None else None
    entries = []
    for resource in pair.resources:
        ready = condition(resource, ConditionType.READY)
        entries.append(
            {
                "kind": resource.kind,
                "name": resource.name,
                "ready": ready is not None and ready.status is ConditionStatus.TRUE,
                "jobState": job_status.job_state if job_status is not None else None,
                "datafeedState": resource.status.datafeed_state if resource.status is not None else None,
                "memoryStatus": memory.status if memory is not None else None,
                "processedRecordCount": applied.progress.processed,
            }
        )
    return entries
