"""`anomalyops delete`: carry out the deletion policies."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anomalyops.cli.options import Ca, Files, Namespace, Output, OutputFormat, OwnerId, Timeout, Url

if TYPE_CHECKING:
    from anomalyops.local.deleting import Deleted
    from anomalyops.local.shared import DeletedShared
    from anomalyops.resources import AnomalyJob, Datafeed

NOT_DONE = 3


class PolicyChoice(StrEnum):
    """The deletion policies, as the command line has them."""

    RETAIN = "Retain"
    DELETE = "Delete"
    ORPHAN = "Orphan"


# What is still on the server after each policy, for a job and for a datafeed.
_KEPT = {
    "AnomalyJob": {
        PolicyChoice.RETAIN: "kept job {id!r}, closed, with its model and results",
        PolicyChoice.DELETE: "deleted job {id!r} with its model and results",
        PolicyChoice.ORPHAN: "left job {id!r} as it was; it is no longer managed",
    },
    "Datafeed": {
        PolicyChoice.RETAIN: "kept datafeed {id!r}, stopped",
        PolicyChoice.DELETE: "deleted datafeed {id!r}",
        PolicyChoice.ORPHAN: "left datafeed {id!r} as it was; it is no longer managed",
    },
}


def delete(
    filename: Files,
    url: Url = None,
    ca: Ca = None,
    namespace: Namespace = "default",
    owner: OwnerId = None,
    policy: Annotated[
        PolicyChoice | None,
        typer.Option(
            case_sensitive=False,
            help="Instead of the resources' deletionPolicy. Retain: stop the datafeed, close the job, keep model and"
            " results. Delete: delete them. Orphan: touch nothing.",
        ),
    ] = None,
    timeout: Timeout = "5m",
    output: Output = OutputFormat.TABLE,
) -> None:
    """Remove the resources from the server, as their deletionPolicy says (Retain unless they say otherwise).

    Exit codes: 0 done, 3 not done in time or in need of a person, 1 error.
    """
    import asyncio

    from anomalyops.cli.options import seconds, targets
    from anomalyops.local.deleting import delete as delete_pairs
    from anomalyops.local.shared import delete_shared
    from anomalyops.resources import DeletionPolicy

    limit = seconds("--timeout", timeout)
    chosen = DeletionPolicy(policy.value) if policy is not None else None
    deleted, shared = [], []
    for target in targets(filename, namespace=namespace, url=url, ca=ca, owner=owner):
        deleted += asyncio.run(delete_pairs(target, policy=chosen, seconds=limit))
        shared += asyncio.run(delete_shared(target, policy=chosen, seconds=limit))
    if output is OutputFormat.TABLE:
        _print(deleted)
        _print_shared(shared)
    else:
        from anomalyops.cli.structured import write

        entries = [*(entry for item in deleted for entry in _entries(item)), *map(_shared_entry, shared)]
        write({"resources": entries}, output)
    if not (all(item.released for item in deleted) and all(item.released for item in shared)):
        raise typer.Exit(NOT_DONE)


def _print(deleted: list[Deleted]) -> None:
    from rich.text import Text

    from anomalyops.cli.console import output as console
    from anomalyops.cli.plan_view import names, obstacle_line, step_line

    out = console()
    for item in deleted:
        out.print(Text(names(item.pair.resources), style="bold"))
        for step in item.steps:
            out.print(Text("  ").append(step_line(step)), soft_wrap=True)
        for obstacle in item.obstacles:
            out.print(Text("  ").append(obstacle_line(obstacle)), soft_wrap=True)
        if item.released:
            for entry in _entries(item):
                out.print(Text(f"  {entry['result']}"), soft_wrap=True)
        else:
            out.print(Text(f"  not done: {item.error or 'see above'}", style="bold red"))


def _print_shared(deleted: list[DeletedShared]) -> None:
    from rich.text import Text

    from anomalyops.cli.console import output as console
    from anomalyops.cli.plan_view import names, obstacle_line, step_line

    out = console()
    for item in deleted:
        out.print(Text(names([item.resource]), style="bold"))
        for step in item.steps:
            out.print(Text("  ").append(step_line(step)), soft_wrap=True)
        for obstacle in item.obstacles:
            out.print(Text("  ").append(obstacle_line(obstacle)), soft_wrap=True)
        words, style = (item.result, "") if item.released else (f"not done: {item.error or 'see above'}", "bold red")
        out.print(Text(f"  {words}", style=style), soft_wrap=True)


def _shared_entry(item: DeletedShared) -> dict[str, Any]:
    return {
        "kind": item.resource.kind,
        "namespace": item.resource.namespace,
        "name": item.resource.name,
        "serverId": item.resource.server_id,
        "deletionPolicy": item.resource.spec.deletion_policy.value,
        "done": item.released,
        "result": item.result,
    }


def _entries(item: Deleted) -> list[dict[str, Any]]:
    return [_entry(resource, item) for resource in item.pair.resources]


def _entry(resource: AnomalyJob | Datafeed, item: Deleted) -> dict[str, Any]:
    return {
        "kind": resource.kind,
        "namespace": resource.namespace,
        "name": resource.name,
        "serverId": resource.server_id,
        "deletionPolicy": resource.spec.deletion_policy.value,
        "done": item.released,
        "result": _result(resource, item) if item.released else item.error,
    }


def _result(resource: AnomalyJob | Datafeed, item: Deleted) -> str:
    from anomalyops.local.deleting import Fate

    what = f"{'job' if resource.kind == 'AnomalyJob' else 'datafeed'} {resource.server_id!r}"
    match item.fate(resource):
        case Fate.DONE:
            policy = PolicyChoice(resource.spec.deletion_policy.value)
            return _KEPT[resource.kind][policy].format(id=resource.server_id)
        case Fate.ABSENT:
            return f"there is no {what} on the server"
        case Fate.UNSEEN:
            return f"left {what} alone: its AnomalyJob {item.pair.job_name!r} is not in the files"
        case Fate.NOT_OURS:
            owner = item.owner
            if owner is None:
                return f"left {what} alone: it is managed by nobody; applying the files first would adopt it"
            return f"left {what} alone: it is managed by {owner}, not by these files"
