"""Functions of IP addresses: what a text says as one, and the block that one is in.

An address is kept as 32 hexadecimal digits with the text that is shown behind them (`store.ip`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Final

from anomalyops_engine.query.esql.errors import not_served
from anomalyops_engine.query.esql.functions.function import TEXTS, WHOLE, Function, Parameter, folded
from anomalyops_engine.query.esql.operands import Fresh, Operand, nothing
from anomalyops_engine.query.esql.scope import Scope, fail
from anomalyops_engine.query.esql.syntax import Call
from anomalyops_engine.query.expr import Binary, Case, Cast, Column, Expr, Lambda, all_of, any_of, call, lift, when
from anomalyops_engine.store import ip

_HEX: Final = "0123456789abcdef"
_DIGITS: Final = 32
_MAPPED: Final = "00000000000000000000ffff"
_OCTET: Final = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_FOUR: Final = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_GROUPS: Final = r"[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,7}"
_SIX: Final = rf"[0-9a-f]{{1,4}}(?::[0-9a-f]{{1,4}}){{7}}|(?:{_GROUPS})?::(?:{_GROUPS})?"
# The shortest stretch of zeros for which `::` may stand has four digits.
_MOST_WRITTEN: Final = _DIGITS - 4
_ADDRESS: Final = Parameter(("ip",), "ip")


def _joined(*parts: Expr | str) -> Expr:
    return reduce(lambda one, other: Binary("||", one, other), map(lift, parts))


def _between(separator: str, parts: Iterable[Expr]) -> Expr:
    """Return texts with a separator between them."""
    first, *others = parts
    return _joined(first, *(part for other in others for part in (separator, other)))


# --- from digits to what is shown ---


def _number(digits: Expr, place: int) -> Expr:
    """Return the number that two hexadecimal digits say."""
    high, low = (call("instr", _HEX, call("substr", digits, place + offset, 1)) - 1 for offset in (0, 1))
    return high * 16 + low


def _shown(digits: Expr) -> Expr:
    """Return the text of an address as RFC 5952 writes it: the longest run of zero groups is `::`; IPv4 in its way."""
    octets = (Cast(_number(digits, place), "VARCHAR") for place in range(25, 33, 2))
    four = _between(".", octets)
    groups = (call("regexp_replace", call("substr", digits, place, 4), "^0{1,3}", "") for place in range(1, 33, 4))
    six = _between(":", groups)
    patterns = [rf"(^|:)0(:0){{{length - 1}}}(:|$)" for length in range(8, 1, -1)]
    runs = tuple((call("regexp_matches", six, each), call("regexp_replace", six, each, "::")) for each in patterns)
    return when(call("starts_with", digits, _MAPPED), four, Case(runs, six))


def _kept(digits: Expr) -> Expr:
    return _joined(digits, _shown(digits))


# --- from a text to digits ---


def parsed(fresh: Fresh, text: Expr) -> Expr:
    """Return the address that a text says, NULL where it says none."""

    def made(value: Expr) -> Expr:
        return fresh.let(_digits(fresh, value), lambda found: when(found.is_not_null(), _kept(found)))

    return fresh.let(call("lower", text), made)


def _digits(fresh: Fresh, text: Expr) -> Expr:
    four = call("regexp_full_match", text, _FOUR)
    # The last two groups may be written as an IPv4 address.
    tail = call("regexp_extract", text, rf":({_FOUR})$", 1)
    start = call("left", text, call("length", text) - call("length", tail))
    groups = call("regexp_replace", _of_four(fresh, tail), "^(....)(....)$", r"\1:\2")
    whole = when(tail.equals(""), text, _joined(start, groups))
    return when(four, _joined(_MAPPED, _of_four(fresh, text)), fresh.let(whole, lambda six: _of_six(fresh, six)))


def _of_four(fresh: Fresh, text: Expr) -> Expr:
    """Return the eight digits of an IPv4 address."""
    return _each(
        fresh, text, ".", lambda part: call("lower", call("to_base", Cast(part, "INTEGER", lenient=True), 16, 2))
    )


def _of_six(fresh: Fresh, text: Expr) -> Expr:
    """Return the digits of an IPv6 address, NULL where it is none."""
    sides = call("string_split", text, "::")
    first, last = (_of_groups(fresh, call("list_extract", sides, place)) for place in (1, 2))

    def filled(whole: Expr) -> Expr:
        one, two = (call("list_extract", whole, place) for place in (1, 2))
        missing = lift(_DIGITS) - call("length", one) - call("length", two)
        fits = any_of([call("len", sides).equals(1), missing >= _DIGITS - _MOST_WRITTEN])
        return when(all_of([fits, missing >= 0]), _joined(one, call("repeat", "0", missing), two))

    both = call("list_concat", _listed(first), _listed(call("coalesce", last, "")))
    return when(call("regexp_full_match", text, _SIX), fresh.let(both, filled))


def _listed(text: Expr) -> Expr:
    return call("string_split", text, "|")


def _of_groups(fresh: Fresh, text: Expr) -> Expr:
    padded = _each(fresh, text, ":", lambda part: call("right", _joined("0000", part), 4))
    return when(text.equals(""), "", padded)


def _each(fresh: Fresh, text: Expr, between: str, body: Callable[[Expr], Expr]) -> Expr:
    """Return the parts of a text, each made something else, one behind the other."""
    name = fresh.name()
    made = call("list_transform", call("string_split", text, between), Lambda(name, body(Column(name))))
    return call("array_to_string", made, "")


# --- functions ---


def _prefix(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    address, *lengths = operands
    known: list[int] = []
    for length, most in zip(lengths, (32, 128), strict=True):
        found = folded(scope, length)
        if not found.fixed:
            raise not_served("[IP_PREFIX] by lengths that differ between rows", node.at)
        if not isinstance(found.value, int) or not 0 <= found.value <= most:
            return nothing("ip")
        known.append(found.value)
    four, six = known

    def made(value: Expr) -> Expr:
        digits = call("left", value, _DIGITS)
        return _kept(when(call("starts_with", digits, _MAPPED), _masked(digits, 96 + four), _masked(digits, six)))

    return Operand(scope.fresh.let(address.single, made), "ip")


def _masked(digits: Expr, bits: int) -> Expr:
    """Return digits of which only the first bits are kept."""
    whole, rest = divmod(bits, 4)
    parts: list[Expr | str] = [call("left", digits, whole)]
    if rest:
        step = 1 << (4 - rest)
        kept = "".join(_HEX[number - number % step] for number in range(16))
        parts.append(call("substr", kept, call("instr", _HEX, call("substr", digits, whole + 1, 1)), 1))
    return _joined(*parts, "0" * (_DIGITS - whole - bool(rest)))


def _cidr_match(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    address, *blocks = operands

    def inside(value: Expr) -> Expr:
        found = []
        for given, argument in zip(blocks, node.arguments[1:], strict=True):
            block = folded(scope, given)
            if not block.fixed:
                raise not_served("[CIDR_MATCH] with blocks that differ between rows", node.at)
            for text in block.value if isinstance(block.value, tuple) else (block.value,):
                try:
                    low, high = ip.block(str(text)) if "/" in str(text) else _alone(str(text))
                except ValueError as error:
                    fail(argument.at, str(error))
                found.append(all_of([value >= low, *([] if high is None else [value < high])]))
        return any_of(found)

    return Operand(scope.fresh.let(address.single, inside), "boolean")


def _alone(text: str) -> tuple[str, str | None]:
    return ip.block(f"{text}/{128 if ':' in text else 32}")


FUNCTIONS: Final[Mapping[str, Function]] = {
    "cidr_match": Function((_ADDRESS, Parameter(TEXTS, "string")), _cidr_match, repeats=True),
    "ip_prefix": Function((_ADDRESS, WHOLE, WHOLE), _prefix),
}
