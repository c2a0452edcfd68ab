"""Programs: what is asked of a server and what is made of the answers, without knowing how a server is spoken to.

A program is a generator. It yields requests, is given their answers and returns its result, so that the same program
runs over any server, and over planted answers in a test.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

from anomalyops_insight.query import Question
from anomalyops_insight.query.rows import Rows

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """A call that reads what no index holds, such as states of jobs.

    Attributes:
        method: GET or POST.
        path: From `/` on; its parts are quoted already.
        query: Parameters of the URL.
        body: JSON.
    """

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None

    def shown(self) -> str:
        """The call for a person."""
        query = f"?{urlencode(self.query)}" if self.query else ""
        body = f"\n{json.dumps(self.body, default=str)}" if self.body is not None else ""
        return f"{self.method} {self.path.removeprefix('/')}{query}{body}"


@dataclass(frozen=True, slots=True)
class Progress:
    """What a program does next; what it asks from now on belongs to it."""

    text: str


@dataclass(frozen=True, slots=True)
class Present:
    """What time it is; the answer is a `datetime` of UTC."""


@dataclass(frozen=True, slots=True)
class Together:
    """Programs that may run at the same time; the answer is the list of their results."""

    programs: tuple[Program[Any], ...]


Request = Question | Call | Progress | Present | Together
Program = Generator[Request, Any, T]


def ask(question: Question) -> Program[Rows]:
    """Asks one question.

    Raises:
        RefusedError: The server refuses it.
    """
    return cast("Rows", (yield question))


def call(
    method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
) -> Program[Any]:
    """Makes one call; its answer is the JSON body.

    Raises:
        RefusedError: The server refuses it.
    """
    return (yield Call(method, path, query or {}, body))


def progress(text: str) -> Program[None]:
    """Says what comes next."""
    yield Progress(text)


def present() -> Program[datetime]:
    """What time it is."""
    return cast("datetime", (yield Present()))


def together(programs: Sequence[Program[T]]) -> Program[list[T]]:
    """Runs programs at the same time.

    Raises:
        RefusedError: The server refuses a request of one of them.
    """
    if not programs:
        return []
    return cast("list[T]", (yield Together(tuple(programs))))
