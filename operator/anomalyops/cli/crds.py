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
    reference: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the reference of every field and condition there, as Markdown."),
    ] = None,
) -> None:
    """Print or write the CustomResourceDefinitions."""
    import sys

    from anomalyops.resources import generate_crd_folder, generate_crds, generate_reference

    if reference is not None:
        reference.write_text(generate_reference(), encoding="utf-8")
        typer.echo(reference)
        if output_dir is None:
            return

    if output_dir is None:
        sys.stdout.write("---\n".join(generate_crds().values()))
        return
    output_dir.mkdir(parents=True, exist_ok=True)
    for name, text in generate_crd_folder().items():
        (output_dir / name).write_text(text, encoding="utf-8")
        typer.echo(output_dir / name)
