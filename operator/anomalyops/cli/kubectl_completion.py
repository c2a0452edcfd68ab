"""`kubectl_complete-anomaly`: what kubectl asks when Tab is pressed after `kubectl anomaly`.

A suggestion a line, then a directive of cobra: `:4` (`ShellCompDirectiveNoFileComp`), with which the shell offers no
names of files, and `:0` where a file is meant.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import Any, get_args, get_type_hints

_NO_FILES, _FILES = ":4", ":0"
_OF_JOBS = ("explain", "restart", "suspend", "resume", "logs")
_OF_FILES = ("-f", "--filename", "--kubeconfig", "--ca")


def main() -> None:
    """Writes the suggestions; nothing but suggestions, whatever happens."""
    words = sys.argv[1:]
    directive = _FILES if words[-2:-1] and words[-2] in _OF_FILES else _NO_FILES
    sys.stdout.write("".join(f"{line}\n" for line in (*suggestions(words), directive)))


def suggestions(words: Sequence[str]) -> list[str]:
    """What may come next.

    Args:
        words: Those after `kubectl anomaly`; the last one is being typed and may be empty.
    """
    *before, typed = words or [""]
    options = _options()
    valued = {name for of_command in options.values() for name, choices in of_command.items() if choices is not None}
    given = {option: value for option, value in itertools.pairwise(before) if option in valued}
    values = set(given.values())
    plain = [word for word in before if not word.startswith("-") and word not in values]
    mine = options.get(plain[0], {}) if plain else {}
    if before and before[-1] in valued:
        return [one for one in mine.get(before[-1]) or () if one.startswith(typed)]
    if not plain:
        return [name for name in options if name.startswith(typed)]
    if typed.startswith("-"):
        return [name for name in mine if name.startswith(typed)]
    if plain[0] in _OF_JOBS and len(plain) == 1:
        return [name for name in _jobs(given) if name.startswith(typed)]
    return []


def _options() -> dict[str, dict[str, tuple[str, ...] | None]]:
    """The options of each command, each with the values that it accepts: none for any, None where it takes none."""
    from anomalyops.cli.kubectl import program

    functions = [command.callback for command in program.registered_commands if command.callback is not None]
    return {function.__name__: dict(_options_of(function)) for function in functions}


def _options_of(function: Callable[..., Any]) -> Iterator[tuple[str, tuple[str, ...] | None]]:
    from typer.models import OptionInfo

    for name, hint in get_type_hints(function, include_extras=True).items():
        base, *about = get_args(hint) or (hint,)
        option = next((one for one in about if isinstance(one, OptionInfo)), None)
        if option is None:
            continue
        choices = tuple(str(one.value) for one in base) if isinstance(base, type) and issubclass(base, Enum) else ()
        # Inside of Annotated, the first spelling stands where a default would.
        given = [one for one in (option.default, *(option.param_decls or ())) if isinstance(one, str)]
        for spelling in given or [f"--{name.replace('_', '-')}"]:
            yield spelling, None if base is bool else choices


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
