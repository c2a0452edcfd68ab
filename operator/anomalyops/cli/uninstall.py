"""`anomalyops uninstall`: let go of all objects, so that CRDs and namespaces can be deleted."""

from __future__ import annotations

from typing import Annotated

import typer

from anomalyops.cli.options import Output, OutputFormat


def uninstall(
    namespace: Annotated[
        list[str] | None, typer.Option(help="Release in this namespace only; may be repeated. Default: all.")
    ] = None,
    stop: Annotated[
        str | None,
        typer.Option(help="The operator's Deployment, NAMESPACE/NAME, which is scaled to nothing first."),
    ] = None,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Release all resources of a cluster whose operator is stopped: nothing is done on any server.

    Their deletion policies are not carried out: to have that, delete them while the operator runs.
    """
    import asyncio
    from dataclasses import asdict

    from anomalyops.cli import console
    from anomalyops.cli.structured import write
    from anomalyops.controllers.uninstall import release_all
    from anomalyops.watching.options import ObjectKey

    try:
        operator = ObjectKey.parse(stop) if stop is not None else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--stop") from None
    released = asyncio.run(release_all(tuple(namespace or ()), operator=operator))
    if output is not OutputFormat.TABLE:
        write({"released": [asdict(one) for one in released]}, output)
        return
    shown = console.output()
    for one in released:
        gone = ", and it is gone" if one.gone else ""
        shown.print(f"released {one.kind} {one.namespace}/{one.name}{gone}")
    shown.print(f"{len(released)} released; what is on servers is as it was")
