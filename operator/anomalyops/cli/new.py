"""`anomalyops new`: a job from a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anomalyops.cli.options import Ca, Output, OutputFormat, Url

if TYPE_CHECKING:
    from anomalyops.drafting.draft import Wishes
    from anomalyops.elastic import Gateway
    from anomalyops.local.drafting import Checked

DECLINED = 3
_ROUNDS = 3


def new(
    sentence: Annotated[
        str | None, typer.Argument(metavar="SENTENCE", help='What is to be found: "unusual error rates per host".')
    ] = None,
    index: Annotated[
        str, typer.Option(metavar="INDEX", help="An index, pattern, alias or data stream; several with commas.")
    ] = "logs-*",
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Of the manifests; by default of the words.")] = None,
    function: Annotated[str | None, typer.Option(metavar="FUNCTION", help="Instead of what the words say.")] = None,
    field: Annotated[str | None, typer.Option(metavar="FIELD", help="What the function looks at.")] = None,
    by: Annotated[str | None, typer.Option(metavar="FIELD", help="Each value compared with its own past.")] = None,
    over: Annotated[str | None, typer.Option(metavar="FIELD", help="Each value compared with its peers.")] = None,
    partition: Annotated[str | None, typer.Option(metavar="FIELD", help="Each value a model of its own.")] = None,
    influencer: Annotated[
        list[str] | None, typer.Option(metavar="FIELD", help="Beside what it splits by. Can be given several times.")
    ] = None,
    bucket_span: Annotated[
        str | None, typer.Option(metavar="SPAN", help="The interval of analysis; 15m where the words name none.")
    ] = None,
    time_field: Annotated[str | None, typer.Option(metavar="FIELD", help="By default @timestamp.")] = None,
    query: Annotated[str | None, typer.Option(metavar="JSON", help="Which documents count, as Query DSL.")] = None,
    query_delay: Annotated[str, typer.Option(metavar="SPAN", help="How far behind the present is read.")] = "60s",
    start: Annotated[str | None, typer.Option(metavar="TIME", help="From when on; by default all there is.")] = None,
    end: Annotated[str | None, typer.Option(metavar="TIME", help="Until when; by default it goes on.")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-w", metavar="FILE", help="Write the manifests there, once confirmed.")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Apply the file that was written (with --file).")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before writing or applying.")] = False,
    interactive: Annotated[bool, typer.Option("--interactive", "-i", help="Ask for everything, one by one.")] = False,
    url: Url = None,
    ca: Ca = None,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Make a job from a sentence: choose function and fields, check them against the index, show manifests and calls.

    No language model is used: words are looked up, and fields are found by their names, types and values. What
    cannot be found is said, with what there is. The job is tried on the server (nothing is created) before it is shown.

    Exit codes: 0 done, or shown; 3 not confirmed; 1 error.
    """
    from anomalyops.drafting.draft import Wishes
    from anomalyops.local.errors import LocalError

    if apply and file is None:
        raise LocalError("--apply needs --file: the folder of the manifests says whose the job is")
    if sentence is None and not interactive:
        raise LocalError('say what is to be found, such as "unusual error rates per host", or give --interactive')
    wishes = Wishes(
        index=index, name=name, function=function, field=field, by=by, over=over, partition=partition,
        influencers=tuple(influencer or ()), bucket_span=bucket_span, time_field=time_field,
        query=_query(query), query_delay=query_delay, start=start, end=end,
    )  # fmt: skip
    found = _drafted(sentence, wishes, url, ca, interactive=interactive)
    if found is None:
        raise typer.Exit(DECLINED)
    text = _manifests(found)
    if not interactive:
        _show(found, text, output)
    if file is None:
        return
    if not yes and not typer.confirm(f"Write {file}{' and apply it' if apply else ''}?", err=True):
        raise typer.Exit(DECLINED)
    _write(file, text)
    if apply:
        from anomalyops.cli.apply import apply as apply_files

        apply_files([str(file)], url=url, ca=ca)


