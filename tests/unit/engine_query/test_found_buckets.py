"""Laws: `auto_date_histogram` chooses as Elasticsearch does and loses nothing; `ip_range` counts as addresses say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from zoneinfo import ZoneInfo

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from anomalyops_engine.query import QueryError, search
from anomalyops_engine.store import Store
from laws import law

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_MS = 86_400_000
_UNITS = (
    ("s", 1000, (1, 5, 10, 30)),
    ("m", 60_000, (1, 5, 10, 30)),
    ("h", 3_600_000, (1, 3, 12)),
    ("d", _DAY_MS, (1, 7)),
    ("M", 30 * _DAY_MS, (1, 3)),
    ("y", 365 * _DAY_MS, (1, 5, 10, 20, 50, 100)),
)
_NAMES = ("second", "minute", "hour", "day", "month", "year")
_ADDRESSES = st.sampled_from(["::1", "10.0.0.1", "10.0.0.7", "10.0.1.0", "192.168.0.1", "fe80::1", "::", "ff::"])


def _floor(letter, moment):
    at = _EPOCH + timedelta(milliseconds=moment)
    kept = {"y": 1, "M": 2, "d": 3, "h": 4, "m": 5, "s": 6}[letter]
    parts = [at.year, at.month, at.day, at.hour, at.minute, at.second][:kept]
    return (datetime(*(parts + [1] * (3 - len(parts))), tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)


def _following(letter, key):
    lengths = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": _DAY_MS, "M": 32 * _DAY_MS, "y": 367 * _DAY_MS}
    return _floor(letter, key + lengths[letter])


def _chosen(moments, most, units):
    """What Elasticsearch's reduction gives of the buckets of one shard."""

    def merged(letter, keys):
        return sorted({_floor(letter, key) for key in keys})

    place = 0
    keys = merged(units[0][0], moments)
    while place < len(units) - 1 and (
        len(keys) > most * units[place][2][-1] or keys[-1] - keys[0] > most * units[place][1] * units[place][2][-1]
    ):
        place += 1
        keys = merged(units[place][0], moments)
    for number in range(place, len(units)):
        place = number
        steps, key = 0, keys[0]
        while key < keys[-1]:
            steps, key = steps + 1, _following(units[number][0], key)
        if steps <= most * units[number][2][-1]:
            break
    keys = merged(units[place][0], keys)
    while True:
        filled = [keys[0]]
        while filled[-1] < keys[-1]:
            filled.append(_following(units[place][0], filled[-1]))
        if len(filled) <= most * units[place][2][-1] or place == len(units) - 1:
            break
        place += 1
        keys = merged(units[place][0], keys)
    letter, _, counts = units[place]
    count = 1
    if len(filled) > most:
        count = next((each for each in counts if -(-len(filled) // each) <= most), 1)
    return filled[::count], f"{count}{letter}"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store.open(tmp_path_factory.mktemp("found"))
    with store.write() as writer:
        writer.create_index("f", mappings={"properties": {"t": {"type": "date"}, "p": {"type": "ip"}}})
    yield store
    store.close()


def ask(store, documents, aggregation):
    with store.write() as writer:
        writer.delete_index("f")
        writer.create_index("f", mappings={"properties": {"t": {"type": "date"}, "p": {"type": "ip"}}})
        if documents:
            writer.append("f", documents)
    with store.read() as reader:
        aggs = {"a": {**aggregation, "aggs": {"least": {"min": {"field": "t"}}}}}
        return search(reader, reader.resolve("f"), {"size": 0, "aggs": aggs})["aggregations"]["a"]


_SPANS = st.sampled_from([0, 999, 1000, 59_999, 30_000, 600_000, 3_600_000, 7 * 3_600_000, _DAY_MS, 8 * _DAY_MS])
_LONG = st.sampled_from([31 * _DAY_MS, 120 * _DAY_MS, 400 * _DAY_MS, 4000 * _DAY_MS, 90_000 * _DAY_MS])


@law(examples=40)
@given(st.data())
def test_found_intervals_are_those_of_the_reduction(store, data):
    first = data.draw(st.sampled_from([0, -1, 1_583_020_799_999, 1_583_020_800_000, 1_704_067_200_000]))
    moments = [first + data.draw(_SPANS | _LONG) for _ in range(data.draw(st.integers(1, 8)))]
    most = data.draw(st.integers(1, 12))
    minimum = data.draw(st.none() | st.sampled_from(_NAMES))
    several = data.draw(st.booleans()) and len(moments) > 1
    # A small number would be a year.
    written = [(_EPOCH + timedelta(milliseconds=moment)).isoformat("T", "milliseconds") for moment in moments]
    documents = [{"t": written}] if several else [{"t": moment} for moment in written]
    found = ask(store, documents, {"auto_date_histogram": {"field": "t", "buckets": most, "minimum_interval": minimum}})
    starts, width = _chosen(moments, most, _UNITS[0 if minimum is None else _NAMES.index(minimum) :])
    event(width)
    assert (found["interval"], [bucket["key"] for bucket in found["buckets"]]) == (width, starts)
    for number, bucket in enumerate(found["buckets"]):
        end = starts[number + 1] if number + 1 < len(starts) else 2**62
        inside = [moment for moment in moments if bucket["key"] <= moment < end]
        assert bucket["doc_count"] == (min(1, len(inside)) if several else len(inside))


def test_units_begin_where_the_time_zone_says(store):
    zone = ZoneInfo("Europe/Berlin")
    days = [datetime(2024, 3, day, 12, tzinfo=zone) for day in range(28, 32)]
    moments = [{"t": int(day.timestamp() * 1000)} for day in days]
    found = ask(store, moments, {"auto_date_histogram": {"field": "t", "buckets": 4, "time_zone": "Europe/Berlin"}})
    assert found["interval"] == "1d"
    assert [bucket["key_as_string"] for bucket in found["buckets"]] == [
        *(f"2024-03-{day}T00:00:00.000+01:00" for day in range(28, 32)),
    ]
    assert [bucket["doc_count"] for bucket in found["buckets"]] == [1, 1, 1, 1]
    assert ask(store, [], {"auto_date_histogram": {"field": "t"}}) == {"buckets": [], "interval": "1s"}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"field": "t", "buckets": 0}, "buckets must be greater than 0 for [a]"),
        ({"field": "t", "buckets": 3000}, "buckets must be less than 2184"),
        ({"field": "t", "minimum_interval": "week"}, "minimum_interval must be one of ["),
        ({"field": "p"}, "Field [p] of type [ip] is not supported for aggregation [auto_date_histogram]"),
    ],
)
def test_what_is_no_histogram_is_refused(store, options, text):
    with pytest.raises(QueryError) as caught:
        ask(store, [{"t": 0}], {"auto_date_histogram": options})
    assert text in str(caught.value)


