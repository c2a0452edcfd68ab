"""`anomalyops plan`: what applying would do, without doing it."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from anomalyops.cli.options import Ca, Files, OutputFormat, OwnerId, TakeOver, Url, ask_for

if TYPE_CHECKING:
    from pathlib import Path

    from anomalyops.cluster.planning import MergePlan
    from anomalyops.local.inspecting import Planned

SOMETHING_TO_DO = 2
NEEDS_A_PERSON = 3


class PlanFormat(StrEnum):
    """How a plan is written."""

    TABLE = "table"
    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"
    YAML = "yaml"


Format = Annotated[
    PlanFormat,
    typer.Option(
        "--output",
        "-o",
        callback=ask_for,
        is_eager=True,
        help="How the plan is written. text is another name for table. markdown: for a comment on a pull request. json"
        " and yaml: one document on stdout, of errors too.",
    ),
]
Prune = Annotated[
    bool,
    typer.Option("--prune", help="With a cluster: what is in none of the files is removed."),
]
Selector = Annotated[
    str | None,
    typer.Option(
        "--selector",
        "-l",
        metavar="LABEL=VALUE,...",
        help="With --prune: remove only what has these labels.",
    ),
]
DefaultConnection = Annotated[
    str,
    typer.Option(
        metavar="NAMESPACE/NAME",
        envvar="ANOMALYOPS_DEFAULT_CONNECTION",
        help="With a cluster: the operator's own --default-connection.",
    ),
]
ClusterId = Annotated[
    str | None,
    typer.Option(
        metavar="ID",
        envvar="ANOMALYOPS_CLUSTER_ID",
        help="With a cluster: the operator's own --cluster-id; by default the uid of namespace kube-system.",
    ),
]
INSTALLED_DEFAULT = "anomalyops-system/default"


def plan(
    filename: Files,
    url: Url = None,
    ca: Ca = None,
    namespace: Annotated[
        str | None,
        typer.Option(
            "--namespace",
            "-n",
            metavar="NAME",
            help="Of resources that name none: `default`, with a cluster the context's.",
        ),
    ] = None,
    context: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A context of the kubeconfig: compare with the live objects of its cluster."),
    ] = None,
    kubeconfig: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="A kubeconfig instead of KUBECONFIG: compare with the live objects of its cluster."
        ),
    ] = None,
    prune: Prune = False,
    selector: Selector = None,
    default_connection: DefaultConnection = INSTALLED_DEFAULT,
    cluster_id: ClusterId = None,
    owner: OwnerId = None,
    take_over: TakeOver = None,
    output: Format = PlanFormat.TABLE,
) -> None:
    """Show what apply would do, and why; with --context or --kubeconfig what a merge would change in a cluster.

    Nothing is changed. With a cluster, its live objects are compared with the files, field by field, and the plan is
    the one that its operator would carry out on the servers of the cluster's connections.

    Exit codes: 0 the server is as the files say, 2 something is to do or waited for, 3 something is in the way
    that only a person can remove (apply would fail), 1 error.
    """
    if context is not None or kubeconfig is not None:
        if take_over is not None or owner not in {None, os.environ.get("ANOMALYOPS_OWNER")}:
            raise typer.BadParameter(
                "--owner and --take-over are for files alone; in a cluster, write spec.takeOverFrom"
            )
        show_merge(
            filename,
            login_of=(url, ca),
            where=(kubeconfig, context, namespace),
            prune=prune,
            selector=selector,
            default_connection=default_connection,
            cluster_id=cluster_id,
            output=output,
        )
        return
    if prune or selector is not None:
        raise typer.BadParameter("--prune and --selector need a cluster: give --context or --kubeconfig")
    import asyncio

    from anomalyops.cli.options import targets
    from anomalyops.local.inspecting import plan as look
    from anomalyops.local.requests import planned_requests
    from anomalyops.local.shared import plan_shared

    found = targets(filename, namespace=namespace or "default", url=url, ca=ca, owner=owner, take_over=take_over)
    planned = []
    for target in found:
        planned += [*asyncio.run(plan_shared(target)), *asyncio.run(look(target)), *planned_requests(target)]
    _show(planned, output)
    if any(item.plan.stalled for item in planned):
        raise typer.Exit(NEEDS_A_PERSON)
    if any(not item.plan.empty or item.plan.obstacles for item in planned):
        raise typer.Exit(SOMETHING_TO_DO)


def _show(planned: list[Planned], output: PlanFormat) -> None:
    if output is PlanFormat.MARKDOWN:
        from anomalyops.cli.plan_view import plan_markdown

        typer.echo(plan_markdown(planned), nl=False)
    elif output in {PlanFormat.TABLE, PlanFormat.TEXT}:
        from anomalyops.cli.console import output as console
        from anomalyops.cli.plan_view import plan_text

        console().print(plan_text(planned), soft_wrap=not console().is_terminal)
    else:
        from anomalyops.cli.plan_view import plan_document
        from anomalyops.cli.structured import write

        write(plan_document(planned), OutputFormat(output.value))


def show_merge(
    files: list[str],
    *,
    login_of: tuple[str | None, Path | None],
    where: tuple[str | None, str | None, str | None],
    prune: bool,
    selector: str | None,
    default_connection: str,
    cluster_id: str | None,
    output: PlanFormat,
) -> None:
    """Shows what merging files changes in a cluster, and ends with the exit code that `plan` promises.

    Args:
        files: The manifests.
        login_of: `--url` and `--ca`.
        where: The kubeconfig, its context and the namespace.
        prune: Whether what is in none of the files goes.
        selector: The labels of what may go.
        default_connection: The installation's, `namespace/name`.
        cluster_id: What the operator calls the cluster.
        output: How it is written.

    Raises:
        typer.Exit: With the code.
    """
    import asyncio

    from anomalyops.cli.options import login, object_key

    labels = _labels(selector)
    if labels and not prune:
        raise typer.BadParameter("--selector says what --prune may remove: give --prune too")
    sign_in = login(*login_of)
    default = object_key("--default-connection", default_connection)

    async def found() -> MergePlan:
        from anomalyops.cluster.access import open_cluster
        from anomalyops.cluster.planning import plan_merge
        from anomalyops.local.manifests import read_manifests

        kubeconfig, context, namespace = where
        async with open_cluster(kubeconfig=kubeconfig, context=context, namespace=namespace) as cluster:
            return await plan_merge(
                cluster,
                read_manifests(files, namespace=cluster.namespace, owner="cluster"),
                sign_in,
                prune=prune,
                labels=labels,
                default_connection=default,
                cluster_id=cluster_id or "",
            )

    merge = asyncio.run(found())
    _write_merge(merge, output)
    if merge.stalled:
        raise typer.Exit(NEEDS_A_PERSON)
    if not merge.empty or any(unit.plan.obstacles for unit in merge.units):
        raise typer.Exit(SOMETHING_TO_DO)


def _write_merge(merge: MergePlan, output: PlanFormat) -> None:
    from anomalyops.cli.merge_view import merge_document, merge_markdown, merge_text

    if output is PlanFormat.MARKDOWN:
        typer.echo(merge_markdown(merge), nl=False)
    elif output in {PlanFormat.TABLE, PlanFormat.TEXT}:
        from anomalyops.cli.console import output as console

        console().print(merge_text(merge), soft_wrap=not console().is_terminal)
    else:
        from anomalyops.cli.structured import write

        write(merge_document(merge), OutputFormat(output.value))


def _labels(selector: str | None) -> dict[str, str]:
    """The labels of `a=b,c=d`."""
    labels = {}
    for part in filter(None, (selector or "").split(",")):
        name, equals, value = part.partition("=")
        if not equals or not name.strip() or name.endswith("!"):
            raise typer.BadParameter(f"--selector {part!r}: write label=value, several with commas between")
        labels[name.strip()] = value.removeprefix("=").strip()
    return labels
