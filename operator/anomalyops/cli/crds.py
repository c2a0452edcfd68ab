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
    rights: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the RBAC rules of the installation into this copy of the repository."),
    ] = None,
    argocd: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the settings of Argo CD beside the health.lua of this folder."),
    ] = None,
    chart: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the README of the Helm chart in this folder, from its values."),
    ] = None,
    catalog: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the catalogue of ready-made jobs there, as the console reads it."),
    ] = None,
) -> None:
    """Print or write the CustomResourceDefinitions."""
    import sys

    from anomalyops.resources import generate_crd_folder, generate_crds, generate_reference, generate_rights

    files: dict[Path, str] = {}
    if reference is not None:
        files[reference] = generate_reference()
    if rights is not None:
        files |= {rights / path: text for path, text in generate_rights().items()}
    if argocd is not None:
        from anomalyops.resources.argocd import generate_argocd_settings

        health = (argocd / "health.lua").read_text(encoding="utf-8")
        files[argocd / "argocd-cm.yaml"] = generate_argocd_settings(health)
    if chart is not None:
        from anomalyops.resources.chart_values import generate_chart_readme

        files[chart / "README.md"] = generate_chart_readme((chart / "values.yaml").read_text(encoding="utf-8"))
    if catalog is not None:
        from anomalyops.catalog.offering import generate_offers

        files[catalog] = generate_offers()
    if output_dir is not None:
        output_dir.mkdir(parents=True, exist_ok=True)
        files |= {output_dir / name: text for name, text in generate_crd_folder().items()}
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
        typer.echo(path)
    if not files:
        sys.stdout.write("---\n".join(generate_crds().values()))
