"""What credentials may do, beside what the operator needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from anomalyops.elastic.errors import GatewayError
from anomalyops.elastic.rest import Rest

CLUSTER: Final = ("manage_ml", "monitor")
INDICES: Final[Mapping[str, Sequence[str]]] = {
    ".ml-anomalies-*": ("read",),
    ".ml-annotations*": ("read",),
    ".ml-notifications*": ("read",),
}
"""The minimal role, apart from the source indices, which differ from datafeed to datafeed."""


async def missing_privileges(rest: Rest) -> tuple[str, ...]:
    """What the credentials lack of the minimal role, in words; nothing where the server does not tell.

    Raises:
        GatewayError: The server does not answer.
    """
    asked = [{"names": [name], "privileges": list(privileges)} for name, privileges in INDICES.items()]
    body = {"cluster": list(CLUSTER), "index": asked}
    try:
        answer = await rest.read("POST", "/_security/user/_has_privileges", body=body)
    except GatewayError as error:
        if error.transient or error.connection:
            raise
        return ()  # a server without security
    return tuple(_lacking(answer))


def _lacking(answer: Mapping[str, Any]) -> Iterator[str]:
    cluster, index = answer.get("cluster") or {}, answer.get("index") or {}
    yield from (f"cluster: {name}" for name in CLUSTER if cluster.get(name) is False)
    for target, privileges in INDICES.items():
        there = index.get(target) or {}
        yield from (f"index {target}: {name}" for name in privileges if there.get(name) is False)
