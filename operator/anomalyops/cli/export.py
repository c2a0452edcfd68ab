"""`anomalyops export`: manifests of what runs on a server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anomalyops.cli.options import Ca, Url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalyops.local.exporting import Export, Written

CANNOT_BE_WRITTEN = 3
_COUNTED = {"AnomalyJob": "jobs", "Datafeed": "datafeeds", "AnomalyFilter": "filters", "AnomalyCalendar": "calendars"}


def export(
    url: Url = None,
    ca: Ca = None,
    job: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="A job, or several with * and ?. Can be given several times; default: all."),
    ] = None,
    output_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write one file for each object there; without it, all to stdout."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of these objects in DIR.")] = False,
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", metavar="NAME", help="Write this namespace into the manifests.")
    ] = None,
) -> None:
    """Write what runs on a server as manifests that take it over as it is; change nothing.

    A manifest says what differs from what the server fills in by itself. Applying it marks the job and changes nothing
    else: models, results and run states stay.

    Exit codes: 0 written, 3 some jobs cannot be written as manifests, 1 error.
    """
    import asyncio
    import sys

    from anomalyops.cli.console import messages
    from anomalyops.cli.options import login
    from anomalyops.local.exporting import export as read_server

    found = asyncio.run(read_server(login(url, ca), tuple(job or ()), namespace=namespace))
    if output_dir is None:
        sys.stdout.write("---\n".join(manifest_text(written) for written in found.manifests))
    else:
        _write_files(output_dir, found, overwrite=overwrite)
    lines = [f"warning: {warning}" for warning in found.warnings]
    lines += [f"not written: {line}" for line in found.refused]
    kinds = [written.resource.kind for written in found.manifests]
    counts = [
        f"{kinds.count(kind)} {words}" for kind, words in _COUNTED.items() if kinds.count(kind) or words == "jobs"
    ]
    where = "" if output_dir is None else f" to {output_dir}"
    lines += [f"wrote {', '.join(counts) or 'nothing'}{where}"]
    messages().print(*lines, sep="\n", soft_wrap=True)
    if found.refused:
        raise typer.Exit(CANNOT_BE_WRITTEN)


def manifest_text(written: Written) -> str:
    """A manifest as a YAML document, its notes before it."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Texts of several lines, such as scripts, are written as such."""

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    notes = "".join(f"# {note}\n" for note in written.notes)
    manifest = written.resource.manifest()
    return notes + yaml.dump(manifest, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110)


def _write_files(folder: Path, found: Export, *, overwrite: bool) -> None:
    files = {
        folder / f"{written.resource.kind.lower()}-{written.resource.name}.yaml": manifest_text(written)
        for written in found.manifests
    }
    write_files(files, overwrite=overwrite)


def write_files(files: Mapping[Path, str], *, overwrite: bool) -> None:
    """Writes texts into files, all or none.

    Raises:
        LocalError: One is there already and shall not be replaced.
    """
    from anomalyops.local.errors import LocalError

    there = [path for path in files if path.exists()]
    if there and not overwrite:
        raise LocalError(
            f"{there[0]} is there already, of {len(there)}: nothing was written; --overwrite replaces them"
        )
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
