"""The rounds of any unit, shown on one that is no pair: a word that a server keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from anomalyops.elastic import Busy, Conflict, OtherServer, Rejected
from anomalyops.plan import Effect, Plan, Step, Subject
from anomalyops.reconciler.clock import utc_now
from anomalyops.reconciler.rounds import Rounds
from anomalyops.reconciler.unit import Unit


class Server:
    """Keeps one word. `answers` are what the next writes fail with; None lets one through."""

    def __init__(self) -> None:
        self.word: str | None = None
        self.uuid = "here"
        self.answers: list[Exception | None] = []
        self.writes: list[str] = []

    async def cluster_uuid(self) -> str:
        return self.uuid

    async def say(self, word: str) -> None:
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        self.writes.append(word)
        self.word = word


@dataclass(frozen=True, slots=True, kw_only=True)
class Say(Step):
    verb: ClassVar[str] = "say"
    subject: ClassVar[Subject] = Subject.JOB
    effect: ClassVar[Effect] = Effect.CHANGES
    word: str

    @property
    def target(self) -> str:
        return "word"

    async def send(self, server: Any) -> None:
        await server.say(self.word)


class Word(Unit[str | None]):
    """Wants the server to keep a word."""

    def __init__(self, server: Server, word: str, *, missing: bool = False) -> None:
        self.server, self.word, self.missing = server, word, missing

    key = "word"
    is_leaving = False

    @property
    def wanted(self) -> object:
        return self.word

    async def look(self) -> str | None:
        return self.server.word

    async def look_and_plan(self, *, curious: bool = False, done: object = None) -> tuple[str | None, Plan]:
        there = await self.look()
        return there, Plan(steps=() if there == self.word else (Say(word=self.word, reason=f"it is {there}"),))

    def plan_run_state(self, observed: str | None) -> Plan:
        return Plan()

    def exists(self, observed: str | None) -> bool:
        return observed is not None

    def waits_for_news(self, observed: str | None) -> bool:
        return self.missing


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def rounds(server):
    return Rounds(server, clock=utc_now)


async def test_it_acts_looks_again_and_rests(server, rounds):
    begun = utc_now()
    async with rounds.turn("word"):
        assert rounds.acted_since("word", begun)
        run = await rounds.reconcile(Word(server, "a"))
    assert (server.writes, run.settled, run.observed) == (["a"], True, "a")
    assert rounds.retry_after(run) is None
    assert rounds.acted_since("word", begun)
    again = await rounds.reconcile(Word(server, "a"))
    assert (server.writes, again.executed) == (["a"], [])


async def test_what_somebody_else_changed_in_between_is_planned_anew_at_once(server, rounds):
    server.answers = [Conflict("changed meanwhile"), Conflict("changed meanwhile"), None]
    run = await rounds.reconcile(Word(server, "a"))
    assert (server.writes, run.error) == (["a"], None)


async def test_what_is_refused_is_held_back_until_the_manifest_changes(server, rounds):
    server.answers = [Rejected("no such word")]
    refused = await rounds.reconcile(Word(server, "a"))
    assert (refused.held_seconds > 0, refused.told) == (True, False)
    still = await rounds.reconcile(Word(server, "a"))  # the server would take it now, and is not asked
    assert (server.writes, still.told, str(still.error)) == ([], True, str(refused.error))
    assert 0 < rounds.retry_after(still) <= 300
    other = await rounds.reconcile(Word(server, "b"))
    assert (server.writes, other.error, rounds.retry_after(other)) == (["b"], None, None)


async def test_what_fails_is_tried_again_with_growing_delays(server, rounds):
    delays = []
    for _ in range(6):
        server.answers = [Busy("full")]
        delays.append(rounds.retry_after(await rounds.reconcile(Word(server, "a"))))
    assert delays[0] < 1.5
    assert delays[-1] > 15
    assert rounds.retry_after(await rounds.reconcile(Word(server, "a"))) is None
    server.answers = [Busy("full")]
    assert rounds.retry_after(await rounds.reconcile(Word(server, "c"))) < 1.5


async def test_what_may_come_without_an_event_is_looked_for(server, rounds):
    assert rounds.retry_after(await rounds.reconcile(Word(server, "a", missing=True))) is not None


async def test_nothing_is_created_on_another_server(server, rounds):
    run = await rounds.reconcile(Word(server, "a"), cluster_uuid="there")
    assert isinstance(run.error, OtherServer)
    assert server.writes == []
    assert (await rounds.reconcile(Word(server, "a"), cluster_uuid="here")).error is None


async def test_a_failure_that_repeats_itself_is_told_once(server, rounds):
    """A step that is tried again and fails as before is no news; another failure, or the same after a success, is."""
    busy, other = Busy("no room"), Busy("too many requests")
    server.answers = [busy, busy, busy, other, other, None, busy]
    told = []
    for word in ["a"] * 6 + ["b"]:
        run = await rounds.reconcile(Word(server, word))
        told.append(run.error is not None and not run.told)
    assert told == [True, False, False, True, False, False, True]


async def test_what_a_deletion_waits_for_is_told_once(server, rounds):
    """A refusal is not held back for what is on its way out: it is tried again, and said once."""

    class Leaving(Word):
        is_leaving = True

    server.answers = [Rejected("in use")] * 3
    runs = [await rounds.reconcile(Leaving(server, "a")) for _ in range(3)]
    assert [run.told for run in runs] == [False, True, True]
    assert all(run.error is not None for run in runs)
