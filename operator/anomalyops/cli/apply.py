"""`anomalyops apply`: make the server what the files say, and wait until it is."""

from __future__ import annotations

import typer

from anomalyops.cli.options import Ca, Files, Namespace, Output, OutputFormat, OwnerId, TakeOver, Timeout, Url

NOT_READY = 3


def apply(
    filename: Files,
    url: Url = None,
    ca: Ca = None,
    namespace: Namespace = "default",
    owner: OwnerId = None,
    take_over: TakeOver = None,
    timeout: Timeout = "10m",
    output: Output = OutputFormat.TABLE,
) -> None:
    """Create and change jobs, datafeeds, filters and calendars as the files say; wait until they are ready.

    A datafeed with an end is waited for until its lookback is complete, one in real time until it runs.

    Exit codes: 0 ready, 3 not ready in time or in need of a person, 1 error.
    """
    import asyncio

    from anomalyops.cli.apply_view import progress_view, unready_lines, unready_shared
    from anomalyops.cli.console import messages
    from anomalyops.cli.options import seconds, targets
    from anomalyops.cli.status_view import show
    from anomalyops.local.applying import apply as apply_pairs
    from anomalyops.local.requests import left_to_operator
    from anomalyops.local.shared import apply_shared

    limit = seconds("--timeout", timeout)
    found = targets(filename, namespace=namespace, url=url, ca=ca, owner=owner, take_over=take_over)
    applied, shared = [], []
    with progress_view(messages()) as view:
        for target in found:
            shared += asyncio.run(apply_shared(target, view.shared_step, seconds=limit))
            applied += asyncio.run(apply_pairs(target, view, seconds=limit))
    if left := [left_to_operator(request) for target in found for request in target.requests]:
        messages().print(*left, sep="\n", soft_wrap=True)
    resources = [resource for item in applied for resource in item.progress.pair.resources]
    show([*(item.resource for item in shared), *resources], output)
    unready = [*unready_shared(shared, timeout), *unready_lines(applied, timeout)]
    if unready:
        messages().print(*unready, sep="\n", soft_wrap=True)
        raise typer.Exit(NOT_READY)
