"""`anomalyops status`: the table that `kubectl get` would print."""

from __future__ import annotations

from anomalyops.cli.options import Ca, Files, Namespace, Output, OutputFormat, OwnerId, Url


def status(
    filename: Files,
    url: Url = None,
    ca: Ca = None,
    namespace: Namespace = "default",
    owner: OwnerId = None,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Show the state of the resources on the server, as kubectl get would, and what keeps them from being ready."""
    import asyncio

    from anomalyops.cli.console import messages
    from anomalyops.cli.options import targets
    from anomalyops.cli.status_view import show, unready_lines, unready_shared
    from anomalyops.local.inspecting import status as look
    from anomalyops.local.shared import status_shared

    found = targets(filename, namespace=namespace, url=url, ca=ca, owner=owner)
    pairs = [pair for target in found for pair in asyncio.run(look(target))]
    shared = [one for target in found for one in asyncio.run(status_shared(target))]
    show([*shared, *(resource for pair in pairs for resource in pair.resources)], output)
    if lines := [*unready_shared(shared), *unready_lines(pairs)]:
        messages().print(*lines, sep="\n", soft_wrap=True)
