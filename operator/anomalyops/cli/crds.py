"""`anomalyops crds`: the CustomResourceDefinitions, generated from the resource models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def crds(
    output_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write one file for each kind; without it, print them all."),
    ] = None,
) -> None:
    """Print or write the CustomResourceDefinitions."""
    import sys

    from anomalyops.resources import generate_crd_folder, generate_crds

    if output_dir is None:
        sys.stdout.write("---\n".join(generate_crds().values()))
        return
    output_dir.mkdir(parents=True, exist_ok=True)
    for name, text in generate_crd_folder().items():
        (output_dir / name).write_text(text, encoding="utf-8")
        typer.echo(output_dir / name)
