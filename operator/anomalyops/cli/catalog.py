"""`anomalyops catalog`: ready-made jobs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anomalyops.cli.options import Ca, Output, OutputFormat, Url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anomalyops.catalog.entries import Entry
    from anomalyops.catalog.rendering import Choices

catalog = typer.Typer(
    name="catalog",
    help="Ready-made jobs for common data: list them, show one, write its manifests for your indices.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@catalog.command("list")
def list_entries(output: Output = OutputFormat.TABLE) -> None:
    """List the ready-made jobs, by what they read."""
    from anomalyops.catalog.entries import families

    if output is not OutputFormat.TABLE:
        from anomalyops.cli.structured import write

        write([_document(entry) for family in families() for entry in family.entries], output)
        return
    from anomalyops.cli.catalog_view import catalog_table
    from anomalyops.cli.console import output as console

    console().print(catalog_table(families()))


@catalog.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A job of the catalogue, or a family.")],
    output: Output = OutputFormat.TABLE,
) -> None:
    """Show what a ready-made job is for and which fields it reads."""
    from anomalyops.catalog.entries import find

    found = find([name])
    if output is not OutputFormat.TABLE:
        from anomalyops.cli.structured import write

        write([_document(entry) for entry in found], output)
        return
    from anomalyops.cli.catalog_view import entry_text
    from anomalyops.cli.console import output as console

    console().print("\n\n".join(entry_text(entry) for entry in found), markup=False, highlight=False)


@catalog.command()
def render(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Jobs of the catalogue, or families.")],
    index: Annotated[
        list[str],
        typer.Option(metavar="INDEX", help="An index, pattern, alias or data stream. Can be given several times."),
    ],
    field: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=YOURS", help="What a field of the catalogue is called in your documents."),
    ] = None,
    filter_: Annotated[
        list[str] | None,
        typer.Option("--filter", metavar="FIELD=VALUE", help="Read only documents whose field has this value."),
    ] = None,
    prefix: Annotated[str, typer.Option(metavar="TEXT", help="Before the names of jobs and datafeeds.")] = "",
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", metavar="NAME", help="Write this namespace into the manifests.")
    ] = None,
    data_view: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Kibana's data view that links lead to; by default the indices as written."),
    ] = None,
    start: Annotated[str | None, typer.Option(metavar="TIME", help="Where the datafeeds begin (ISO 8601).")] = None,
    end: Annotated[str | None, typer.Option(metavar="TIME", help="Where they end; by default they go on.")] = None,
    output_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write one file a job there; without it, all to stdout.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of these jobs in DIR.")] = False,
    url: Url = None,
    ca: Ca = None,
) -> None:
    """Write the manifests of ready-made jobs for your indices.

    With --url the fields are looked up in the indices there: one that is missing, or of a type that does not fit, is an
    error that says what to write instead.
    """
    import sys

    from anomalyops.catalog.entries import find
    from anomalyops.catalog.rendering import Choices
    from anomalyops.cli.export import write_files

    found = find(names)
    choices = Choices(
        indices=tuple(index),
        fields=_field_choices(field or [], found),
        filters=_assignments("--filter", filter_ or []),
        prefix=prefix,
        namespace=namespace,
        data_view=data_view,
        start=start,
        end=end,
    )
    if url is not None:
        _look(found, choices, url, ca)
    texts = {f"{prefix}{entry.name}.yaml": _manifests(entry, choices) for entry in found}
    if output_dir is None:
        sys.stdout.write("---\n".join(texts.values()))
    else:
        write_files({output_dir / name: text for name, text in texts.items()}, overwrite=overwrite)
        for name in texts:
            typer.echo(output_dir / name)


def _look(found: Sequence[Entry], choices: Choices, url: str, ca: Path | None) -> None:
    import asyncio

    from anomalyops.cli.console import messages
    from anomalyops.cli.options import login
    from anomalyops.local.catalog import look_at_indices

    for warning in asyncio.run(look_at_indices(login(url, ca), found, choices)):
        messages().print(f"warning: {warning}", soft_wrap=True)


def _manifests(entry: Entry, choices: Choices) -> str:
    from anomalyops.catalog.rendering import render as make
    from anomalyops.cli.export import manifest_text
    from anomalyops.local.exporting import Written

    job, feed = make(entry, choices)
    return "---\n".join(manifest_text(Written(resource=one, notes=())) for one in (job, feed))


def _field_choices(given: Sequence[str], found: Sequence[Entry]) -> dict[str, str]:
    from anomalyops.catalog.errors import CatalogError

    chosen = _assignments("--field", given)
    known = {field.name: None for entry in found for field in entry.fields}
    if unknown := next((name for name in chosen if name not in known), None):
        raise CatalogError(f"--field {unknown}=...: these jobs do not read it; they read {', '.join(known)}")
    return chosen


def _assignments(option: str, given: Sequence[str]) -> dict[str, str]:
    from anomalyops.catalog.errors import CatalogError

    made: dict[str, str] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not (name and sign and value):
            raise CatalogError(f"{option} {text}: write NAME=VALUE")
        if name in made:
            raise CatalogError(f"{option} {text}: {name} is there already, with {made[name]}: keep one")
        made[name] = value
    return made


def _document(entry: Entry) -> dict[str, Any]:
    fields = [{"name": field.name, "kind": field.kind.value, "about": field.about} for field in entry.fields]
    return {
        "name": entry.name,
        "family": entry.family,
        "title": entry.title,
        "finds": entry.finds,
        "fields": fields,
        "job": dict(entry.job),
        "datafeed": dict(entry.datafeed),
    }
