"""Options that several commands share, and what becomes of them."""

from __future__ import annotations

import os
from contextvars import ContextVar
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from anomalyops.local.connections import Login, Target
    from anomalyops.watching.options import ObjectKey


class OutputFormat(StrEnum):
    """How results are written."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


asked_for: ContextVar[OutputFormat] = ContextVar("asked_for", default=OutputFormat.TABLE)
"""What the running command was asked for, so that its errors can be written in that form too."""


F = TypeVar("F", bound=StrEnum)


def ask_for(output: F) -> F:
    """Remembers what the running command was asked for, whatever forms it has besides; the callback of its option."""
    structured = output.value in {OutputFormat.JSON, OutputFormat.YAML}
    asked_for.set(OutputFormat(output.value) if structured else OutputFormat.TABLE)
    return output


Files = Annotated[
    list[str],
    typer.Option(
        "--filename",
        "-f",
        metavar="FILE_OR_DIR",
        help="Manifests: a file, a folder (searched recursively for .yaml, .yml, .json) or - for standard input."
        " Can be given several times.",
    ),
]
OptionalFiles = Annotated[
    list[str] | None,
    typer.Option("--filename", "-f", metavar="FILE_OR_DIR", help="Manifests that say which jobs and which connection."),
]
Url = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="The server, instead of the ElasticsearchConnections in the files. Credentials come from the environment"
        " variables ANOMALYOPS_API_KEY, or ANOMALYOPS_USERNAME and ANOMALYOPS_PASSWORD.",
    ),
]
Ca = Annotated[Path | None, typer.Option(metavar="FILE", help="PEM certificates of the authority to trust.")]
Namespace = Annotated[str, typer.Option("--namespace", "-n", metavar="NAME", help="Of resources that name none.")]
OwnerId = Annotated[
    str | None,
    typer.Option(
        metavar="ID",
        envvar="ANOMALYOPS_OWNER",
        help="Who the files are, so that other files with the same names do not take their jobs. By default the content"
        " of .anomalyops-owner in their folder or above it, else the git remote and the folder in it, else the folder's"
        " path.",
    ),
]
TakeOver = Annotated[
    str | None,
    typer.Option(
        metavar="OWNER",
        help="Take jobs over from this owner, named as `plan` names it: dir:..., git:..., or CLUSTER/NAMESPACE/NAME;"
        " the same as spec.takeOverFrom of the AnomalyJobs.",
    ),
]
Output = Annotated[
    OutputFormat,
    typer.Option(
        "--output",
        "-o",
        callback=ask_for,
        is_eager=True,
        help="How the result is written. json and yaml: one document on stdout, of errors too.",
    ),
]
Timeout = Annotated[str, typer.Option(metavar="DURATION", help="How long to wait, for example 30s, 10m or 2h.")]


def login(url: str | None, ca: Path | None) -> Login:
    """What options and environment say about the server.

    Raises:
        LocalError: Incomplete credentials, or a CA file that cannot be read.
    """
    from anomalyops.local.connections import login as make_login
    from anomalyops.local.errors import LocalError

    try:
        pem = ca.read_text(encoding="ascii") if ca is not None else None
    except (OSError, UnicodeDecodeError) as error:
        raise LocalError(f"--ca {ca}: cannot be read as PEM text: {error}") from error
    return make_login(url=url, ca_pem=pem, environ=os.environ)


def targets(
    files: list[str],
    *,
    namespace: str,
    url: str | None,
    ca: Path | None,
    owner: str | None = None,
    take_over: str | None = None,
) -> list[Target]:
    """The servers and pairs that the files and options name.

    Raises:
        LocalError: The files cannot be used, or hold nothing that belongs on a server.
        ManifestError: A resource is not valid.
    """
    from anomalyops.local.connections import targets as find_targets
    from anomalyops.local.errors import LocalError
    from anomalyops.local.identity import checked_owner
    from anomalyops.local.manifests import read_manifests

    chosen = checked_owner(owner, "--owner") if owner is not None else None
    manifests = read_manifests(files, namespace=namespace, owner=chosen)
    if take_over is not None:
        manifests.take_over_from(checked_owner(take_over, "--take-over"))
    found = find_targets(manifests, login(url, ca))
    if not found:
        raise LocalError(f"{', '.join(files)}: nothing to apply in there")
    return found


def seconds(option: str, text: str) -> float:
    """The seconds of a duration option.

    Raises:
        LocalError: It is not a duration.
    """
    from anomalyops.local.errors import LocalError
    from anomalyops.resources import parse_duration

    try:
        return parse_duration(text if not text.isdigit() else f"{text}s") / 1000
    except ValueError as error:
        raise LocalError(f"{option} {text!r}: {error}") from error


def object_key(option: str, text: str) -> ObjectKey:
    """The object of an option of the form `NAMESPACE/NAME`.

    Raises:
        typer.BadParameter: It has another form.
    """
    from anomalyops.watching.options import ObjectKey

    try:
        return ObjectKey.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
