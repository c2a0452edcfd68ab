"""The `script` object of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from anomalyops_engine.query.errors import QueryParsingError, UnsupportedQueryError
from anomalyops_engine.query.expr import Cast, Expr, call, when
from anomalyops_engine.query.scripts.errors import ScriptError
from anomalyops_engine.query.scripts.lowering import Surroundings, lower
from anomalyops_engine.query.scripts.parser import parse
from anomalyops_engine.query.scripts.syntax import Statement
from anomalyops_engine.query.scripts.values import Value

_KEYS: Final = frozenset({"source", "inline", "id", "lang", "params", "options"})


@dataclass(frozen=True, slots=True)
class Script:
    """A script with its parameters."""

    statements: tuple[Statement, ...]
    params: Mapping[str, Any] = field(default_factory=dict)


def read_script(body: object, name: str) -> Script:
    """Return a script as a request gives it: its source, or an object with it.

    Args:
        body: the value of `script`.
        name: what it is the script of, for messages.

    Raises:
        QueryParsingError: it is malformed.
        ScriptError: its source is no script, or outside of what the engine has of the language.
        UnsupportedQueryError: it is stored under an id, or in another language.
    """
    given = {"source": body} if isinstance(body, str) else body
    if not isinstance(given, dict):
        raise QueryParsingError(f"[script] of [{name}] must be a text or an object")
    unknown = sorted(set(given) - _KEYS)
    if unknown:
        raise QueryParsingError(f"[script] unknown field [{unknown[0]}]")
    if "id" in given:
        raise UnsupportedQueryError(f"stored scripts are not supported by this engine, found one in [{name}]")
    if given.get("lang", "painless") != "painless":
        raise UnsupportedQueryError(f"script language [{given['lang']}] is not supported by this engine, only painless")
    source, params = given.get("source", given.get("inline")), given.get("params") or {}
    if not isinstance(source, str):
        raise QueryParsingError(
            f"must specify either [source] for an inline script or [id] for a stored script: [{name}]"
        )
    if not isinstance(params, dict):
        raise QueryParsingError(f"[params] of the script of [{name}] must be an object")
    if given.get("options"):
        raise UnsupportedQueryError(f"[options] of the script of [{name}] is not supported by this engine")
    try:
        return Script(parse(source), params)
    except ScriptError as error:
        raise error.within(name) from error


def figure(script: Script, figures: Mapping[str, Expr], name: str) -> Expr:
    """Return what a script makes of figures of a bucket, which it sees as parameters; NULL where that is no number.

    Args:
        script: the script.
        figures: numbers by the name of the parameter.
        name: what it is the script of, for messages.

    Raises:
        ScriptError: it is outside of what the engine has of the language, or its value is no number.
    """
    numbers = {key: Value("double", Cast(number, "DOUBLE")) for key, number in figures.items()}
    see = Surroundings(None, lambda _: False, {**script.params, **numbers}, emits=False)
    try:
        value = lower(script.statements, see)
        if value.kind not in {"long", "double", "null"}:
            raise ScriptError(f"the script must return a number, not a [{value.kind}]")
    except ScriptError as error:
        raise error.within(name) from error
    return finite(Cast(call("try", value.expression), "DOUBLE"))


def finite(number: Expr) -> Expr:
    """Return a number, NULL where it is infinite or none."""
    return when(call("isfinite", number), number)
