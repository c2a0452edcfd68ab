"""Which nodes a request means; there is one."""

from __future__ import annotations

from typing import Final

from anomalyops_engine.store.patterns import matches

ROLES: Final = ("data", "ingest", "master", "ml")
_EVERY_NODE: Final = frozenset({"_all", "_local", "_master", "*", ""})


def means_this_node(nodes: str, *, own: tuple[str, ...]) -> bool:
    """Return whether a list of nodes means this one; later parts take back what earlier ones say, as on a cluster.

    Args:
        nodes: names and ids, separated by commas; `*`, `_all`, `_local`, `_master`, roles such as `ml:true`.
        own: the id and the name of this node.
    """
    meant = False
    for part in (part.strip() for part in nodes.split(",")):
        role, separator, value = part.partition(":")
        if part in _EVERY_NODE or any(matches(part, name) for name in own):
            meant = True
        elif separator and value in {"true", "false"} and role in ROLES:
            meant = value == "true"
        elif separator and value == "false":
            meant = meant or role not in ROLES
    return meant
