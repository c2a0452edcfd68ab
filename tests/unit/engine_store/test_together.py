"""Writes that wait for each other share a transaction; what fails fails for itself; what is answered is durable."""

import threading
import time
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.store import Interruption, Store, WorkInterruptedError
from anomalyops_engine.store.reader import CatalogCache, Reader
from laws import law
from waiting import PATIENCE_S


def write(writer, items):
    """Note numbers; a negative one cannot be."""
    numbers = list(items)
    writer.append("n", [{"n": number} for number in numbers], ids=[str(number) for number in numbers])
    if min(numbers) < 0:
        raise ValueError(min(numbers))
    return [number * 10 for number in numbers]


def note(writer, items):
    """Note numbers in another way."""
    return [-number for number in write(writer, items)]


@contextmanager
def held(store):
    """Keep the store to oneself, so that others queue."""
    with store.write():
        yield


def queued(store, requests, interruptions=None, works=()):
    """The answers of requests that come while the store is held, or their errors; the works are `write` as usual."""
    works = works or [write] * len(requests)
    found = [None] * len(requests)

    def ask(place):
        try:
            if interruptions is None:
                found[place] = store.write_together(requests[place], works[place])
            else:
                with interruptions[place].watching():
                    found[place] = store.write_together(requests[place], works[place])
        except (ValueError, WorkInterruptedError) as error:
            found[place] = error

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(len(requests))]
    with held(store):
        for thread in threads:
            thread.start()
        while len(store._together._queue) < len(requests):
            time.sleep(0.001)
        for interruption in interruptions or ():
            if interruption is not None and interruption.asked:
                interruption.request("the client has left")
    for thread in threads:
        thread.join(PATIENCE_S)
    assert not any(thread.is_alive() for thread in threads)
    return found


def stored(store):
    """All numbers, as one who opens the store finds them."""
    with store.read() as reader:
        if not reader.indices():
            return set()
        table = reader.index("n").table
        return {int(row[0]) for row in reader.connection.execute(f"SELECT _id FROM {table}").fetchall()}


NUMBERS = st.lists(st.integers(-2, 40), min_size=1, max_size=3, unique=True)


@law(examples=15)
@given(st.lists(st.tuples(NUMBERS, st.sampled_from([write, note])), min_size=1, max_size=8))
def test_each_is_answered_for_itself_and_what_is_answered_is_there(tmp_path_factory, asked):
    folder = tmp_path_factory.mktemp("together")
    store = Store.open(folder)
    requests, works = zip(*asked, strict=True)
    found = queued(store, requests, works=works)
    for numbers, work, answer in zip(requests, works, found, strict=True):
        if min(numbers) < 0:
            assert isinstance(answer, ValueError)
        else:
            assert answer == [number * (10 if work is write else -10) for number in numbers]
    expected = {number for numbers in requests if min(numbers) >= 0 for number in numbers}
    assert stored(store) == expected
    store.close()
    store = Store.open(folder)
    assert stored(store) == expected
    store.close()


@pytest.mark.parametrize("works", [[write] * 12, [write, note] * 6])
def test_those_that_wait_share_a_transaction_whatever_each_of_them_does(store, works):
    commits = []
    store_write = store._together._write

    @contextmanager
    def counted():
        with store_write() as writer:
            yield writer
        commits.append(1)

    store._together._write = counted
    found = queued(store, [[number] for number in range(12)], works=works)
    assert found == [[number * (10 if work is write else -10)] for number, work in enumerate(works)]
    assert len(commits) <= 2


class Asked(Interruption):
    """One that the test requests when all wait, or not."""

    def __init__(self, *, asked):
        super().__init__()
        self.asked = asked


def test_who_is_interrupted_fails_alone(store):
    found = queued(store, [[1], [2], [3], [4]], [Asked(asked=place == 0) for place in range(4)])
    ended = [place for place, answer in enumerate(found) if isinstance(answer, WorkInterruptedError)]
    assert set(ended) <= {0}
    assert stored(store) == {place + 1 for place in range(4) if place not in ended}


def test_a_store_that_is_closed_refuses_each(store):
    store.close()
    for _ in range(2):
        with pytest.raises(Exception, match="is closed"):
            store.write_together([1], write)


CHANGES = st.lists(
    st.tuples(st.sampled_from(["create", "delete", "alias", "unalias", "field", "fail"]), st.sampled_from("abcd")),
    max_size=12,
)


@law(examples=40)
@given(st.lists(CHANGES, max_size=4))
def test_what_is_known_of_indices_after_a_commit_is_what_is_stored(store, transactions):
    for changes in transactions:
        try:
            with store.write() as writer:
                for kind, name in changes:
                    change(writer, kind, name)
        except RuntimeError:
            pass
        with store.read() as reader:
            anew = Reader(reader.connection, CatalogCache())
            # Aliases are in no order here: where they are shown they are put into one.
            assert reader.indices() == anew.indices()


def change(writer, kind, name):
    """Change an index, where that can be."""
    there = {index.name for index in writer.indices()}
    if kind == "fail":
        raise RuntimeError
    if kind == "create" and name not in there:
        writer.create_index(
            name, mappings={"properties": {"at": {"type": "date"}}}, aliases={f"y-{name}": {}, f"b-{name}": {}}
        )
    elif kind == "delete" and name in there:
        writer.delete_index(name)
    elif kind == "alias" and name in there:
        writer.put_alias("z-all", name)
        writer.put_alias("a-all", name, filter={"term": {"at": 1}})
    elif kind == "unalias":
        writer.delete_alias("z-all")
    elif kind == "field" and name in there:
        writer.append(name, [{"word": "a", "list": [1, 2], "at": 5}])


def test_an_older_snapshot_does_not_bring_back_what_was_known_before(store):
    with store.write() as writer:
        writer.create_index("a")
    with store.read() as before:
        before.version()
        with store.write() as writer:
            writer.create_index("b")
        assert [index.name for index in before.indices()] == ["a"]
    assert [index.name for index in store.last_seen()] == ["a", "b"]
