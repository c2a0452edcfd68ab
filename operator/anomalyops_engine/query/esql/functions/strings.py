"""Functions of texts and addresses."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from anomalyops_engine.query.esql.datatypes import DataType
from anomalyops_engine.query.esql.errors import not_served
from anomalyops_engine.query.esql.functions.function import (
    FIXED_TEXT,
    TEXT,
    WHOLE,
    Build,
    Function,
    optional,
)
from anomalyops_engine.query.esql.operands import Operand, attempt
from anomalyops_engine.query.esql.scope import Scope, fail
from anomalyops_engine.query.esql.syntax import Call
from anomalyops_engine.query.expr import Binary, Expr, ScalarFunction, all_of, call, when

_LONGEST = 1_048_576
_GROUP = re.compile(r"\\(.)|\$(\d)", re.DOTALL)
_HASHES: dict[str, ScalarFunction] = {"md5": "md5", "sha-1": "sha1", "sha1": "sha1", "sha-256": "sha256"}


def _plain(function: ScalarFunction, made: DataType = "keyword") -> Build:
    """Return the making of a function that the database has too."""
    return lambda scope, node, operands: Operand(call(function, *(operand.single for operand in operands)), made)


def _url_decode(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    spaced = call("regexp_replace", operands[0].single, r"\+", " ", "g")
    return Operand(attempt(call("url_decode", spaced)), "keyword")


def _url_encode(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    # As a form encodes: a space is a plus.
    encoded = call("url_encode", operands[0].single)
    return Operand(call("regexp_replace", encoded, "%20", "+", "g"), "keyword")


def _counted(count: Callable[[Expr], Expr]) -> Build:
    return lambda scope, node, operands: Operand(scope.fresh.let(operands[0].single, count), "integer")


def _concat(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    found = operands[0].single
    for operand in operands[1:]:
        found = Binary("||", found, operand.single)
    return Operand(found, "keyword")


def _substring(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    text, start, *length = (operand.single for operand in operands)

    def cut(value: Expr) -> Expr:
        # The first character is 1, and 0 too; from the end on, a start beyond the beginning is the beginning.
        first = scope.fresh.let(
            start,
            lambda at: when(at > 0, at, when(at.equals(0), 1, call("greatest", call("length", value) + at + 1, 1))),
        )
        if not length:
            return call("substr", value, first)
        return when(length[0] >= 0, call("substr", value, first, length[0]))

    return Operand(attempt(scope.fresh.let(text, cut)), "keyword")


def _side(function: ScalarFunction) -> Build:
    def make(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
        text, count = (operand.single for operand in operands)
        return Operand(attempt(call(function, text, call("greatest", count, 0))), "keyword")

    return make


def _repeat(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    text, count = operands[0].single, operands[1].single

    def made(value: Expr) -> Expr:
        fits = all_of([count >= 0, count <= _LONGEST, call("strlen", value) * count <= _LONGEST])
        return when(fits, call("repeat", value, count))

    return Operand(attempt(scope.fresh.let(text, made)), "keyword")


def _space(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    count = operands[0].single
    return Operand(when(all_of([count >= 0, count <= _LONGEST]), call("repeat", " ", count)), "keyword")


def _replace(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    text, pattern, other = operands
    if not other.fixed:
        raise not_served("[REPLACE] by what differs between rows", node.at)
    written = _GROUP.sub(_group, str(other.value or "").replace("\\\\", "\\\\\\\\"))
    return Operand(attempt(call("regexp_replace", text.single, pattern.single, written, "g")), "keyword")


def _group(found: re.Match[str]) -> str:
    if found[2] is not None:
        return f"\\{found[2]}"
    return found[0] if found[1] == "\\" else found[1]


def _split(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    text, separator = operands
    if separator.fixed and separator.value is not None and len(str(separator.value).encode()) != 1:
        fail(node.at, "delimiter must be single byte for now")
    parts = call("string_split", text.single, separator.single)
    return Operand(scope.fresh.filled(parts), "keyword", multi=True)


def _locate(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    text, part, *start = (operand.single for operand in operands)
    if not start:
        return Operand(call("instr", text, part), "integer")

    def found(first: Expr) -> Expr:
        at = call("instr", call("substr", text, first), part)
        return scope.fresh.let(at, lambda place: when(place.equals(0), 0, place + first - 1))

    return Operand(attempt(scope.fresh.let(call("greatest", start[0], 1), found)), "integer")


def _hash(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    algorithm, text = operands
    name = str(algorithm.value).lower()
    function = _HASHES.get(name)
    if function is None:
        raise not_served(f"[HASH] by [{algorithm.value}]", node.at)
    return Operand(call(function, text.single), "keyword")


def _to_base64(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    return Operand(call("to_base64", call("encode", operands[0].single)), "keyword")


def _from_base64(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    return Operand(attempt(call("decode", call("from_base64", operands[0].single))), "keyword")


def _trimmed(function: ScalarFunction) -> Build:
    return lambda scope, node, operands: Operand(call(function, operands[0].single, _SPACES), "keyword")


_SPACES: Any = "".join(map(chr, range(33)))
_TWO = (TEXT, TEXT)
_COUNT = (TEXT, WHOLE)
_LOCATE = (TEXT, TEXT, optional(WHOLE))

FUNCTIONS: Final[Mapping[str, Function]] = {
    "bit_length": Function((TEXT,), _counted(lambda v: call("strlen", v) * 8)),
    "byte_length": Function((TEXT,), _counted(lambda v: call("strlen", v))),
    "concat": Function(_TWO, _concat, repeats=True),
    "contains": Function(_TWO, _plain("contains", "boolean")),
    "ends_with": Function(_TWO, _plain("ends_with", "boolean")),
    "from_base64": Function((TEXT,), _from_base64),
    "hash": Function((FIXED_TEXT, TEXT), _hash),
    "left": Function(_COUNT, _side("left")),
    "length": Function((TEXT,), _counted(lambda v: call("length", v))),
    "locate": Function(_LOCATE, _locate),
    "ltrim": Function((TEXT,), _trimmed("ltrim")),
    "md5": Function((TEXT,), _plain("md5")),
    "repeat": Function(_COUNT, _repeat),
    "replace": Function((TEXT, TEXT, TEXT), _replace),
    "reverse": Function((TEXT,), _plain("reverse")),
    "right": Function(_COUNT, _side("right")),
    "rtrim": Function((TEXT,), _trimmed("rtrim")),
    "sha1": Function((TEXT,), _plain("sha1")),
    "sha256": Function((TEXT,), _plain("sha256")),
    "space": Function((WHOLE,), _space),
    "split": Function(_TWO, _split),
    "starts_with": Function(_TWO, _plain("starts_with", "boolean")),
    "substring": Function((TEXT, WHOLE, optional(WHOLE)), _substring),
    "to_base64": Function((TEXT,), _to_base64),
    "to_lower": Function((TEXT,), _plain("lower")),
    "to_upper": Function((TEXT,), _plain("upper")),
    "url_decode": Function((TEXT,), _url_decode),
    "url_encode": Function((TEXT,), _url_encode),
    "url_encode_component": Function((TEXT,), _plain("url_encode")),
    "trim": Function((TEXT,), _trimmed("trim")),
}
