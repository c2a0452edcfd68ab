"""IP addresses as they are kept: text that sorts and compares like the addresses themselves.

Elasticsearch keeps every address as the 128 bits of an IPv6 address, IPv4 as `::ffff:a.b.c.d`, and sorts, compares
and aggregates in that order. A column of type `ip` holds `KEY_LENGTH` hexadecimal digits (those bits) followed by
the address as it is shown: `00000000000000000000ffff0a00000910.0.0.9`. So

- two spellings of an address are one value: compare with `stored(text)` (`term`, `terms`);
- order of text is order of addresses: `sort`, `min`, `max`, `GROUP BY` and range comparisons with `stored(text)`
  bounds need nothing else;
- a block of addresses is `low <= column AND column < high` with `low, high = block("10.0.0.0/8")`; `high` is None
  when the block ends with the last address there is;
- what a response shows is `shown(value)`, in SQL the column from character `KEY_LENGTH + 1` on.
"""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, NetmaskValueError
from typing import Final

KEY_LENGTH: Final = 32
_BITS: Final = 128
_MAPPED: Final = 0xFFFF << 32


def stored(text: str) -> str:
    """Return the form in which an address is kept.

    Raises:
        ValueError: the text is no IPv4 or IPv6 address; scopes (`%eth0`) and leading zeros of IPv4 parts are not
            allowed.
    """
    try:
        if ":" not in text:
            address = IPv4Address(text)
            return f"{_MAPPED | int(address):032x}{address}"
        six = IPv6Address(text)
    except AddressValueError:
        raise _no_address(text) from None
    if six.scope_id is not None:
        raise _no_address(text)
    return f"{int(six):032x}{six.ipv4_mapped or six}"


def shown(value: str) -> str:
    """Return an address as responses show it: canonical IPv6 text, or IPv4 for what maps an IPv4 address."""
    return value[KEY_LENGTH:]


def is_block(text: str) -> bool:
    """Return whether a text asks for a block of addresses (CIDR notation) and not for one address."""
    return "/" in text


def block(text: str) -> tuple[str, str | None]:
    """Return the bounds of a block in CIDR notation, to compare kept addresses with.

    Returns:
        The lowest bound that is inside, and the lowest one above that is not; None when nothing lies above.

    Raises:
        ValueError: no such block, or the prefix length does not fit the kind of address.
    """
    try:
        network = IPv6Network(text, strict=False) if ":" in text else IPv4Network(text, strict=False)
    except (AddressValueError, NetmaskValueError, ValueError):
        raise _no_address(text) from None
    if not text.rpartition("/")[2].isdecimal() or "%" in text:
        raise _no_address(text)
    low = int(network.network_address) | (_MAPPED if network.version == 4 else 0)
    high = low + network.num_addresses
    return f"{low:032x}", f"{high:032x}" if high < 1 << _BITS else None


def _no_address(text: str) -> ValueError:
    return ValueError(f"'{text}' is not an IP string literal.")