def test_one_inside_another_aggregation_is_refused_by_name(store):
    body = {"aggs": {"a": {"filter": {"match_all": {}}, "aggs": {"b": {"auto_date_histogram": {"field": "t"}}}}}}
    with store.read() as reader, pytest.raises(QueryError, match="inside another aggregation is not supported"):
        search(reader, reader.resolve("f"), body)


def _six(text):
    address = ip_address(text)
    return int(address) if isinstance(address, IPv6Address) else int(IPv6Address(f"::ffff:{text}"))


@law(examples=30)
@given(st.data())
def test_ranges_of_addresses_count_what_lies_in_them(store, data):
    documents = data.draw(
        st.lists(st.fixed_dictionaries({}, optional={"p": _ADDRESSES | st.lists(_ADDRESSES, min_size=1)}), max_size=8)
    )
    bounds = st.fixed_dictionaries({}, optional={"from": st.none() | _ADDRESSES, "to": st.none() | _ADDRESSES})
    blocks = st.sampled_from(["10.0.0.0/24", "::/0", "fe80::/10", "0.0.0.0/0", "10.0.0.1/32", "ff00::/8"])
    ranges = data.draw(st.lists(bounds | blocks.map(lambda block: {"mask": block}), min_size=1, max_size=4))
    ranges = [{**one, "key": str(number)} for number, one in enumerate(ranges)]
    found = ask(store, documents, {"ip_range": {"field": "p", "ranges": ranges, "keyed": True}})["buckets"]
    for number, one in enumerate(ranges):
        if "mask" in one:
            block = ip_network(one["mask"])
            low = _six(str(block.network_address))
            high = low + block.num_addresses
        else:
            low = 0 if one.get("from") is None else _six(one["from"])
            high = 2**128 if one.get("to") is None else _six(one["to"])
        lists = [[value] if isinstance(value := one.get("p", []), str) else value for one in documents]
        expected = sum(any(low <= _six(text) < high for text in texts) for texts in lists)
        assert found[str(number)]["doc_count"] == expected


def test_ranges_of_addresses_are_shown_by_their_bounds(store):
    ranges = [{"to": "10.0.0.4"}, {"mask": "10.0.0.0/29"}, {"from": "10.0.0.8"}]
    buckets = ask(store, [], {"ip_range": {"field": "p", "ranges": ranges}})["buckets"]
    shown = [{key: value for key, value in bucket.items() if key in {"key", "from", "to"}} for bucket in buckets]
    assert shown == [
        {"key": "*-10.0.0.4", "to": "10.0.0.4"},
        {"key": "10.0.0.0/29", "from": "10.0.0.0", "to": "10.0.0.8"},
        {"key": "10.0.0.8-*", "from": "10.0.0.8"},
    ]
    for wrong in ({"mask": "10.0.0.1"}, {"from": "here"}, {"mask": "10.0.0.0/8", "to": "10.1.0.0"}, {"mask": "x/8"}):
        with pytest.raises(QueryError):
            ask(store, [], {"ip_range": {"field": "p", "ranges": [wrong]}})
