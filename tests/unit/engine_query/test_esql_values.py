"""Laws: addresses, points and fractions of ES|QL are what other libraries say of them."""

from __future__ import annotations

import math
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.query.esql.answer import answer
from anomalyops_engine.query.esql.parameters import Parameters
from anomalyops_engine.query.esql.planning import Surroundings
from laws import law

_CONNECTION = duckdb.connect()
_FOURS = st.integers(0, 2**32 - 1).map(IPv4Address)
_SIXES = st.lists(st.sampled_from([0, 0, 0, 1, 0xA, 0xFFFF, 0xDB8, 0x0ABC]), min_size=8, max_size=8).map(
    lambda groups: IPv6Address(int("".join(f"{group:04x}" for group in groups), 16))
)


def ask(text):
    found = answer(_CONNECTION, text, Parameters(), Surroundings(lambda name: None, None, 0, ("1", "2", "3")))
    return found.rows


def shown(address):
    """An address as Elasticsearch shows it: one that maps an IPv4 address is that one."""
    return str(getattr(address, "ipv4_mapped", None) or address)


@st.composite
def spellings(draw):
    """An address, and a way of writing it."""
    address = draw(_FOURS | _SIXES)
    if isinstance(address, IPv4Address):
        return address, str(address)
    written = draw(st.sampled_from([str(address), address.exploded, address.exploded.upper()]))
    if draw(st.booleans()):
        head, low = address.exploded[:30], int(address) & 0xFFFFFFFF
        written = f"{head}{IPv4Address(low)}"
    return address, written


_NO_ADDRESSES = ["", "1.2.3", "256.1.1.1", "01.2.3.4", "1::2::3", ":::", "12345::", "1:2:3:4:5:6:7:8:9", "x", "1:2:3"]


@law(examples=80)
@given(st.lists(spellings(), min_size=2, max_size=5), st.sampled_from(_NO_ADDRESSES))
def test_texts_of_rows_are_the_addresses_that_they_say(pairs, other):
    texts = ", ".join(f'"{written}"' for _, written in pairs)
    rows = ask(f'ROW t = [{texts}, "{other}"] | MV_EXPAND t | EVAL a = TO_IP(t), same = TO_IP(TO_STRING(a)) == a')
    assert [row[1] for row in rows] == [*(shown(address) for address, _ in pairs), None]
    assert [row[2] for row in rows] == [*(True for _ in pairs), None]


@law(examples=80)
@given(_FOURS | _SIXES, st.integers(0, 32), st.integers(0, 128))
def test_prefixes_are_the_first_addresses_of_networks(address, four, six):
    is_four = isinstance(address, IPv4Address) or address.ipv4_mapped is not None
    base = ip_address(shown(address))
    network = ip_network((base, four if is_four else six), strict=False)
    ((found, inside),) = ask(
        f'ROW a = TO_IP("{address}") | EVAL p = IP_PREFIX(a, {four}, {six}) '
        f'| EVAL inside = CIDR_MATCH(a, "{network}") | KEEP p, inside'
    )
    assert found == shown(network.network_address)
    assert inside is True


def as_java(number):
    """The rule of `Double.toString`, with the shortest digits."""
    if number == 0:
        return "-0.0" if math.copysign(1, number) < 0 else "0.0"
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    written = "".join(map(str, digits))
    point = len(written) + exponent
    minus = "-" if sign else ""
    if 1e-3 <= abs(number) < 1e7:
        whole = written[: max(point, 0)].ljust(max(point, 0), "0") or "0"
        rest = "0" * max(-point, 0) + written[max(point, 0) :] or "0"
        return f"{minus}{whole}.{rest}"
    return f"{minus}{written[0]}.{written[1:] or '0'}E{point - 1}"


@law(examples=150)
@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**18), 10**18).map(float))
def test_fractions_are_written_as_java_writes_them(number):
    ((found,),) = ask(f"ROW t = [1.0, {number!r}] | EVAL s = TO_STRING(t) | EVAL s = MV_LAST(s) | KEEP s")
    assert found == as_java(number)


_PLACES = st.tuples(
    st.floats(-180, 180, allow_nan=False).map(lambda v: round(v, 4)),
    st.floats(-90, 90, allow_nan=False).map(lambda v: round(v, 4)),
)


@law(examples=60)
@given(_PLACES, _PLACES)
def test_distances_are_those_of_great_circles(one, two):
    ((x, y, there, back),) = ask(
        f'ROW a = TO_GEOPOINT("POINT({one[0]:f} {one[1]:f})"), b = "point ({two[0]:f}  {two[1]:f})"::geo_point '
        "| EVAL x = ST_X(a), y = ST_Y(a), there = ST_DISTANCE(a, b), back = ST_DISTANCE(b, a) "
        "| KEEP x, y, there, back"
    )
    assert (x, y) == one
    assert math.isclose(there, back, rel_tol=1e-12, abs_tol=1e-6)
    vectors = []
    for longitude, latitude in (one, two):
        lon, lat = math.radians(longitude), math.radians(latitude)
        vectors.append((math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)))
    half_chord = min(math.dist(*vectors) / 2, 1.0)
    assert math.isclose(there, 2 * 6_371_008.7714 * math.asin(half_chord), rel_tol=1e-6, abs_tol=0.1)


