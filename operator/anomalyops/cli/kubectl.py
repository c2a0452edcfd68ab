"""`kubectl anomaly`: the resources of a cluster, through the kubeconfig, as kubectl has it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from anomalyops.cli.main import invoke
from anomalyops.cli.options import Ca, Files, Output, OutputFormat, Url
from anomalyops.cli.plan import (
    INSTALLED_DEFAULT,
    ClusterId,
    DefaultConnection,
    Format,
    PlanFormat,
    Prune,
    Selector,
    show_merge,
)

if TYPE_CHECKING:
    from anomalyops.cluster.access import Cluster

NOT_READY = 2
STUCK = 3
_Made = TypeVar("_Made")

program = typer.Typer(
    name="anomaly",
    help="Anomaly detection jobs of a cluster: how they are, and what to do.",
    epilog="Exit codes: 0 done; 1 error; 2 (status) something is not ready yet, (plan) something"
    " is to do; 3 (status, plan) in need of a person.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Name = Annotated[str, typer.Argument(metavar="JOB", help="The name of an AnomalyJob.")]
In = Annotated[
    str | None, typer.Option("--namespace", "-n", metavar="NAME", help="The namespace; by default the context's.")
]
Context = Annotated[str | None, typer.Option(metavar="NAME", help="A context of the kubeconfig.")]
Kubeconfig = Annotated[str | None, typer.Option(metavar="FILE", help="The kubeconfig, instead of KUBECONFIG.")]


def main() -> None:
    """Runs the plugin and exits."""
    sys.exit(invoke(program=program, name="kubectl anomaly"))


def _on_cluster(
    work: Callable[[Cluster], Coroutine[Any, Any, _Made]],
    *,
    namespace: str | None,
    context: str | None,
    kubeconfig: str | None,
) -> _Made:
    import asyncio

    from anomalyops.cluster.access import open_cluster

    async def opened() -> _Made:
        async with open_cluster(kubeconfig=kubeconfig, context=context, namespace=namespace) as cluster:
            return await work(cluster)

    return asyncio.run(opened())


@program.command()
def status(
    namespace: In = None,
    all_namespaces: Annotated[bool, typer.Option("--all-namespaces", "-A", help="Of all namespaces.")] = False,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Show jobs, datafeeds and what they share, and why one is not ready.

    Exit codes: 0 all are ready, 2 some are not yet, 3 some need a person, 1 error.
    """
    from anomalyops.cli.console import messages
    from anomalyops.cli.status_view import show
    from anomalyops.cluster.explaining import of_namespace
    from anomalyops.local.progress import Verdict, verdict_of_resources

    found, unreadable = _on_cluster(
        lambda cluster: of_namespace(cluster, None if all_namespaces else cluster.namespace),
        namespace=namespace,
        context=context,
        kubeconfig=kubeconfig,
    )
    show(found, output)
    verdicts = [(resource, *verdict_of_resources([resource])) for resource in found]
    lines = [
        f"{resource.kind}/{resource.name}: {message.removeprefix(f'{resource.kind}: ')}"
        for resource, verdict, message in verdicts
        if verdict is not Verdict.READY
    ]
    if lines:
        messages().print(*lines, sep="\n", soft_wrap=True)
    if unreadable:
        messages().print(*unreadable, sep="\n", soft_wrap=True)
    elif not found:
        messages().print("no resources found")
    if unreadable or any(verdict is Verdict.STUCK for _, verdict, _ in verdicts):
        raise typer.Exit(STUCK)
    if lines:
        raise typer.Exit(NOT_READY)


@program.command()
def plan(
    filename: Files,
    namespace: In = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
    prune: Prune = False,
    selector: Selector = None,
    url: Url = None,
    ca: Ca = None,
    default_connection: DefaultConnection = INSTALLED_DEFAULT,
    cluster_id: ClusterId = None,
    output: Format = PlanFormat.TABLE,
) -> None:
    """Show what applying manifests changes here, field by field, and what the operator then does on the server.

    Exit codes: 0 nothing changes, 2 something is to do or waited for, 3 something is in the way that only a person can
    remove, 1 error.
    """
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


@program.command()
def explain(
    name: Name,
    namespace: In = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Show how a job and its datafeed are: conditions, memory, data, delay, Events, and what to do."""
    from anomalyops.cluster.explaining import explained

    found = _on_cluster(
        lambda cluster: explained(cluster, name), namespace=namespace, context=context, kubeconfig=kubeconfig
    )
    if output is OutputFormat.TABLE:
        typer.echo(found.text())
    else:
        from anomalyops.cli.structured import write

        write(found.document(), output)


@program.command()
def restart(name: Name, namespace: In = None, context: Context = None, kubeconfig: Kubeconfig = None) -> None:
    """Ask the operator to look at a job on the server now, and to start what should run."""

    async def ask(cluster: Cluster) -> None:
        job, feed = await cluster.job(name)
        for resource in (job, feed):
            if resource is not None:
                await cluster.ask_for_a_look(resource)
                typer.echo(f"{resource.kind}/{resource.name}: asked for a look now")

    _on_cluster(ask, namespace=namespace, context=context, kubeconfig=kubeconfig)


@program.command()
def suspend(name: Name, namespace: In = None, context: Context = None, kubeconfig: Kubeconfig = None) -> None:
    """Stop a job's datafeed and close the job until it is resumed; nothing is lost."""
    _set_suspended(name, namespace, context, kubeconfig, suspended=True)


@program.command()
def resume(name: Name, namespace: In = None, context: Context = None, kubeconfig: Kubeconfig = None) -> None:
    """Let a suspended job go on where it stopped."""
    _set_suspended(name, namespace, context, kubeconfig, suspended=False)


@program.command()
def logs(
    name: Name,
    namespace: In = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
    url: Url = None,
    tail: Annotated[int, typer.Option(min=1, help="How many lines, the latest ones.")] = 50,
) -> None:
    """Show what the server says of a job; where it cannot be reached from here, the job's Events."""
    from anomalyops.cli.console import messages
    from anomalyops.cli.options import login
    from anomalyops.cluster.explaining import job_log

    lines, instead = _on_cluster(
        lambda cluster: job_log(cluster, name, login(url, None), most=tail),
        namespace=namespace,
        context=context,
        kubeconfig=kubeconfig,
    )
    if instead:
        messages().print(f"Events instead of the server's messages: {instead}", soft_wrap=True)
    for line in lines:
        typer.echo(line)


def _set_suspended(
    name: str, namespace: str | None, context: str | None, kubeconfig: str | None, *, suspended: bool
) -> None:
    async def change(cluster: Cluster) -> None:
        job, _ = await cluster.job(name)
        await cluster.suspend(job, suspended=suspended)

    _on_cluster(change, namespace=namespace, context=context, kubeconfig=kubeconfig)
    typer.echo(f"AnomalyJob/{name}: {'suspended' if suspended else 'resumed'}; a manifest in Git may say otherwise")
