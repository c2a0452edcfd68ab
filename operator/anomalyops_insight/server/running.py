"""Runs programs over a server: questions as ES|QL, and as searches where that is refused."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar
from urllib.parse import quote

from anomalyops_insight.errors import BadRequestError, InsightError, RefusedError
from anomalyops_insight.programs import Call, Present, Program, Progress, Request, Together
from anomalyops_insight.query import Question, esql, search
from anomalyops_insight.query.rows import Row, Rows, finished, settled

T = TypeVar("T")
Way = Literal["auto", "esql", "search"]
MOST_GROUPS = 200_000
_AT_ONCE = 8
_SERVER_ERRORS = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was made.

    Attributes:
        shown: For a person: ES|QL with its values in place, a search, or a call.
        way: How it was answered.
        note: Why not as ES|QL, or that the answer is not complete; empty where there is nothing to say.
        rows: How many rows it gave; None for calls.
        seconds: How long it took.
        step: What the program was doing.
    """

    shown: str
    way: Literal["esql", "search", "call"]
    note: str = ""
    rows: int | None = None
    seconds: float = 0.0
    step: str = ""


@dataclass(slots=True)
class Session:
    """Runs programs over one server and keeps what was asked.

    Attributes:
        server: Anything with `read`.
        way: `auto` asks in ES|QL and, where the server refuses that, in searches; the others ask that way alone.
        asked: What was asked so far, in the order of the answers.
        told: Is told what a program does next.
    """

    server: Any
    way: Way = "auto"
    asked: list[Asked] = field(default_factory=list)
    told: Callable[[str], None] | None = None
    _step: str = ""
    _refusal: str = ""
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def run(self, program: Program[T]) -> T:
        """Runs a program to its end.

        Raises:
            InsightError: What the program does not catch.
        """
        try:
            request = next(program)
            while True:
                try:
                    answer = await self._answer(request)
                except InsightError as error:
                    request = program.throw(error)
                else:
                    request = program.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result

    async def _answer(self, request: Request) -> Any:
        if isinstance(request, Present):
            return datetime.now(UTC)
        if isinstance(request, Progress):
            self._step = request.text
            if self.told is not None:
                self.told(request.text)
            return None
        if isinstance(request, Together):
            return await _all([self.run(program) for program in request.programs])
        async with self._slots:
            started = time.monotonic()
            if isinstance(request, Call):
                found = await self.server.read(request.method, request.path, query=request.query, body=request.body)
                self._note(Asked(request.shown(), "call"), started)
                return found
            return await self._ask(request, started)

    async def _ask(self, question: Question, started: float) -> Rows:
        if self.way != "search" and not self._refusal:
            try:
                return await self._esql(question, started)
            except (RefusedError, BadRequestError) as error:
                if index_missing(error):
                    self._note(Asked(esql.statement(question).shown(), "esql", _reason(error), 0), started)
                    return Rows((), index_missing=True)
                if self.way == "esql" or (isinstance(error, RefusedError) and error.status in _SERVER_ERRORS):
                    raise
                if isinstance(error, RefusedError) and not_served(error):
                    self._refusal = f"the server answers no ES|QL ({error.reason})"
                reason = self._refusal or f"ES|QL was refused ({_reason(error)})"
        else:
            reason = self._refusal
        return await self._search(question, started, reason)

    async def _esql(self, question: Question, started: float) -> Rows:
        statement = esql.statement(question)
        body = await self.server.read("POST", "/_query", body=statement.body())
        rows = tuple(settled(esql.read(body, question), question))
        partial = bool(body.get("is_partial"))
        note = "some shards or clusters did not answer" if partial else ""
        self._note(Asked(statement.shown(), "esql", note, len(rows)), started)
        return Rows(rows, complete=len(rows) < question.limit and not partial)

    async def _search(self, question: Question, started: float, reason: str) -> Rows:
        body: dict[str, Any] | None = search.first_search(question)
        path = f"/{quote(question.index, safe='*,:@.-_+')}/_search"
        shown = f"POST {path[1:]}\n{json.dumps(body, default=str)}"
        found: list[Row] = []
        complete = True
        while body is not None:
            try:
                answer: Mapping[str, Any] = await self.server.read(
                    "POST", path, query={"ignore_unavailable": "true", "allow_no_indices": "true"}, body=body
                )
            except RefusedError as error:
                if index_missing(error):
                    self._note(Asked(shown, "search", _reason(error), 0), started)
                    return Rows((), index_missing=True)
                raise
            found += search.read(answer, question)
            complete = complete and search.complete(answer, question)
            if len(found) >= MOST_GROUPS:
                complete = False
                break
            body = search.next_search(body, answer)
        rows = tuple(settled(finished(found, question), question))
        self._note(Asked(shown, "search", reason, len(rows)), started)
        return Rows(rows, complete=complete and len(rows) < question.limit)

    def _note(self, asked: Asked, started: float) -> None:
        seconds = round(time.monotonic() - started, 3)
        self.asked.append(replace(asked, seconds=seconds, step=self._step))


def index_missing(error: InsightError) -> bool:
    """Whether a server refused because no index has the name."""
    if not isinstance(error, RefusedError):
        return False
    return error.kind == "index_not_found_exception" or "Unknown index [" in error.reason


def not_served(error: RefusedError) -> bool:
    """Whether a server knows no ES|QL at all, or has it switched off."""
    unknown = error.status in {404, 405, 410, 501} and error.kind != "index_not_found_exception"
    return unknown or "no handler found" in error.reason or "ESQL is not" in error.reason


def _reason(error: InsightError) -> str:
    return (error.reason if isinstance(error, RefusedError) else str(error)).replace("\n", " ")


async def _all(runs: list[Any]) -> list[Any]:
    """The results of coroutines in their order; the first error ends the others and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run) for run in runs]
    except* InsightError as errors:
        raise _first(errors) from None
    return [task.result() for task in tasks]


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
