"""Both servers side by side: worlds made in both, cases asked of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from judge.cases import Answer, Case, Request
from judge.verdicts import Kind, Verdict, compare, lacks_feature

# After these, on a request that writes, the two worlds are no longer the same.
_PARTED = (Kind.ACCEPTS, Kind.REFUSES, Kind.CRASH, Kind.DECLINED, Kind.ABSENT)
_READING = ("_search", "_count", "_mget", "_msearch", "_refresh")


class Server(Protocol):
    """Who can be asked."""

    def ask(self, request: Request) -> Answer:
        """Return the answer to a request."""

    def reset(self) -> None:
        """Forget everything."""


class Bench:
    """Two servers and the world that both are in.

    Args:
        reference: Elasticsearch.
        engine: what is judged.
    """

    def __init__(self, reference: Server, engine: Server) -> None:
        self._reference = reference
        self._engine = engine
        self._world: tuple[Request, ...] | None = None
        self._entered = Verdict(Kind.SAME)

    def judge(self, case: Case) -> list[Verdict]:
        """Return a verdict on the answer to each step of a case, until the worlds have parted.

        When the setup is not taken by both, the only verdict is on that.
        """
        entered = self._enter(case.setup)
        if entered.kind is not Kind.SAME:
            return [entered]
        if case.changes:
            self._world = None
        verdicts = []
        for number, step in enumerate(case.steps):
            theirs, ours = self._reference.ask(step), self._engine.ask(step)
            verdict = replace(compare(step, theirs, ours), step=number, theirs=theirs, ours=ours)
            verdicts.append(verdict)
            if verdict.kind in _PARTED and step.method != "GET" and not step.path.partition("?")[0].endswith(_READING):
                break
        return verdicts

    def record(self, case: Case) -> list[Answer] | None:
        """Return Elasticsearch's answers to the steps of a case; None where it does not take the setup."""
        self._world = None
        self._reference.reset()
        if any(self._reference.ask(request).status >= 400 for request in case.setup):
            return None
        return [self._reference.ask(step) for step in case.steps]

    def _enter(self, setup: Sequence[Request]) -> Verdict:
        """Make a world, unless both are in it already, and return whether both have it."""
        if self._world == tuple(setup):
            return self._entered
        self._reference.reset()
        self._engine.reset()
        self._world, self._entered = tuple(setup), Verdict(Kind.SAME)
        for request in setup:
            theirs, ours = self._reference.ask(request), self._engine.ask(request)
            if not _done(theirs):
                self._entered = Verdict(Kind.ABSENT, "setup" if not lacks_feature(theirs) else "", -1, "", theirs, ours)
                break
            if not _done(ours):
                kind = Kind.DECLINED if ours.status == 501 else Kind.REFUSES
                found = compare(request, theirs, ours)
                self._entered = Verdict(kind, f"setup: {found.label}", -1, found.where, theirs, ours)
                break
        return self._entered


def _done(answer: Answer) -> bool:
    return answer.status < 400 and not (isinstance(answer.body, dict) and answer.body.get("errors") is True)
