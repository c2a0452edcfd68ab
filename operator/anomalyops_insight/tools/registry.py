"""All tools by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from anomalyops_insight.errors import BadRequestError
from anomalyops_insight.programs import Program
from anomalyops_insight.tools.tool import Found, P, R, Tool

CATEGORIES = (
    "Permissions and metadata",
    "Discovery",
    "Timeline",
    "Entities across jobs",
    "Records and influencers",
    "Root cause",
    "Evidence",
    "Model",
    "Jobs and datafeeds",
    "Missing documents",
    "Memory",
    "Decision trees",
)
"""In the order in which they are listed."""

_TOOLS: dict[str, Tool[Any, Any]] = {}


def tool(
    name: str, *, category: str, when: str, parameters: type[P], row: type[R], example: Mapping[str, Any]
) -> Callable[[Callable[[P], Program[Found[R]]]], Callable[[P], Program[Found[R]]]]:
    """Registers a program as a tool.

    Args:
        name: `ad_...`.
        category: One of `CATEGORIES`.
        when: When to use it.
        parameters: The type of its parameters.
        row: The type of its rows.
        example: Parameters of a typical use; they are checked.
    """

    def register(program: Callable[[P], Program[Found[R]]]) -> Callable[[P], Program[Found[R]]]:
        if category not in CATEGORIES or name in _TOOLS:
            raise ValueError(f"{name}: category {category!r} is not known, or the name is taken")
        made = Tool(name, category, when, parameters, row, example, program)
        made.read(example)
        _TOOLS[name] = made
        return program

    return register


def all_tools() -> tuple[Tool[Any, Any], ...]:
    """All tools, by category and then in the order in which they were written."""
    return tuple(sorted(_TOOLS.values(), key=lambda made: CATEGORIES.index(made.category)))


def find(name: str) -> Tool[Any, Any]:
    """The tool of a name.

    Raises:
        BadRequestError: There is none.
    """
    if name in _TOOLS:
        return _TOOLS[name]
    close = difflib.get_close_matches(name, _TOOLS, n=3, cutoff=0.5)
    hint = f"; did you mean {', '.join(close)}?" if close else ": `anomalyops tools` lists all"
    raise BadRequestError(f"there is no tool {name!r}{hint}")
