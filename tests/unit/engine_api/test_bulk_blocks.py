"""Bulk requests of one action over and over: they answer and leave what the same documents do as operations."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.api.bulk import run_bulk
from anomalyops_engine.api.bulk_blocks import WrittenBlock, read_block, run_block
from anomalyops_engine.api.bulk_body import Defaults, parse_bulk
from anomalyops_engine.api.filtering import keep_paths
from anomalyops_engine.store import Store
from anomalyops_engine.store.index_templates import COMPOSABLE
from laws import law

MANY = 20
DEFAULTS = Defaults("logs")
PLAIN = {"n": 1, "text": "a", "at": "2026-01-01T00:00:00Z", "@timestamp": "2026-01-01T00:00:00Z", "o": {"x": 0.5}}


def body_of(action: str, documents: list[Any]) -> bytes:
    lines = [line if isinstance(line, str) else json.dumps(line) for line in documents]
    return "".join(f"{action}\n{line}\n" for line in lines).encode()


def as_block(store: Store, body: bytes) -> dict[str, Any] | None:
    """The answer to a body that is a block; None where it is not written as one."""
    block = read_block(body, DEFAULTS)
    written = None if block is None else run_block(store, block)
    return None if written is None else json.loads(written.answer(3, None, refreshed=False))


def as_operations(store: Store, body: bytes) -> dict[str, Any]:
    operations = parse_bulk(body, DEFAULTS)
    outcomes = run_bulk(store, operations)
    pairs = zip(operations, outcomes, strict=True)
    return {
        "errors": any(outcome.failed for outcome in outcomes),
        "took": 3,
        "items": [{operation.kind: outcome.item} for operation, outcome in pairs],
    }


def written_together(store: Store, bodies: list[bytes]) -> list[WrittenBlock | None]:
    """What becomes of blocks that wait for each other; None for each that is not written as one."""
    places, items, works = [], [], []

    def wait(asked: list[Any], work: Any, *, size: int) -> list[None]:
        places.append(now)
        items.extend(asked)
        works.append(work)
        assert size == MANY
        return [None]

    write, store.write_together = store.write_together, wait
    try:
        for now, body in enumerate(bodies):  # noqa: B007 (`wait` notes it)
            assert run_block(store, read_block(body, DEFAULTS)) is None
    finally:
        store.write_together = write
    answers: list[WrittenBlock | None] = [None] * len(bodies)
    for place, answer in zip(places, write(items, works[0]) if items else [], strict=True):
        answers[place] = answer
    return answers


def without_ids(answer: dict[str, Any]) -> dict[str, Any]:
    plain = json.loads(json.dumps(answer))
    for item in plain["items"]:
        for said in item.values():
            assert said.pop("_id")
            said.get("error", {}).pop("index_uuid", None)
    return plain


def left(store: Store) -> dict[str, Any]:
    """Everything that there is of indices, but for generated ids."""
    found = {}
    with store.read() as reader:
        for index in reader.indices():
            rows = reader.connection.execute(f"FROM {index.table} ORDER BY _seq_no").fetchall()
            names = [column[0] for column in reader.connection.description or ()]
            documents = [{k: v for k, v in zip(names, row, strict=True) if v is not None} for row in rows]
            assert len({document.pop("_id") for document in documents}) == len(documents)
            found[index.name] = index.mapping, documents
    return found


def begin(store: Store) -> None:
    with store.write() as writer:
        for index in writer.indices():
            if index.stream is None:
                writer.delete_index(index.name)
        writer.delete_stream("events")
        writer.put_config(COMPOSABLE, "events", {"index_patterns": ["events"], "data_stream": {}})
        writer.create_index("logs")
        writer.create_index("strict", mappings={"dynamic": "strict", "properties": {"n": {"type": "byte"}}})
        writer.create_index("shut", settings={"index.blocks.write": True})
        writer.create_index("piped", settings={"index.default_pipeline": "missing"})
        writer.put_alias("alias", "logs")
        writer.put_alias("routed", "logs", index_routing="r")
        writer.put_alias("both", "logs")
        writer.put_alias("both", "strict")


@pytest.fixture(scope="module")
def two_stores(tmp_path_factory):
    opened = [Store.open(tmp_path_factory.mktemp(name)) for name in ("blocks", "operations")]
    yield opened
    for store in opened:
        store.close()


@pytest.fixture
def loaded(store):
    """A store whose index `logs` has had such documents."""
    run_bulk(store, parse_bulk(body_of('{"index":{}}', [PLAIN]), DEFAULTS))
    return store


_ODD = st.sampled_from(
    ["{", "[]", "", '{"n": 1, "n": 2}', {"n": 300}, {"n": "x"}, {"new": 1}, {"o": 1}, {"o": {"x": [1, 2]}}, {}]
)
_ACTIONS = st.sampled_from(
    ['{"index":{}}', '{"create":{}}', '{ "index" : { } }', '{"index":{"_id":"1"}}', '{"index":{"routing":"q"}}']
    + [f'{{"{kind}":{{"_index":"{name}"}}}}' for kind in ("index", "create") for name in ("alias", "routed", "events")]
    + [f'{{"index":{{"_index":"{name}"}}}}' for name in ("strict", "shut", "piped", "both", "fresh", "UPPER")]
    + [
        '{"index":{"require_alias":true}}',
        '{"index":{"_index":"alias","require_alias":true}}',
        '{"index":{"op_type":"create"}}',
    ]
)


@st.composite
def _bodies(draw: st.DrawFn) -> bytes:
    plain = draw(st.sampled_from([PLAIN, {"n": 1}, {"n": 2, "@timestamp": "2026-01-01"}]))
    documents: list[Any] = [plain] * (MANY + draw(st.integers(-6, 3)))
    for place in draw(st.lists(st.integers(0, 9), max_size=2)):
        documents[place] = draw(_ODD)
    body = body_of(draw(_ACTIONS), documents)
    return body[: -draw(st.integers(1, 3))] if draw(st.integers(0, 9)) == 0 else body


@law(examples=60)
@given(bodies=st.lists(_bodies(), min_size=1, max_size=4))
def test_a_block_answers_and_leaves_what_its_documents_do_as_operations(two_stores, bodies):
    blocks, operations = two_stores
    for store in two_stores:
        begin(store)
    for body in bodies:
        answer = as_block(blocks, body)
        if answer is None:
            try:
                as_operations(blocks, body)
            except Exception as error:  # the whole request is refused, and so it must be there
                with pytest.raises(type(error)):
                    as_operations(operations, body)
            else:
                as_operations(operations, body)
        else:
            assert without_ids(answer) == without_ids(as_operations(operations, body))
    assert left(blocks) == left(operations)


_PARTS = st.sampled_from([{"n": 1}, {"n": 2, "text": "b"}, {"o": {"x": 1}}, {"o": {"x": 0.5}}, PLAIN])


@law(examples=30)
@given(asked=st.lists(st.tuples(st.sampled_from(["logs", "alias", "strict", "shut"]), _PARTS), min_size=2, max_size=6))
def test_blocks_that_are_written_together_answer_and_leave_what_they_do_one_after_the_other(two_stores, asked):
    bodies = [body_of(f'{{"index":{{"_index":"{index}"}}}}', [document] * MANY) for index, document in asked]
    together, single = two_stores
    for store in two_stores:
        begin(store)
        for index, fields in (("logs", PLAIN), ("strict", {"n": 1})):
            as_operations(store, body_of(f'{{"index":{{"_index":"{index}"}}}}', [fields]))
    expected = [as_block(single, body) for body in bodies]
    answers = written_together(together, bodies)
    shown = [None if one is None else json.loads(one.answer(3, None, refreshed=False)) for one in answers]
    assert [one and without_ids(one) for one in shown] == [one and without_ids(one) for one in expected]
    assert left(together) == left(single)


@pytest.mark.parametrize("action", ['{"index":{}}', '{"create":{}}', '{"create":{"_index":"alias"}}'])
def test_plain_documents_of_known_fields_are_a_block(loaded, action):
    with loaded.write() as writer:
        writer.put_alias("alias", "logs")
    answer = as_block(loaded, body_of(action, [PLAIN] * MANY))
    assert answer is not None
    assert [next(iter(item.values()))["_seq_no"] for item in answer["items"]] == list(range(1, MANY + 1))


def test_new_documents_of_a_data_stream_are_a_block_when_each_has_its_time(two_stores):
    store = two_stores[0]
    begin(store)
    body = body_of('{"create":{"_index":"events"}}', [PLAIN] * MANY)
    as_operations(store, body)
    assert as_block(store, body) is not None
    timeless = body_of('{"create":{"_index":"events"}}', [*[PLAIN] * MANY, {"n": 1}])
    assert as_block(store, timeless) is None
    assert [item["create"]["status"] for item in as_operations(store, timeless)["items"]] == [201] * MANY + [400]


def test_a_mapping_that_changes_while_documents_are_prepared_is_the_one_that_counts(loaded):
    block = read_block(body_of('{"index":{}}', [PLAIN] * MANY), DEFAULTS)
    prepare = loaded.prepare

    def slowly(index, sources):
        prepared = prepare(index, sources)
        with loaded.write() as writer:
            writer.put_mapping("logs", {"properties": {"late": {"type": "keyword"}}})
        return prepared

    loaded.prepare = slowly
    assert run_block(loaded, block) is None
    with loaded.read() as reader:
        assert reader.connection.execute("SELECT count(*) FROM docs_1").fetchone() == (1,)


@pytest.mark.parametrize(
    "paths",
    [
        *("errors", "took", "items.*._id", "items.*.error", "errors,items.*.status", "-items", "items.index._seq_no"),
        *("**._id", "items", "items.*._shards.total", "nothing", "-items.*._id", "items.*._id,-took", "*.*.s*"),
    ],
)
def test_filter_path_is_applied_as_to_any_answer(loaded, paths):
    written = run_block(loaded, read_block(body_of('{"index":{}}', [PLAIN] * MANY), DEFAULTS))
    for refreshed in (False, True):
        whole = json.loads(written.answer(7, None, refreshed=refreshed))
        assert json.loads(written.answer(7, paths, refreshed=refreshed)) == keep_paths(whole, paths.split(","))
