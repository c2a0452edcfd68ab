"""Entries of the catalogue held against what a server has."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from anomalyops.catalog.entries import Entry
from anomalyops.catalog.rendering import Choices, render
from anomalyops.catalog.suitability import names_to_look_up, unsuited
from anomalyops.elastic import Gateway
from anomalyops.elastic.source import Source
from anomalyops.local.connections import Login, connection_at, open_gateway
from anomalyops.local.errors import LocalError


async def look_at_indices(login: Login, entries: Sequence[Entry], choices: Choices) -> list[str]:
    """Whether the indices have what the entries read; nothing is changed there.

    Args:
        login: The server.
        entries: What shall read the indices.
        choices: Which indices, and what their fields are called.

    Returns:
        What is no reason against it and should be known, one line each.

    Raises:
        LocalError: No URL; no such index; or a field is missing or of a type that does not fit.
        GatewayError: The server does not answer or refuses the search.
    """
    if login.url is None:
        raise LocalError("which server? Give --url")
    async with open_gateway(connection_at(login.url), login.credentials) as gateway:
        await gateway.info()
        found = await asyncio.gather(*(_one(gateway, entry, choices) for entry in entries))
    if problems := [problem for problems, _ in found for problem in problems]:
        raise LocalError("\n".join(dict.fromkeys(problems)))
    return [warning for _, warnings in found for warning in warnings]


async def _one(gateway: Gateway, entry: Entry, choices: Choices) -> tuple[list[str], list[str]]:
    job, feed = render(entry, choices)
    body = feed.spec.server_body()
    known = await gateway.trial.field_types(body, names_to_look_up(entry, choices))
    if known.indices == 0:
        raise LocalError(f"--index {','.join(choices.indices)}: there is no such index")
    if problems := list(unsuited(entry, choices, known.types)):
        return problems, []
    time_field = job.spec.data_description.time_field or ""
    if await Source(gateway.rest, body, time_field).latest() is None:
        return [], [f"{entry.name}: no document matches its query yet"]
    return [], []