def _query(text: str | None) -> dict[str, Any] | None:
    from anomalyops.local.errors import LocalError

    if text is None:
        return None
    try:
        read = json.loads(text)
    except ValueError as error:
        raise LocalError(f"--query: expected JSON: {error}") from None
    if not isinstance(read, dict):
        raise LocalError(f"--query: expected an object of Query DSL, found {text}")
    return read


def _drafted(sentence: str | None, wishes: Wishes, url: str | None, ca: Path | None, *, interactive: bool) -> Any:
    import asyncio

    from anomalyops.cli.options import login
    from anomalyops.drafting.sentence import read
    from anomalyops.local.connections import connection_at, open_gateway
    from anomalyops.local.drafting import draft, held
    from anomalyops.local.errors import LocalError

    where = login(url, ca)
    if where.url is None:
        raise LocalError("which server? Give --url")
    connection = connection_at(where.url)

    async def run() -> Checked | None:
        async with open_gateway(connection, where.credentials) as gateway:
            await gateway.info()
            if interactive:
                return await _ask(gateway, sentence, wishes)
            assert sentence is not None  # noqa: S101 - new() has made sure
            return await draft(gateway, sentence, read(sentence), await held(gateway, wishes.index), wishes)

    return asyncio.run(run())


async def _ask(gateway: Gateway, sentence: str | None, wishes: Wishes) -> Checked | None:
    """Asks for everything, in at most three rounds; None where no draft is agreed to."""
    from dataclasses import replace

    from anomalyops.drafting.errors import DraftError
    from anomalyops.drafting.sentence import read
    from anomalyops.local.drafting import draft, held

    index = typer.prompt("Which index or pattern", default=wishes.index, err=True)
    wishes = replace(wishes, index=index)
    there = await held(gateway, index)
    said = sentence
    for _ in range(_ROUNDS):
        said = typer.prompt(
            "What should be found (rates, a number, rare values, ...; per host, ...)", default=said, err=True
        )
        span = typer.prompt(
            "Bucket span (as short as what should be noticed)", default=wishes.bucket_span or "", err=True
        )
        wishes = replace(wishes, bucket_span=span or None)
        try:
            found = await draft(gateway, said, read(said), there, wishes)
        except DraftError as error:
            typer.echo(f"That does not work: {error}", err=True)
            continue
        _show(found, _manifests(found), OutputFormat.TABLE)
        if typer.confirm("Is that it?", err=True):
            return found
    return None


def _manifests(found: Checked) -> str:
    from anomalyops.cli.export import manifest_text
    from anomalyops.local.exporting import Written

    return "---\n".join(manifest_text(Written(resource=one, notes=())) for one in (found.draft.job, found.draft.feed))


def _show(found: Checked, text: str, output: OutputFormat) -> None:
    from anomalyops.local.drafting import bodies, calls

    if output is not OutputFormat.TABLE:
        from anomalyops.cli.structured import write

        job, feed = bodies(found.draft)
        document = {
            "manifests": [found.draft.job.manifest(), found.draft.feed.manifest()],
            "job": job,
            "datafeed": feed,
            "preview": list(found.rows),
            "notes": list(found.draft.notes),
            "attempts": list(found.attempts),
        }
        write(document, output)
        return
    parts = [*(f"Not taken: {one}" for one in found.attempts), *found.draft.notes]
    head = "".join(f"# {one}\n" for one in parts)
    typer.echo(f"{head}{text}")
    typer.echo("# The same as calls of the API\n")
    typer.echo(calls(found.draft))
    typer.echo(f"\n# The first document that the job would get\n{json.dumps(found.rows[0], default=str)}")


def _write(file: Path, text: str) -> None:
    from anomalyops.cli.export import write_files

    write_files({file: text}, overwrite=False)
    typer.echo(f"wrote {file}", err=True)
