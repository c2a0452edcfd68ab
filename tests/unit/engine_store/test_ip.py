"""IP addresses: one value for all spellings, order of text as order of addresses, blocks as ranges of text."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.store import ip

addresses = st.ip_addresses(v=4) | st.ip_addresses(v=6)


def bits(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> int:
    """The 128 bits by which Elasticsearch orders addresses."""
    return int(address) if address.version == 6 else int(ipaddress.IPv6Address(f"::ffff:{address}"))


@given(addresses, addresses)
def test_text_sorts_and_compares_like_addresses(one, two):
    first, second = ip.stored(str(one)), ip.stored(str(two))
    assert (first < second) == (bits(one) < bits(two))
    assert (first == second) == (bits(one) == bits(two))


@given(addresses)
def test_every_spelling_is_the_same_value_and_shows_the_canonical_one(address):
    kept = ip.stored(str(address))
    if address.version == 4:
        assert ip.shown(kept) == str(address)
        spellings = [f"::ffff:{address}", f"0:0:0:0:0:FFFF:{address}"]
    else:
        spellings = [address.exploded, address.compressed.upper()]
        assert ip.stored(ip.shown(kept)) == kept
    assert {ip.stored(spelling) for spelling in spellings} == {kept}


@given(addresses, addresses, st.integers(0, 128))
def test_a_block_holds_exactly_its_addresses(base, address, length):
    length = min(length, base.max_prefixlen)
    low, high = ip.block(f"{base}/{length}")
    network = ipaddress.ip_network(f"::ffff:{base}/{96 + length}" if base.version == 4 else f"{base}/{length}", False)
    kept = ip.stored(str(address))
    inside = low <= kept and (high is None or kept < high)
    assert inside == (ipaddress.IPv6Address(bits(address)) in network)
    kept = ip.stored(str(base))
    assert low <= kept
    assert high is None or kept < high


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.9", "10.0.0.9"),
        ("::ffff:a00:1", "10.0.0.1"),
        ("::1.2.3.4", "::102:304"),
        ("2001:0DB8::00ff", "2001:db8::ff"),
        ("0::0", "::"),
        ("::ffff:0:0", "0.0.0.0"),
        ("64:ff9b::1.2.3.4", "64:ff9b::102:304"),
    ],
)
def test_addresses_are_shown_as_elasticsearch_shows_them(given_text, shown):
    assert ip.shown(ip.stored(given_text)) == shown


@pytest.mark.parametrize(
    "text",
    [
        "1.2.3",
        "10.0.0.01",
        "10.0.0.256",
        "fe80::1%eth0",
        "::ffff:10.0.0.1%1",
        "10.0.0.1/8",
        "1:2:3:4:5:6:7:8:9",
        "[::1]",
        "1::2::3",
        "0x0a.0.0.1",
        "foo",
        "167772161",
    ],
)
def test_what_is_no_address_is_refused(text):
    for spelling in ("", text, f" {text}"):
        with pytest.raises(ValueError, match="is not an IP string literal"):
            ip.stored(spelling)


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0.0/-1",
        "10.0.0.0",
        "foo/8",
        "::ffff:10.0.0.0/129",
        "10.0.0.0/255.0.0.0",
        "::1%1/64",
        "10.0.0.0/٣",
    ],
)
def test_what_is_no_block_is_refused(text):
    with pytest.raises(ValueError, match="is not an IP string literal"):
        ip.block(text)
