"""Where the database's memory is too small for a write, that is said, nothing is written, and the store goes on."""

import tempfile
from pathlib import Path

from hypothesis import event, given
from hypothesis import strategies as st

from anomalyops_engine.store import DatabaseError, OutOfRoomError, Store, database_trouble
from laws import law

_WRITES = {
    "many": lambda writer, number, size: writer.append(
        "t", [{"k": "x" * size, "n": n} for n in range(number)], ids=[f"b{n}" for n in range(number)]
    ),
    "again": lambda writer, number, size: writer.append(
        "t", [{"k": "y" * size, "n": n} for n in range(number)], ids=[f"a{n}" for n in range(number)]
    ),
    "revised": lambda writer, number, size: writer.revise(
        "t", [f"a{n}" for n in range(number)], lambda _, document: {"k": "z" * size}
    ),
}


def tried(store, name, number, size):
    """What a write says that the database does not carry out; None for one that it does."""
    try:
        with store.write() as writer:
            _WRITES[name](writer, number, size)
    except DatabaseError as error:
        return database_trouble(error) or error
    return None


@law(examples=8)
@given(
    memory_mb=st.sampled_from((32, 400)),
    threads=st.sampled_from((1, 2, 8)),
    size=st.sampled_from((300, 30_000)),
    number=st.integers(1, 400),
    writes=st.lists(st.sampled_from(sorted(_WRITES)), min_size=1, max_size=3),
)
def test_a_write_is_whole_or_refused_for_the_memory(memory_mb, threads, size, number, writes):
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder), memory_bytes=memory_mb << 20, threads=threads)
        try:
            with store.write() as writer:
                writer.create_index("t", mappings={"properties": {"k": {"type": "keyword"}}})
                writer.append("t", [{"k": "a", "n": n} for n in range(number)], ids=[f"a{n}" for n in range(number)])
            there = {f"a{n}" for n in range(number)}
            for name in writes:
                trouble = tried(store, name, number, size)
                assert trouble is None or isinstance(trouble, OutOfRoomError), trouble
                event("refused" if trouble else "written")
                there |= {f"b{n}" for n in range(number)} if name == "many" and trouble is None else set()
                with store.read() as reader:
                    found = reader.documents(reader.index("t"), [f"{kind}{n}" for kind in "ab" for n in range(number)])
                assert found.keys() == there
        finally:
            store.close(5)
