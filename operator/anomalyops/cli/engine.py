"""`anomalyops engine`: the embedded engine as a server, and backups of its data."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from anomalyops.cli.engine_backup import backup, restore
from anomalyops.cli.engine_installed import needing_engine
from anomalyops.cli.logs import LogFormat, LogLevel, configure_logging

_SHORTEST_PASSWORD = 6
# Where neither a flag nor the configuration file says something.
_DEFAULTS: Final = {
    "host": "127.0.0.1",
    "port": 9200,
    "allow_hosts": (),
    "insecure": False,
    "log.format": LogFormat.TEXT,
    "log.level": LogLevel.WARNING,
}

engine = typer.Typer(name="engine", invoke_without_command=True)
engine.command()(backup)
engine.command()(restore)


@engine.callback()
def run_engine(
    context: typer.Context,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the engine's data; created if missing.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Configuration in YAML (docs/engine.md has its keys); flags win over it."),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.  [default: 127.0.0.1]")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.  [default: 9200]")
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Name beside the loopback ones that clients may ask under; repeatable."),
    ] = None,
    password_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File with the password of the user elastic, in place of $ELASTIC_PASSWORD."),
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(metavar="FILE", help="Certificate for TLS (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="Private key of the certificate (PEM).")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Listen beyond loopback although authentication or TLS are missing.")
    ] = False,
    metrics_port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port of the metrics for Prometheus alone, which asks for no credentials."),
    ] = None,
    log_format: Annotated[LogFormat | None, typer.Option(help="How log lines look.  [default: text]")] = None,
    log_level: Annotated[
        LogLevel | None, typer.Option(help="The least severe lines that are logged.  [default: warning]")
    ] = None,
) -> None:
    """Run the embedded engine: the Elasticsearch REST dialect on a port.

    With a password in $ELASTIC_PASSWORD or --password-file every request must say who it is from (user and password, or
    an API key). On other addresses than loopback the engine listens only with that and with TLS. Requests that a web
    page of another site made a browser send are refused.
    """
    from anomalyops.cli.engine_file import read_engine_file
    from anomalyops.local.errors import LocalError

    if context.invoked_subcommand is not None:
        _check_bare(context)
        return
    flags = {
        "data": data,
        "host": host,
        "port": port,
        "allow_hosts": allow_host or None,
        "insecure": insecure or None,
        "password_file": password_file,
        "tls.certificate": tls_cert,
        "tls.key": tls_key,
        "metrics.port": metrics_port,
        "log.format": log_format,
        "log.level": log_level,
    }
    told = {**_DEFAULTS, **(read_engine_file(config) if config is not None else {})}
    told |= {name: value for name, value in flags.items() if value is not None}
    if "data" not in told:
        raise LocalError("the engine needs a folder: give --data DIR, or --config FILE with [data]")
    if ("tls.certificate" in told) != ("tls.key" in told):
        raise LocalError("--tls-cert and --tls-key belong together, and so do [tls.certificate] and [tls.key]")
    configure_logging(told["log.format"], told["log.level"])
    _serve(told)


def _check_bare(context: typer.Context) -> None:
    """Refuse options of the engine before a command that does not run it.

    Raises:
        LocalError: there is one.
    """
    from anomalyops.local.errors import LocalError

    command = context.invoked_subcommand
    given = [name for name, value in context.params.items() if value or type(value) is int]  # --port 0 is given too
    if given:
        raise LocalError(
            f"--{given[0].replace('_', '-')} is of the engine itself; the options of {command} follow its name: "
            f"anomalyops engine {command} --help"
        )


def _serve(told: dict[str, Any]) -> None:
    """Run the engine as flags and configuration say."""
    from anomalyops.local.errors import LocalError

    with needing_engine():
        from anomalyops_engine.config import MemorySize
        from anomalyops_engine.jobs.runtime import MAX_BODY_BYTES
        from anomalyops_engine.query.limits import USUAL, Limits
        from anomalyops_engine.server import Protection, Resources, UnsafeListeningError, serve

    def memory(name: str) -> MemorySize | None:
        return MemorySize(told[name] >> 20) if name in told else None

    protection = Protection(
        _password(told.get("password_file")), told.get("tls.certificate"), told.get("tls.key"), told["insecure"]
    )
    searches = Limits(
        buckets=told.get("search.max_buckets", USUAL.buckets),
        clauses=told.get("indices.query.bool.max_clause_count", USUAL.clauses),
        depth=told.get("indices.query.bool.max_nested_depth", USUAL.depth),
        timeout_ms=told.get("search.default_search_timeout", USUAL.timeout_ms),
        partial=told.get("search.default_allow_partial_results", USUAL.partial),
    )
    resources = Resources(
        bodies_bytes=told.get("requests.memory"),
        body_bytes=told.get("http.max_content_length", MAX_BODY_BYTES),
        searches=searches,
        database_bytes=told.get("database.memory"),
        database_threads=told.get("database.threads"),
        models=memory("ml.memory"),
        largest_model=memory("ml.max_model_memory_limit"),
        feed_threads=told.get("ml.threads"),
    )
    try:
        serve(
            told["data"],
            told["host"],
            told["port"],
            allowed_hosts=told["allow_hosts"],
            protection=protection,
            resources=resources,
            metrics_port=told.get("metrics.port"),
            announce=_log_line if told["log.format"] is LogFormat.JSON else _print,
        )
    except UnsafeListeningError as error:
        raise LocalError(str(error)) from error


def _print(text: str) -> None:
    typer.echo(text)
    sys.stdout.flush()


def _log_line(text: str) -> None:
    """Log what is said to whoever starts the engine, whatever the level is: a collector of logs wants it too."""
    logger = logging.getLogger("anomalyops.cli.engine")
    logger.setLevel(logging.INFO)
    logger.info(text)


def _password(file: Path | None) -> str | None:
    """Return the password of the user `elastic` from a file or the environment; None when there is none."""
    from anomalyops.local.errors import LocalError

    # Taken out of the environment, which processes started from here and dumps would show.
    given = os.environ.pop("ELASTIC_PASSWORD", "")
    if file is not None:
        try:
            given = file.read_text().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise LocalError(f"cannot read the password in {file}: {error}") from error
        if not given:
            raise LocalError(f"the password in {file} is empty")
    if given and len(given) < _SHORTEST_PASSWORD:
        raise LocalError(f"the password of the user elastic must have at least {_SHORTEST_PASSWORD} characters")
    return given or None
