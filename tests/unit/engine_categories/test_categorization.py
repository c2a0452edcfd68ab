"""Messages of one statement share a category, others do not; and the laws of categories."""

import json
import re

import numpy as np
import pyarrow as pa
import pytest
from benchmarks.categories.accuracy import grouping_accuracy
from benchmarks.categories.formats import FORMATS
from hypothesis import given, settings
from hypothesis import strategies as st

from anomalyops_engine.analyzers.analyzer import categorization_analyzer
from anomalyops_engine.categories.categorization import Categorization, Messages, categories_of
from anomalyops_engine.config.categorization import DEFAULT_ANALYZER

ANALYZER = categorization_analyzer(DEFAULT_ANALYZER)


def new(**options):
    return Categorization(options.pop("analyzer", ANALYZER), examples_limit=options.pop("examples_limit", 4), **options)


def groups(*texts):
    return categories_of(texts, ANALYZER)


SAME = [
    ("Connected to 10.0.0.1 in 35 ms", "Connected to fe80::12ab:3 in 7 ms"),
    ("User alice logged in", "User bob logged in"),
    ("Failed password for alice from 1.2.3.4 port 22 ssh2", "Failed password for root from 9.8.7.6 port 4711 ssh2"),
    ("session opened for user müller", "session opened for user 王伟"),
    ("Deleting block blk_-112 file /a/b/c", "Deleting block blk_7 file /tmp/x.log"),
    ('{"level":"info","msg":"user signed in","user":"ann"}', '{"level":"info","msg":"user signed in","user":"bo"}'),
    ("request id=7f3a took=12ms status=ok", "request id=0b00 took=9999ms status=failed"),
    (
        "java.io.IOException: broken pipe\n\tat a.b.C(D.java:1)",
        "java.io.IOException: broken pipe\n\tat x.y.Z(W.java:9)",
    ),
    ("mail sent to ann@example.org", "mail sent to bob.b@mail.example.com"),
    ("Mon Jan 12 10:00:00 UTC server started", "Tue Feb 13 11:12:13 GMT server started"),
    ("loaded C:\\Program\\x.dll", "loaded D:\\other\\y.dll"),
    ("用户 alice12 登录成功", "用户 bob7 登录成功"),
    ("granted to: ann,bob", "granted to: 王伟,cyd"),
    ("Killed process 12 (java).", "Killed process 7 (sshd)."),
    ('lock=1, tag="View Lock", name=a.b', 'lock=2, tag="RILJ", name=c.d'),
    ("stored in memory (size 5.2 KB, free 3 MB)", "stored in memory (size 93 B, free 17.1 KB)"),
    ('{"message":"door opened","who":"ann lee"}', '{"message":"door opened","who":"bob"}'),
]
DIFFERENT = [
    ("session opened for user ann", "session closed for user ann"),
    ("Accepted password for ann", "Failed password for ann"),
    ("Starting nginx.service", "Stopping nginx.service"),
    ("Interface eth0 is up", "Interface eth0 is down"),
    ("connection to 10.0.0.1 established", "connection to 10.0.0.1 lost"),
    ("disk sda1 is not full", "disk sda1 is full"),
    ("failed to charge card", "failed to refund card"),
    ("用户 alice12 登录成功", "用户 alice12 登录失败"),
    ("Receiving block blk_1", "Received block blk_1"),
    ("DELETING USER a1", "CREATING USER a1"),
    ('{"message":"door opened","who":"ann"}', '{"message":"door closed","who":"ann"}'),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_messages_that_differ_in_values_share_a_category(one, other):
    assert groups(one, other) == [1, 1]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_messages_of_different_statements_do_not(one, other):
    assert groups(one, other) == [1, 2]


def test_a_place_with_many_different_words_holds_a_value():
    assert set(groups(*(f"{name} joined the room" for name in ("ann", "bob", "cyd", "dan")))) == {1}


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_logs_of_known_statements_are_grouped_as_they_were_written(form):
    lines = list(form.lines(500, 7))
    found = categories_of([text for text, _ in lines], ANALYZER)
    assert grouping_accuracy(found, [true for _, true in lines]) > 0.95


def test_a_category_shows_what_its_messages_have_in_common():
    categorization = new()
    texts = [f"Vacuuming table t{n} took {n} steps" for n in range(20)]
    categorization.categorize(Messages.of(texts))
    ((_, category),) = categorization.categories()
    assert category.definition() == {
        "terms": "Vacuuming table took steps",
        "regex": ".*?Vacuuming.+?table.+?took.+?steps.*",
    }
    assert category.matches == 20
    assert category.examples == texts[:4]
    assert category.longest == len(texts[-1])


def test_a_category_that_grew_is_preferred_to_those_that_it_covers():
    categorization = new()
    for name in ("ann", "bob", "cyd"):
        categorization.categorize(Messages.of([f"{name} joined the room"]))
    assert next(c.preferred_to for _, c in categorization.categories()) == [2]
    assert categorization.stats().dead == 1
    assert categorization.categorize(Messages.of(["bob joined the room"]))[0].tolist() == [1]


def test_examples_are_cut_and_limited():
    categorization = new(examples_limit=2)
    categorization.categorize(Messages.of([f"too long {'x1' * n}" for n in (1000, 2000, 3000)]))
    ((_, category),) = categorization.categories()
    assert [len(example) for example in category.examples] == [1000]
    assert category.longest == 9 + 6000


def test_messages_without_tokens_and_beyond_memory_have_failed():
    categorization = new(limit=600)
    found, _ = categorization.categorize(Messages.of(["123 456", "", "a word appears", "another thing happened"]))
    assert found.tolist() == [0, 0, 1, 0]
    assert categorization.stats().failed == 3


def test_each_partition_has_its_own_categories():
    texts = pa.array(["disk full"] * 4, pa.large_string())
    messages = Messages(np.zeros(4, np.int64), texts, np.array([0, 1, 0, 1]), ("web", "db"))
    categorization = new()
    assert categorization.categorize(messages)[0].tolist() == [1, 2, 1, 2]
    assert [(name, c.matches) for name, c in categorization.categories()] == [("web", 2), ("db", 2)]


def test_a_partition_stops_on_a_warning():
    categorization = new(stop_on_warn=True)
    bucket = np.repeat(np.arange(3), 100)
    messages = Messages(bucket, pa.array(["all the same"] * 300), np.zeros(300, np.int64), ("web",))
    found, learnt = categorization.categorize(messages)
    assert found.tolist() == [1] * 100 + [0] * 200
    assert [(change.bucket, change.status) for change in learnt.changes] == [(0, "warn")]


@pytest.mark.parametrize(
    ("texts", "status"),
    [
        (["one thing happened", "other thing occurred"] * 60, "ok"),
        (["one thing happened"] * 120, "warn"),
        ([f"{'abcdefghij'[n // 12]}{'klmnopqrstuv'[n % 12]}xyz" for n in range(120)], "warn"),
    ],
)
def test_the_status_warns_when_categories_say_nothing(texts, status):
    categorization = new()
    categorization.categorize(Messages.of(texts))
    assert categorization.stats().status == status


def test_a_line_of_100_kb_is_placed():
    assert groups("start " + "word12 " * 15_000, "start " + "word7 " * 15_000) == [1, 1]


# --- laws ---

_ALPHABET = "the session of user ann bob opened closed failed 12 a1 /x/y 10.0.0.1 k=v \n Müller 用户 [x]"
_WORDS = st.sampled_from(_ALPHABET.split(" "))
_MESSAGES = st.lists(_WORDS, max_size=8).map(" ".join) | st.text(max_size=40)


@given(st.lists(_MESSAGES, max_size=30))
def test_law_every_text_is_in_one_category_or_has_no_tokens(texts):
    categorization = new()
    found, _ = categorization.categorize(Messages.of(texts))
    assert [number > 0 for number in found] == [bool(ANALYZER.analyze(text)) for text in texts]
    stats = categorization.stats()
    assert stats.messages == sum(number > 0 for number in found)
    assert stats.messages + stats.failed == len(texts)
    assert {c.id: c.matches for _, c in categorization.categories()} == {
        int(number): int((found == number).sum()) for number in set(found.tolist()) - {0}
    }


@given(st.lists(_MESSAGES, min_size=1, max_size=40), st.data())
def test_law_cut_anywhere_and_restored_is_as_never_stopped(texts, data):
    bucket = np.sort(np.array(data.draw(st.lists(st.integers(0, 9), min_size=len(texts), max_size=len(texts)))))
    partition = np.array(data.draw(st.lists(st.integers(0, 1), min_size=len(texts), max_size=len(texts))))
    cuts = sorted(data.draw(st.sets(st.integers(1, 9))))
    whole, cut, replayed = new(), new(), new()

    def part(left, right):
        inside = (bucket >= left) & (bucket < right)
        chosen = pa.array([text for text, yes in zip(texts, inside, strict=True) if yes], pa.large_string())
        return Messages(bucket[inside], chosen, partition[inside], ("a", "b"))

    expected, learnt = whole.categorize(part(0, 10))
    found = []
    for left, right in zip([0, *cuts], [*cuts, 10], strict=True):
        found += cut.categorize(part(left, right))[0].tolist()
        packed = json.loads(json.dumps(cut.pack()))
        cut = new()
        cut.unpack(packed)
    replayed.replay(learnt.rows)
    assert found == expected.tolist()
    assert cut.pack() == json.loads(json.dumps(whole.pack()))
    assert replayed.pack() == whole.pack()


@given(st.lists(_MESSAGES, max_size=30))
def test_law_expression_and_terms_match_the_examples(texts):
    categorization = new()
    categorization.categorize(Messages.of(texts))
    for _, category in categorization.categories():
        shown = category.definition()
        assert category.examples
        for example in category.examples:
            assert re.search(shown["regex"], example)
            assert all(term in example for term in shown["terms"].split())


@given(st.lists(_MESSAGES, max_size=20), st.lists(_MESSAGES, max_size=20))
def test_law_partitions_do_not_know_each_other(mine, theirs):
    both = pa.array(mine + theirs, pa.large_string())
    partition = np.array([0] * len(mine) + [1] * len(theirs), np.int64)
    together, alone = new(), new()
    together.categorize(Messages(np.zeros(len(both), np.int64), both, partition, ("a", "b")))
    alone.categorize(Messages.of(mine))
    shown = [(c.elements, c.matches, c.examples) for name, c in together.categories() if name == "a"]
    assert shown == [(c.elements, c.matches, c.examples) for _, c in alone.categories()]


_VALUES = st.one_of(
    st.integers(0, 10**12).map(str),
    st.ip_addresses(v=4).map(str),
    st.uuids().map(str),
    st.integers(0, 2**64).map(hex),
    st.from_regex(r"/[a-z]{1,6}/[a-z]{1,6}(\.[a-z]{2})?", fullmatch=True),
    st.from_regex(r"[a-z]{1,5}[-_][0-9]{1,5}", fullmatch=True),
)


@settings(max_examples=200)
@given(st.sampled_from(["read <> of <>", "job <> done in <>", "<> refused <>", "x=<>, y: <>"]), st.data())
def test_law_messages_that_differ_in_values_alone_share_a_category(statement, data):
    def message():
        left, middle, right = statement.split("<>")
        return f"{left}{data.draw(_VALUES)}{middle}{data.draw(_VALUES)}{right}"

    assert groups(message(), message()) == [1, 1]
