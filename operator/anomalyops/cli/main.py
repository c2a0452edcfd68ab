"""The command line. Each command lives in its own module and imports what it needs when it runs."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from typing import Any

import typer

from anomalyops.cli.anomalies import anomalies
from anomalyops.cli.apply import apply
from anomalyops.cli.backtest import backtest
from anomalyops.cli.catalog import catalog
from anomalyops.cli.crds import crds
from anomalyops.cli.delete import delete
from anomalyops.cli.demo import demo
from anomalyops.cli.engine import engine
from anomalyops.cli.estimate import estimate
from anomalyops.cli.explain import explain
from anomalyops.cli.export import export
from anomalyops.cli.forecast import forecast
from anomalyops.cli.ingest import ingest
from anomalyops.cli.introduce import introduce
from anomalyops.cli.investigate import investigate
from anomalyops.cli.kibana import kibana
from anomalyops.cli.mcp import mcp
from anomalyops.cli.new import new
from anomalyops.cli.plan import plan
from anomalyops.cli.run import run
from anomalyops.cli.status import status
from anomalyops.cli.structured import begin, write_errors
from anomalyops.cli.tool import tool
from anomalyops.cli.tools import tools
from anomalyops.cli.troubleshoot import troubleshoot
from anomalyops.cli.uninstall import uninstall
from anomalyops.cli.webconsole import console

FAILED = 1
INTERRUPTED = 130  # 128 + SIGINT, as shells have it

# Errors whose message says everything, by name: importing their classes would cost every command what one needs.
_EXPECTED = frozenset(
    {
        "anomalyops.catalog.errors.CatalogError",
        "anomalyops.cluster.errors.ClusterError",
        "anomalyops.controllers.uninstall.OperatorRunsError",
        "anomalyops.watching.kubeapi.KubeApiError",
        "anomalyops.demo.engine_process.EngineFailed",
        "anomalyops.drafting.errors.DraftError",
        "anomalyops.elastic.errors.GatewayError",
        "anomalyops.local.errors.LocalError",
        "anomalyops_reading.errors.LoadError",
        "anomalyops.reconciler.connection.NotSupportedError",
        "anomalyops.resources.problems.ManifestError",
        "anomalyops_insight.errors.InsightError",
        "anomalyops_engine.store.errors.StoreError",
        "builtins.OSError",
    }
)

app = typer.Typer(
    name="anomalyops",
    help="Elastic-style anomaly detection as Kubernetes resources: plan, apply and watch anomaly detection jobs on"
    " Elasticsearch or on the embedded engine.",
    epilog="Exit codes: 0 done; 1 error; 2 (plan, estimate, tool) something is to do or waited for, (backtest) too many"
    " alarms; 3 (plan, apply, delete, estimate, tool) in need of a person or not ready in time, (tool, investigate)"
    " nothing to look at, (new) not confirmed; troubleshoot: 2 a warning, 3 critical; kibana: 2 different,"
    " 3 somebody else's in the way; 130 interrupted."
    " ANOMALYOPS_DEBUG=1 shows tracebacks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_FILES = (plan, apply, status, delete, export, estimate, new, backtest)
for command in (*_FILES, anomalies, forecast, ingest, demo, run, crds, uninstall):
    app.command()(command)
for asking in (investigate, explain, troubleshoot, tools, mcp, console):
    app.command()(asking)
# A tool's parameters are options too: the command passes on those that are not its own.
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(tool)
# The chart's own: it has no part in what a person does.
app.command(hidden=True)(introduce)
app.add_typer(catalog)
app.add_typer(engine)
app.add_typer(kibana)


def main() -> None:
    """Runs the command line and exits."""
    sys.exit(invoke())


def invoke(arguments: list[str] | None = None, *, program: typer.Typer = app, name: str = "anomalyops") -> int:
    """Runs one command; problems become one line on stderr.

    Args:
        arguments: Of the command line, without the program's name; the process's own by default.
        program: The commands.
        name: What the program is called.

    Returns:
        The exit code.
    """
    debug = os.environ.get("ANOMALYOPS_DEBUG", "") not in ("", "0")
    # Libraries' warnings would be in the way of the commands' own words; run and engine set up logging themselves.
    logging.basicConfig(level=logging.DEBUG if debug else logging.CRITICAL)
    begin()
    try:
        result = program(arguments, prog_name=name, standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        result = INTERRUPTED
    except BrokenPipeError:  # the reader of our output has left
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - the interpreter flushes it at exit
        return FAILED
    except Exception as error:
        if debug:
            traceback.print_exc()
        else:
            sys.stderr.write(f"{_words(error)}\n")
        write_errors([entry for cause in _causes(error) for entry in _entries(cause)])
        return FAILED
    if result == INTERRUPTED:  # typer makes it of Ctrl-C by itself
        sys.stderr.write("interrupted\n")
        write_errors([{"type": "Interrupted", "message": "interrupted"}])
    return result if isinstance(result, int) else 0


def _words(error: Exception) -> str:
    """An error for a person: expected ones in their own words, others with their type."""
    return "\n".join(f"error: {_one_error(cause)}" for cause in _causes(error))


def _causes(error: Exception) -> list[Exception]:
    """The single errors of a group; the error itself where it is none."""
    if isinstance(error, ExceptionGroup):
        return [single for cause in error.exceptions for single in _causes(cause)]
    return [error]


def _entries(error: Exception) -> list[dict[str, Any]]:
    """An error as JSON values; one for each problem of a manifest, with its place, field and value."""
    problems = getattr(error, "problems", ())
    if problems:
        from dataclasses import asdict

        return [{"type": type(error).__name__} | asdict(problem) for problem in problems]
    return [{"type": type(error).__name__, "message": _one_error(error)}]


def _one_error(error: Exception) -> str:
    if isinstance(error, typer.TyperException):
        context = getattr(error, "ctx", None)
        hint = f" (see {context.command_path} --help)" if context is not None else ""
        return f"{error.format_message()}{hint}"
    if _is_expected(error):
        return str(error)
    return f"{type(error).__name__}: {error} (ANOMALYOPS_DEBUG=1 shows where)"


def _is_expected(error: Exception) -> bool:
    """Whether the message is written for people: what files, servers and options can be blamed for."""
    return any(f"{kind.__module__}.{kind.__qualname__}" in _EXPECTED for kind in type(error).__mro__)


if __name__ == "__main__":
    main()
