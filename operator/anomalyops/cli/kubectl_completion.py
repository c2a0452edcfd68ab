"""`kubectl_complete-anomaly`: what kubectl asks when Tab is pressed after `kubectl anomaly`.

A suggestion a line, then `:4`, with which the shell offers no names of files (cobra's `ShellCompDirectiveNoFileComp`).
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence

_NO_FILES = ":4"
_OF_JOBS = ("explain", "restart", "suspend", "resume", "logs")
_VALUED = ("-n", "--namespace", "--context", "--kubeconfig")


def main() -> None:
    """Writes the suggestions; nothing but suggestions, whatever happens."""
    sys.stdout.write("".join(f"{line}\n" for line in (*suggestions(sys.argv[1:]), _NO_FILES)))


def suggestions(words: Sequence[str]) -> list[str]:
    """What may come next.

    Args:
        words: Those after `kubectl anomaly`; the last one is being typed and may be empty.
    """
    *before, typed = words or [""]
    given = {option: value for option, value in itertools.pairwise(before) if option in _VALUED}
    values = set(given.values())
    plain = [word for word in before if not word.startswith("-") and word not in values]
    if before and before[-1] in _VALUED:
        return []
    if not plain:
        from anomalyops.cli.kubectl import program

        names = [command.callback.__name__ for command in program.registered_commands if command.callback is not None]
        return [name for name in names if name.startswith(typed)]
    if plain[0] in _OF_JOBS and len(plain) == 1 and not typed.startswith("-"):
        return [name for name in _jobs(given) if name.startswith(typed)]
    return []


def _jobs(given: dict[str, str]) -> list[str]:
    import asyncio

    from anomalyops.cluster.access import open_cluster
    from anomalyops.resources import AnomalyJob

    async def look() -> list[str]:
        namespace = given.get("-n") or given.get("--namespace")
        access = open_cluster(kubeconfig=given.get("--kubeconfig"), context=given.get("--context"), namespace=namespace)
        async with access as cluster:
            return [job.name for job in await cluster.objects(AnomalyJob, cluster.namespace)]

    try:
        return asyncio.run(look())
    except Exception:
        return []
