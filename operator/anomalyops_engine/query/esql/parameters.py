"""The values of `params`: by position (`?`, `?1`) and by name (`?name`), as values, names of columns or patterns."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from anomalyops_engine.query.errors import ContentParseError
from anomalyops_engine.query.esql.datatypes import DataType
from anomalyops_engine.query.esql.errors import StatementError
from anomalyops_engine.query.esql.places import Place
from anomalyops_engine.query.esql.syntax import Plain
from anomalyops_engine.query.options import shown

_KINDS = ("value", "identifier", "pattern")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_LONGEST_INTEGER, _LONGEST_LONG, _LONGEST_UNSIGNED = 2**31, 2**63, 2**64


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value of `params`.

    Attributes:
        kind: `value`, `identifier` or `pattern`.
        value: a scalar, a list of scalars, or the name.
    """

    kind: str
    value: Any


@dataclass(slots=True)
class Parameters:
    """All values, and how many of them were taken by `?`.

    Attributes:
        listed: in order.
        named: by name, of those that have one.
    """

    listed: Sequence[Parameter] = ()
    named: dict[str, Parameter] = field(default_factory=dict)
    _taken: int = 0

    def get(self, text: str, at: Place) -> Parameter:
        """Return the value that `?`, `?3` or `?name` stands for.

        Raises:
            StatementError: there is none.
        """
        name = text.lstrip("?")
        if name and not name.isdigit():
            if name not in self.named:
                close = difflib.get_close_matches(name, self.named, n=3, cutoff=0.5)
                hint = "" if not close else f", did you mean {_hint(close)}?"
                raise StatementError(at, f"Unknown query parameter [{name}]{hint}")
            return self.named[name]
        if name:
            position = int(name[:9]) - 1
            if not 0 <= position < len(self.listed):
                available = f", did you mean any position between 1 and {len(self.listed)}?" if self.listed else ""
                raise StatementError(at, f"No parameter is defined for position {name}{available}")
            return self.listed[position]
        self._taken += 1
        if self._taken > len(self.listed):
            raise StatementError(at, f"Not enough actual parameters {len(self.listed)}")
        return self.listed[self._taken - 1]


def _hint(close: Sequence[str]) -> str:
    return f"[{close[0]}]" if len(close) == 1 else f"any of [{', '.join(close)}]"


def read_parameters(value: object) -> Parameters:
    """Read `params`.

    Raises:
        ContentParseError: it is malformed.
    """
    if value is None:
        return Parameters()
    if not isinstance(value, list):
        raise _malformed("[params] must be an array")
    listed, named = [], {}
    unnamed = 0
    for item in value:
        if not isinstance(item, dict):
            listed.append(Parameter("value", _checked(item)))
            unnamed += 1
            continue
        name, parameter = _read_named(item)
        listed.append(parameter)
        named[name] = parameter
    if named and unnamed:
        raise _malformed(
            "Params cannot contain both named and unnamed parameters; got "
            f"[{', '.join(named)}] and [{unnamed}] unnamed ones"
        )
    return Parameters(listed, named)


def _read_named(item: dict[str, Any]) -> tuple[str, Parameter]:
    if len(item) != 1:
        raise _malformed(f"Cannot parse more than one key:value pair as parameter, found [{shown(', '.join(item))}]")
    ((name, value),) = item.items()
    if _NAME.fullmatch(name) is None:
        raise _malformed(
            f"[{shown(name)}] is not a valid parameter name, a valid parameter name starts with a letter or "
            "underscore, and contains letters, digits and underscores only"
        )
    if not isinstance(value, dict):
        return name, Parameter("value", _checked(value))
    if len(value) != 1 or next(iter(value)) not in _KINDS:
        raise _malformed(f"[{name}] must have one of the keys [{', '.join(_KINDS)}], found [{shown(', '.join(value))}]")
    ((kind, inner),) = value.items()
    if kind != "value" and not isinstance(inner, str):
        raise _malformed(f"[{name}] must be a text to be an {kind}")
    return name, Parameter(kind, _checked(inner))


def _checked(value: object) -> Any:
    """Return a scalar, or a list of scalars of one kind."""
    if isinstance(value, list):
        kinds = {type_of(item) for item in value if not isinstance(item, dict | list)}
        if len(kinds) > 1 or any(isinstance(item, dict | list) or item is None for item in value):
            raise _malformed(f"the values of a list parameter must be scalars of one type: [{shown(value)}]")
        return tuple(value)
    if isinstance(value, dict):
        raise _malformed(f"a parameter must be a scalar or a list: [{shown(value)}]")
    return value


def _malformed(what: str) -> ContentParseError:
    return ContentParseError(f"failed to parse [params]: {what}")


def type_of(value: object) -> DataType:
    """Return the type of a value of JSON, or of one that is written in a statement."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        if -_LONGEST_INTEGER <= value < _LONGEST_INTEGER:
            return "integer"
        if -_LONGEST_LONG <= value < _LONGEST_LONG:
            return "long"
        return "unsigned_long" if 0 <= value < _LONGEST_UNSIGNED else "double"
    return "double" if isinstance(value, float) else "keyword"


def held(value: Plain) -> Plain:
    """Return a value as its type holds it: whole numbers beyond 64 bits as fractions."""
    return float(value) if isinstance(value, int) and type_of(value) == "double" else value
