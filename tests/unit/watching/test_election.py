"""Laws of the election: never two leaders, whatever is slow, lost or paused; and always one when nothing is."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from anomalyops.watching.election import Candidate, Record, Term, Times

TIMES = Times(12.0)


@dataclass
class Lease:
    """The API server's: a change names the version that it is a change of."""

    record: Record | None = None
    version: int = 0

    def write(self, record: Record, version: int) -> bool:
        if version != self.version:
            return False
        self.record, self.version = record, version + 1
        return True


@dataclass
class Delays:
    """How long each step of a turn takes, seconds, in turns; a pause may come anywhere."""

    steps: Iterator[tuple[float, bool]]

    def next(self) -> tuple[float, bool]:
        return next(self.steps)


@dataclass
class Process:
    """One operator process, with a clock that has an offset and a speed of its own."""

    name: str
    offset: float
    speed: float
    delays: Delays
    known: tuple[Record, int] | None = None
    term: Term | None = None
    terms: list[tuple[float, float]] = field(default_factory=list)  # true time, when they began and would have ended
    candidate: Candidate = field(init=False)

    def __post_init__(self) -> None:
        self.candidate = Candidate(self.name, TIMES)

    def clock(self, now: float) -> float:
        return self.offset + now * self.speed

    def true(self, clock: float) -> float:
        return (clock - self.offset) / self.speed

    def run(self, lease: Lease, wall: Callable[[], str]) -> Iterator[float]:
        """The turns, as pauses until the next thing that happens; is sent the true time."""
        now = yield 0.0
        while True:
            sent = self.clock(now)
            if self.known is None:
                pause, _ = self.delays.next()
                now = yield pause  # on the way to the API server
                found, version = lease.record, lease.version
                pause, _ = self.delays.next()
                now = yield pause  # and back
            else:
                found, version = self.known
            wish = self.candidate.wish(found, self.clock(now), wall())
            if wish is None:
                if self.term is not None:
                    self.note_end(now)
                    self.term.end("another leads")
                    self.term = None
            else:
                pause, _ = self.delays.next()
                now = yield pause
                taken = lease.write(wish, version)
                pause, lost = self.delays.next()
                now = yield pause
                self.known = (wish, version + 1) if taken and not lost else None
                if taken and not lost:
                    self.ours(sent, now)
            now = yield TIMES.retry / self.speed

    def ours(self, sent: float, now: float) -> None:
        if self.term is not None and not self.term.over(self.clock(now)):
            self.term.renewed(sent, self.clock(now))
            self.terms[-1] = (self.terms[-1][0], self.true(self.term.until))
            return
        self.term = Term(sent, TIMES)
        if not self.term.over(self.clock(now)):
            self.terms.append((now, self.true(self.term.until)))

    def note_end(self, now: float) -> None:
        if self.term is not None and not self.term.over(self.clock(now)):
            self.terms[-1] = (self.terms[-1][0], now)


def simulate(processes: list[Process], *, until: float) -> None:
    lease, counter = Lease(), itertools.count()
    runs = {process.name: process.run(lease, lambda: str(next(counter))) for process in processes}
    queue: list[tuple[float, int, str]] = []
    for number, process in enumerate(processes):
        heapq.heappush(queue, (next(runs[process.name]), number, process.name))
    while queue and queue[0][0] < until:
        now, number, name = heapq.heappop(queue)
        heapq.heappush(queue, (now + runs[name].send(now), number, name))


def delays(data: st.DataObject, *, longest: float, lossy: bool) -> Delays:
    step = st.tuples(
        st.one_of(st.floats(0.001, 0.5), st.floats(0.001, longest)), st.booleans() if lossy else st.just(False)
    )
    drawn = data.draw(st.lists(step, min_size=5, max_size=40))
    return Delays(itertools.cycle(drawn))


@given(st.data(), st.integers(2, 3))
def test_there_are_never_two_leaders(data: st.DataObject, count: int) -> None:
    """Requests and answers are slow or lost, processes stand still for longer than a lease, clocks disagree."""
    processes = [
        Process(
            name=f"p{number}",
            offset=data.draw(st.floats(-1e5, 1e5)),
            speed=data.draw(st.floats(0.9, 1.1)),
            delays=delays(data, longest=40.0, lossy=True),
        )
        for number in range(count)
    ]
    simulate(processes, until=300.0)
    terms = sorted((begun, end, process.name) for process in processes for begun, end in process.terms)
    for (_, end, one), (begun, _, other) in itertools.pairwise(terms):
        assert end <= begun or one == other, terms


@given(
    st.lists(st.floats(0.001, 0.2), min_size=1, max_size=20),
    st.lists(st.floats(0.001, 0.2), min_size=1, max_size=20),
    st.integers(4, 60),
)
def test_who_dies_is_followed_within_a_lease_and_three_looks(one: list[float], other: list[float], death: int) -> None:
    """Without trouble there is a leader at once, and it stays; the next one leads soon after it died, at any step."""
    dying = itertools.chain(((one[step % len(one)], False) for step in range(death)), itertools.repeat((1e9, False)))
    living = ((pause, False) for pause in itertools.cycle(other))
    first = Process(name="first", offset=0.0, speed=1.0, delays=Delays(iter(dying)))
    second = Process(name="second", offset=50.0, speed=1.0, delays=Delays(iter(living)))
    simulate([first, second], until=500.0)
    assert len(second.terms) == 1
    begun, _ = second.terms[0]
    if first.terms:
        assert len(first.terms) == 1
        last = first.terms[0][1] - TIMES.deadline  # when the last renewal was sent that it knows of
        assert begun <= last + TIMES.duration + 3 * TIMES.retry + 2.0
    else:
        assert begun <= TIMES.duration + 3 * TIMES.retry + 2.0


def test_a_term_that_is_over_stays_over() -> None:
    term = Term(100.0, TIMES)
    assert not term.over(107.9)
    assert term.over(108.0)
    term.renewed(1e12, 107.0)
    assert term.over(100.0)


def test_a_lease_that_was_given_back_is_taken_at_once() -> None:
    one, other = Candidate("one", TIMES), Candidate("other", TIMES)
    held = one.wish(None, 0.0, "t0")
    assert held is not None
    assert other.wish(held, 0.0, "t0") is None
    taken = other.wish(one.given_back(held, "t1"), 0.1, "t2")
    assert taken is not None
    assert (taken.holder, taken.transitions, taken.acquired) == ("other", 1, "t2")


def test_a_lease_is_read_as_it_was_written() -> None:
    record = Record(holder="a", seconds=12.0, acquired="x", renewed="y", transitions=3)
    assert Record.of(record.spec()) == record
    assert Record.of({}) == Record(holder="", seconds=0.0, acquired="", renewed="")