@law(examples=40)
@given(st.integers(1, 300), st.sampled_from([0.05, 0.3, 0.5, 0.9]))
def test_a_sample_is_some_of_the_rows_and_found_again(count, share):
    values = ", ".join(map(str, range(count))) if count > 1 else "0"
    statement = f"ROW n = [{values}] | MV_EXPAND n | SAMPLE {share} | LIMIT 1000"
    found = [row[0] for row in ask(statement)]
    assert set(found) <= set(range(count))
    assert len(set(found)) == len(found)
    assert abs(len(found) - count * share) <= 6 * math.sqrt(count * share * (1 - share)) + 1
    assert [row[0] for row in ask(statement)] == found


@law(examples=40)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=12), st.integers(1, 12))
def test_a_sample_of_a_group_has_some_of_its_values(values, count):
    ((found,),) = ask(f"ROW n = {values} | MV_EXPAND n | STATS s = SAMPLE(n, {count})")
    listed = found if isinstance(found, list) else [found]
    assert len(listed) == min(count, len(values))
    rest = list(values)
    for value in listed:
        rest.remove(value)


@law(examples=40)
@given(st.lists(st.floats(-100, 100, allow_nan=False), min_size=2, max_size=6), st.floats(0, 3))
def test_weighted_sums_follow_their_series(values, power):
    ((found,),) = ask(f"ROW v = {values}, p = {power!r} | EVAL s = MV_PSERIES_WEIGHTED_SUM(v, p) | KEEP s")
    expected = sum(value / place**power for place, value in enumerate(values, 1))
    assert math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9)


def test_functions_of_nothing_have_no_type_where_their_type_follows():
    rows = answer(
        _CONNECTION,
        "ROW a = ROUND(null), b = ABS(null), c = MV_MAX(null), d = ROUND(null) + 1, e = TO_RADIANS([0, 180]), "
        'f = "2025-01-15"::datetime + CASE(false, 1 day, 1 month), g = DATE_PARSE(null, "2020"), '
        'h = "2020-01-01"::datetime + TO_STRING(null)::date_period',
        Parameters(),
        Surroundings(lambda name: None, None, 0, ("1", "2", "3")),
    )
    assert [kind for _, kind in rows.columns] == ["null", "null", "null", "integer", "double", "date", "date", "date"]
    assert rows.rows == [[None, None, None, None, [0.0, math.pi], "2025-02-15T00:00:00.000Z", None, None]]


def test_what_is_shadowed_in_stats_is_told():
    found = answer(
        _CONNECTION,
        "ROW a = 1 | STATS c = COUNT(*) BY c = a | LIMIT 1",
        Parameters(),
        Surroundings(lambda name: None, None, 0, ("1", "2", "3")),
    )
    assert found.warnings == ("Line 1:19: Field 'c' shadowed by field at line 1:35",)


def _rounded(number, decimals, kind):
    """What Elasticsearch's `Maths.round` says of a whole number, in whole numbers without an end."""
    unit = 10 ** min(max(0, -decimals), 30)
    if unit == 1:
        return number
    if kind != "unsigned_long" and abs(number) < unit:
        return 0
    size, rest = divmod(abs(number), unit)
    found = (size + (2 * rest >= unit)) * unit * (1 if number >= 0 else -1)
    low, high = {"integer": (-(2**31), 2**31), "long": (-(2**63), 2**63), "unsigned_long": (0, 2**64)}[kind]
    return found if low <= found < high else None


_WHOLE = st.one_of(
    st.tuples(st.just("integer"), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.just("long"), st.integers(-(2**63) + 1, 2**63 - 1)),
    st.tuples(st.just("unsigned_long"), st.integers(0, 2**64 - 1)),
    st.tuples(st.sampled_from(["integer", "long"]), st.integers(-1000, 1000)),
)
_TYPED = {"integer": "TO_INTEGER({}::long)", "long": "TO_LONG({})", "unsigned_long": "TO_UNSIGNED_LONG({})"}


@law(examples=80)
@given(_WHOLE, st.integers(-22, 3) | st.sampled_from([-(2**63) + 1, 2**63 - 1]))
def test_whole_numbers_are_rounded_as_elasticsearch_rounds_them(typed, decimals):
    kind, number = typed
    written = _TYPED[kind].format(number)
    ((found, other),) = ask(
        f"ROW n = {written} | EVAL r = ROUND(n, {decimals}::long), s = ROUND({written}) | KEEP r, s"
    )
    assert (found, other) == (_rounded(number, decimals, kind), number)
