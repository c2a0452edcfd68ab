"""What a column of JSON values is does not depend on how many of them are looked at at once."""

import json
from datetime import datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from anomalyops.loader.encoding import Encoder
from anomalyops.loader.survey import Survey, TimeField, _add_objects, _leaves
from anomalyops_reading import columns
from anomalyops_reading.columns import Column, Evidence, FieldType, json_kinds
from anomalyops_reading.rows import Objects
from anomalyops_reading.timestamps import TimeOptions, named

KEPT = 8

_TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2999, 12, 31)).map(lambda moment: moment.isoformat() + "Z")
_NEAR_TIMES = st.sampled_from(
    (
        *("2024-02-29T00:00:00Z", "2023-02-29T00:00:00Z", "2024-04-31T00:00:00Z", "2024-01-31T00:00:00+01:00"),
        *("2024-01-31T00:00:00", "2024-01-01 00:00:00", "2024-01-01T00:00:00+19:00", "\u0662024-01-01T00:00:00Z"),
        *("2024-01-01T00:00:00Z\n2024-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "2024-01-01T00:00:00.1234567891Z"),
    )
)
_ADDRESSES = st.ip_addresses(v=4).map(str)
_NEAR_ADDRESSES = st.sampled_from(("::1", "10.0.0.01", "10.0.0.256", "10.0.0.1\n10.0.0.2", "1.2.3.\u0664"))
_WORDS = st.sampled_from(("/shop/item/1", "a-longer-word", "another-long-word", "_underlined_word"))
_NEAR_WORDS = st.sampled_from(
    (
        *("one two three four five", "w" * 257, "wordwordword\n12", "NaNaNaNaNa", "", "-", "\ud800", "web-01"),
        *("true", "null", "12", "1e400", "one two three four"),
    )
)
_NUMBERS = st.one_of(st.integers(-5, 5), st.sampled_from((2**63 - 1, 2**63, 2**64, -(2**63) - 1)))
_FLOATS = st.one_of(st.floats(allow_nan=False), st.sampled_from((0.0, -0.0, 1.0)))
# What columns have, and what is nearly that.
_FAMILIES = (
    (_TIMES, _NEAR_TIMES),
    (_ADDRESSES, _NEAR_ADDRESSES),
    (_WORDS, _NEAR_WORDS),
    (st.integers(-5, 5), _NUMBERS),
    (_FLOATS, _NUMBERS),
    (st.booleans(), _NUMBERS),
)
_ANYTHING = st.one_of(*(kind for family in _FAMILIES for kind in family), st.none(), st.just([1, "a"]))


@st.composite
def _values(draw):
    """Batches of values that are mostly of one kind, as those of columns are."""
    usual, near = draw(st.sampled_from(_FAMILIES))
    begin = draw(st.lists(usual, min_size=KEPT, max_size=KEPT + 2))
    # Either as many different values as there are, or the same ones again and again.
    one = draw(st.sampled_from([usual, st.sampled_from(begin)]))
    later = [[*draw(st.lists(one, max_size=8))] for _ in range(draw(st.integers(1, 4)))]
    for rare in draw(st.lists(st.one_of(near, near, near, _ANYTHING), max_size=3)):
        batch = draw(st.sampled_from([*later, *later, begin]))
        batch.insert(draw(st.integers(0, len(batch))), rare)
    return [begin, *later]


def one_by_one(batches):
    """The evidence of values, each looked at by itself."""
    found = Evidence()
    for value in (value for batch in batches for value in batch):
        if value is None or value == "":
            continue
        found.values += 1
        for kind in json_kinds(value):
            found.kinds[kind] = found.kinds.get(kind, 0) + 1
            found.examples.setdefault(kind, str(value))
        known = found.words if isinstance(value, str) else found.numbers
        if len(known) < KEPT:
            known[str(value)] = known.get(str(value), 0) + 1
    return found


@pytest.fixture(autouse=True)
def few_kept(monkeypatch):
    """A column shows what it is after a few values."""
    monkeypatch.setattr(columns, "_KEPT", KEPT)


_DAYS = [f"2024-01-0{day}T00:00:00Z" for day in range(1, KEPT + 2)]


@settings(max_examples=600)
@given(_values())
@example([_DAYS, ["2023-02-29T00:00:00Z"]])
@example([_DAYS, ["2024-01-01 00:00:00"]])
@example([_DAYS, ["2024-01-01T00:00:00Z\n2024-01-01T00:00:00Z"]])
@example([_DAYS, ["\u0662024-01-01T00:00:00Z"]])
def test_values_at_once_are_what_they_are_one_by_one(batches):
    found, expected = Evidence(), one_by_one(batches)
    for batch in batches:
        found.add_json(batch)
    assert (found.values, found.kinds, found.examples) == (expected.values, expected.kinds, expected.examples)
    for known, each in ((found.words, expected.words), (found.numbers, expected.numbers)):
        assert list(known) == list(each)


_ROWS = st.dictionaries(
    st.sampled_from(["a", "b", "c.d"]),
    st.recursive(
        st.one_of(st.integers(), st.text("xy", max_size=2), st.none(), st.booleans()),
        lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("ab"), inner, max_size=2)),
        max_leaves=3,
    ),
)


_TWICE = _ROWS.map(lambda row: [row, dict(reversed(row.items())), row])


@given(st.one_of(st.lists(_ROWS, min_size=1, max_size=6), _TWICE))
def test_rows_of_the_same_fields_give_what_each_gives(rows):
    found = Survey()
    _add_objects(found, Objects(rows=rows, lines=list(range(len(rows))), ids=[None] * len(rows)))
    leaves = {}
    for row in rows:
        for name, value in _leaves(row):
            leaves.setdefault(name, []).append(value)
    assert list(found.evidence) == list(leaves)
    for name, values in leaves.items():
        assert found.evidence[name].values == one_by_one([values]).values
        assert found.evidence[name].kinds == one_by_one([values]).kinds, json.dumps(rows)


_STAYING = st.datetimes(datetime(1900, 1, 1), datetime(2999, 12, 28)).map(lambda moment: moment.isoformat() + "Z")
_ROW_TIMES = st.one_of(_STAYING, _STAYING, _STAYING, _NEAR_TIMES, st.none(), st.just(""), st.integers(0, 10**12))


@given(
    st.one_of(st.lists(_STAYING, min_size=1, max_size=6), st.lists(_ROW_TIMES, min_size=1, max_size=4)), st.booleans()
)
def test_times_that_stay_are_written_as_converted_ones_are(times, nested):
    column = Column("t.at", FieldType.DATE, named("iso", TimeOptions()))

    def encoded(*, at_once):
        rows = [{"t": {"at": time}} if nested else {"t.at": time} for time in times]
        encoder = Encoder([column], TimeField("t.at", ("t.at",)))
        if not at_once:
            encoder._times_stay = lambda _: False
        return encoder.encode(Objects(rows=rows, lines=list(range(len(rows))), ids=[None] * len(rows)))

    assert encoded(at_once=True) == encoded(at_once=False)
