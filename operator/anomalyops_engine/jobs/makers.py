"""Who made a datafeed, or changed it last: the datafeed reads what that one may read, whoever starts it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.refusals import MlError
from anomalyops_engine.store import Visibility

SEARCH: Final = "indices:data/read/search"

# What a maker, as it is kept, may read now.
Rights = Callable[[JsonObject], Visibility]


@dataclass(frozen=True, slots=True)
class Maker:
    """Whoever is about to make or change a datafeed.

    Attributes:
        username: the name.
        record: what is kept of it; None where there is no authentication, and so no limit.
        may_read: whether an index, alias or pattern of a name may be searched.
    """

    username: str
    record: JsonObject | None
    may_read: Callable[[str], bool]

    def check(self, datafeed_id: str, indices: Sequence[str]) -> None:
        """Check that the indices of a new datafeed may be read.

        Raises:
            MlError: 403.
        """
        allowed = {name: self.may_read(name) for name in indices}
        if self.record is None or all(allowed.values()):
            return
        listed = orjson.dumps({name: {SEARCH: granted} for name, granted in allowed.items()}).decode()
        raise MlError(
            403,
            "security_exception",
            f"Cannot create datafeed [{datafeed_id}] because user {self.username} lacks permissions on the indices: "
            f"{listed}",
        )


def shown_maker(record: JsonObject | None) -> JsonObject:
    """Return what a datafeed shows of who made it: `authorization`, or nothing where nobody is known."""
    if record is None:
        return {}
    key = record.get("api_key")
    return {"authorization": {"roles": record["roles"]} if key is None else {"api_key": key}}
