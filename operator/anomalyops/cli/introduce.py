"""`anomalyops introduce`: what an installation makes of the kinds that come with it. The chart's hook runs it."""

from __future__ import annotations

from typing import Annotated

import typer

from anomalyops.cli.options import Timeout, seconds


def introduce(
    manifest: Annotated[
        list[str],
        typer.Option(metavar="JSON", help="An object of one of the kinds, as JSON; may be repeated."),
    ],
    timeout: Timeout = "4m",
) -> None:
    """Create objects of our kinds in the cluster as soon as it serves their kinds."""
    import asyncio
    import json

    from anomalyops.cli import console
    from anomalyops.cluster.introducing import introduce as make
    from anomalyops.watching.kubeapi import KubeApi

    within = seconds("--timeout", timeout)
    try:
        objects = [json.loads(text) for text in manifest]
    except ValueError as error:
        raise typer.BadParameter(f"write an object as JSON: {error}", param_hint="--manifest") from None

    async def run() -> None:
        api = await KubeApi.connect()
        try:
            for one in objects:
                made = (await make(api, one, within=within))["metadata"]
                console.output().print(f"made {one['kind']} {made['namespace']}/{made['name']}")
        finally:
            await api.close()

    asyncio.run(run())
