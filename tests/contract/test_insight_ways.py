"""A question has one answer, whether it is asked in ES|QL, in ES|QL with its values in place, or in searches."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anomalyops_insight.errors import RefusedError
from anomalyops_insight.programs import ask
from anomalyops_insight.query import (
    AtLeast,
    AtMost,
    Average,
    By,
    ByTime,
    Column,
    Count,
    Distinct,
    Document,
    Either,
    Equals,
    Exists,
    Gap,
    Largest,
    Matches,
    Missing,
    OneOf,
    Pattern,
    Question,
    Smallest,
    Sort,
    Total,
    Values,
    Window,
    esql,
)
from anomalyops_insight.server import Endpoint, Server, Session

INDEX = "insight-ways"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
JOBS = ("web-1", "web-10", "web-rate-1", "db", "web", 'a"b\\c', "we*b", "ærø-1", "db-errors")
KINDS = ("record", "bucket", 'q"uote', "null", "ta\\b")
TEXTS = ("job", "kind", "host.name", "odd-name", "from")
NUMBERS = ("score", "initial", "events")


def documents() -> list[dict]:
    chance = random.Random(7)
    made = []
    for number in range(160):
        document = {
            "id": f"{number:03}",
            "job": chance.choice(JOBS),
            "kind": chance.choice(KINDS),
            "host": {"name": chance.choice(("h1", "h2", "h3"))},
            "odd-name": chance.choice(("x", "y")),
            "from": chance.choice(("here", "there")),
            "score": chance.choice((0, 25, 50.5, 99.99, 1e-3)),
            "initial": chance.choice((10, 25.0, 100)),
            "events": chance.randrange(5),
            "at": (BEGIN + timedelta(minutes=chance.randrange(3000), seconds=chance.randrange(60))).isoformat(),
            "seen": (BEGIN + timedelta(days=chance.randrange(60))).isoformat(),
            "flag": chance.random() < 0.5,
        }
        for name in ("host", "odd-name", "from", "score", "initial", "events", "flag", "seen"):
            if chance.random() < 0.15:
                del document[name]
        made.append(document)
    return made


@pytest.fixture(scope="module")
def url(shared_engine):
    with shared_engine.client() as client:
        kinds = {
            "score": "double",
            "initial": "double",
            "events": "long",
            "at": "date",
            "seen": "date",
            "flag": "boolean",
        }
        names = ("id", "job", "kind", "odd-name", "from")
        mapping = {name: {"type": kind} for name, kind in kinds.items()} | {name: {"type": "keyword"} for name in names}
        mapping["host"] = {"properties": {"name": {"type": "keyword"}}}
        client.indices.create(index=INDEX, mappings={"properties": mapping})
        operations = [part for row in documents() for part in ({"index": {"_id": row["id"]}}, row)]
        client.bulk(index=INDEX, operations=operations, refresh=True)
    return shared_engine.url


def answers(url: str, question: Question, way: str):
    async def asked():
        async with Server(Endpoint(urls=(url,))) as server:
            session = Session(server, way)
            return await session.run(ask(question)), session.asked

    return asyncio.run(asked())


def in_place(url: str, question: Question):
    """The statement that is shown to people, as they would send it."""

    async def asked():
        async with Server(Endpoint(urls=(url,))) as server:
            made = esql.statement(question)
            shown = made.shown().partition("\n")[2] if question.clause is not None else made.shown()
            body = {"query": shown} | ({"filter": made.clause} if made.clause is not None else {})
            return esql.read(await server.read("POST", "/_query", body=body), question)

    return asyncio.run(asked())


patterns = st.sampled_from(
    ("*", "web-1", "web*", "*-1", "web*1", "*rate*", "web*rate*1", "*b*", "db,web-*", "we*b", "æ*", "*ø*", "zz*")
).map(Pattern.read)
times = st.integers(-60, 3100).map(lambda minutes: BEGIN + timedelta(minutes=minutes))
simple = st.one_of(
    st.builds(Equals, st.just("job"), st.sampled_from(JOBS)),
    st.builds(Equals, st.just("kind"), st.sampled_from(KINDS)),
    st.builds(Equals, st.sampled_from(("host.name", "odd-name", "from")), st.sampled_from(("h1", "x", "here"))),
    st.builds(Equals, st.just("flag"), st.booleans()),
    st.builds(OneOf, st.just("kind"), st.lists(st.sampled_from(KINDS), max_size=3, unique=True).map(tuple)),
    st.builds(OneOf, st.just("events"), st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True).map(tuple)),
    st.builds(AtLeast, st.sampled_from(NUMBERS), st.sampled_from((0, 1, 25, 50.5, 1e-3))),
    st.builds(AtMost, st.sampled_from(NUMBERS), st.sampled_from((0, 1, 25, 50.5))),
    st.builds(Matches, st.just("job"), patterns),
    st.builds(Exists, st.sampled_from((*TEXTS, *NUMBERS, "flag"))),
    st.builds(Missing, st.sampled_from((*TEXTS, *NUMBERS, "flag"))),
)
conditions = st.one_of(simple, st.builds(Either, st.lists(simple, max_size=3).map(tuple)))
windows = st.one_of(
    st.none(), st.builds(Window, st.one_of(st.none(), times), st.one_of(st.none(), times), st.just("at"))
)
clauses = st.sampled_from((None, None, {"term": {"flag": True}}, {"range": {"events": {"gte": 2}}}))
parts = st.fixed_dictionaries(
    {
        "scope": st.lists(conditions, max_size=3).map(tuple),
        "window": windows,
        "thresholds": st.lists(simple, max_size=1).map(tuple),
        "clause": clauses,
    }
)
COLUMNS = (
    Column("id"),
    *(Column(name) for name in TEXTS),
    *(Column(name, "number") for name in NUMBERS),
    Column("at", "time"),
    Column("seen", "time"),
    Column("flag", "flag"),
)
GAPS = (Gap("drift", "initial", "score"), Gap("late", "seen", "at"))
MEASURES = (
    Count("n"),
    Distinct("jobs", "job"),
    Largest("most", "score"),
    Smallest("least", "events"),
    Largest("last", "at", "time"),
    Smallest("first", "seen", "time"),
    Total("total", "score"),
    Average("mean", "initial"),
    Values("kinds", "kind"),
    Values("few", "odd-name", most=1),
)
GROUPS = (
    By("job", "job"),
    By("host", "host.name"),
    By("odd-name", "odd-name"),
    By("count", "events", "number"),
    ByTime("hour", "at", 3600),
    ByTime("step", "seen", 5 * 86_400),
)


@st.composite
def questions(draw) -> Question:
    common = draw(parts)
    if draw(st.booleans()):
        order = draw(st.sampled_from(("id", "score", "at", "events", "host.name", "drift", "late")))
        sort = (Sort(order, draw(st.booleans())), Sort("id"))
        having = draw(st.sampled_from(((), (AtLeast("drift", 10),), (AtLeast("late", 86_400_000),))))
        return Question(
            index=INDEX, columns=COLUMNS + GAPS, having=having, sort=sort, limit=draw(st.integers(1, 200)), **common
        )
    groups = tuple(draw(st.lists(st.sampled_from(GROUPS), max_size=3, unique=True)))
    measures = (MEASURES[0], *draw(st.lists(st.sampled_from(MEASURES[1:]), max_size=5, unique=True)))
    having = draw(st.sampled_from(((), (AtLeast("n", 2),))))
    sort = (Sort("n", draw(st.booleans())), *(Sort(group.name) for group in groups))
    limit = draw(st.sampled_from((3, 1000)))
    return Question(index=INDEX, groups=groups, measures=measures, having=having, sort=sort, limit=limit, **common)


def same(one, other) -> bool:
    return len(one) == len(other) and all(
        a.keys() == b.keys()
        and all(a[name] == pytest.approx(b[name]) if isinstance(a[name], float) else a[name] == b[name] for name in a)
        for a, b in zip(one, other, strict=True)
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(question=questions())
def test_both_ways_give_the_same_rows(url, question):
    by_statement, _ = answers(url, question, "esql")
    by_search, _ = answers(url, question, "search")
    assert same(by_statement.rows, by_search.rows)
    assert by_statement.complete == by_search.complete
    assert same(by_statement.rows, in_place(url, question))


@pytest.mark.parametrize("order", ["kind", "score", "at"])
def test_rows_that_an_order_does_not_tell_apart_have_one_order(url, order):
    question = Question(index=INDEX, columns=COLUMNS, sort=(Sort(order, descending=True),), limit=200)
    by_statement, by_search = (answers(url, question, way)[0].rows for way in ("esql", "search"))
    assert len(by_statement) == 160
    assert by_statement == by_search


def test_groups_are_read_page_by_page(url, shared_engine):
    with shared_engine.client() as client:
        rows = [{"key": f"k{number % 2500:04}", "n": number} for number in range(5000)]
        client.bulk(index="insight-pages", operations=[p for row in rows for p in ({"index": {}}, row)], refresh=True)
    question = Question(
        index="insight-pages",
        groups=(By("key", "key.keyword"),),
        measures=(Count("n"), Largest("most", "n")),
        sort=(Sort("most", descending=True),),
        limit=2400,
    )
    by_statement, _ = answers(url, question, "esql")
    by_search, asked = answers(url, question, "search")
    assert by_search.rows == by_statement.rows
    assert len(by_search.rows) == 2400
    assert not by_search.complete
    assert by_search.rows[0] == {"key": "k2499", "n": 2, "most": 4999}
    assert len(asked) == 1


def test_whole_documents(url):
    question = Question(index=INDEX, scope=(Equals("id", "007"),), columns=(Document(),), sort=(Sort("id"),), limit=5)
    expected = {"_index": INDEX, "_id": "007", "document": documents()[7]}
    for way in ("esql", "search"):
        rows, _ = answers(url, question, way)
        assert rows.rows == (expected,)


def test_values_are_bound_and_never_part_of_the_text():
    hostile = '" OR true OR "" == "'
    made = esql.statement(
        Question(
            index=INDEX, scope=(Equals("job", hostile), Matches("kind", Pattern.read("web*"))), columns=(Column("id"),)
        )
    )
    assert hostile not in made.text
    assert made.parameters == {"job": hostile, "kind": "web"}
    assert made.text.splitlines()[1] == "| WHERE job == ?job AND STARTS_WITH(kind, ?kind)"


def test_a_server_that_refuses_a_statement_is_searched(url):
    question = Question(index=INDEX, columns=(Column("id"), Column("not_there", "number")), sort=(Sort("id"),), limit=2)
    with pytest.raises(RefusedError, match="Unknown column"):
        answers(url, question, "esql")
    rows, asked = answers(url, question, "auto")
    assert rows.rows == ({"id": "000", "not_there": None}, {"id": "001", "not_there": None})
    assert [one.way for one in asked] == ["search"]
    assert "Unknown column [not_there]" in asked[0].note


def test_an_index_that_is_not_there_has_no_rows(url):
    for way in ("esql", "search"):
        rows, _ = answers(url, Question(index="insight-nowhere", columns=(Column("id"),)), way)
        assert rows.rows == ()
    rows, _ = answers(url, Question(index="insight-nowhere", columns=(Column("id"),)), "auto")
    assert rows.index_missing
