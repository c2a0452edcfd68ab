"""The mark on server objects that have nothing but a text to hold it: one line of JSON at the end of a description."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from anomalyops.plan.core.owner import Owner
from anomalyops.resources.shared import MARK

_END: Final = "]"
_OWNER: Final = ("cluster", "namespace", "name", "uid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What is known about an object beside what it says.

    Attributes:
        owner: The resource that manages it.
        since: Since when, ISO 8601; empty when that is not known.
        retained: The resource was deleted with policy Retain; another one may take the object over.
        described: The manifest gave the description that stands before the mark, and may take it back.
    """

    owner: Owner
    since: str = ""
    retained: bool = False
    described: bool = False

    def belongs_to(self, owner: Owner) -> bool:
        """Whether that owner manages the object."""
        return self.owner.is_same(owner)

    def __str__(self) -> str:
        parts: dict[str, Any] = {name: getattr(self.owner, name) for name in _OWNER}
        parts |= {"since": self.since, "retained": self.retained, "described": self.described}
        return MARK + json.dumps({name: value for name, value in parts.items() if value}, ensure_ascii=False) + _END


def marked(text: str, mark: Mark | None) -> str:
    """A description with a mark after it."""
    if mark is None:
        return text
    return f"{text} {mark}" if text else str(mark)


def read_description(description: str, *, kind: str) -> tuple[str, Mark | None]:
    """The text of a description, and the mark after it; None where there is none that can be read.

    Args:
        description: As the server has it.
        kind: The kind of resource that manages such objects.
    """
    at = description.find(MARK)
    while at >= 0:
        mark = _read(description[at + len(MARK) :], kind)
        if mark is not None:
            return description[:at].removesuffix(" "), mark
        at = description.find(MARK, at + 1)
    return description, None


def _read(written: str, kind: str) -> Mark | None:
    if not written.endswith(_END):
        return None
    try:
        parts = json.loads(written.removesuffix(_END))
    except ValueError:
        return None
    if not isinstance(parts, Mapping):
        return None
    owner = {name: parts.get(name, "") for name in _OWNER}
    since, flags = parts.get("since", ""), [parts.get(name, False) for name in ("retained", "described")]
    texts = [*owner.values(), since]
    if not all(isinstance(text, str) for text in texts) or not all(isinstance(flag, bool) for flag in flags):
        return None
    if not (owner["cluster"] and owner["name"]):
        return None
    return Mark(owner=Owner(**owner, kind=kind), since=since, retained=flags[0], described=flags[1])
