"""What a function of ES|QL takes and how what it is given is checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from anomalyops_engine.query.esql.datatypes import FROM_TEXT, SPANS, DataType, shown
from anomalyops_engine.query.esql.errors import StatementError, not_served
from anomalyops_engine.query.esql.operands import Operand, constant, is_constant, nothing
from anomalyops_engine.query.esql.scope import Scope, fail
from anomalyops_engine.query.esql.syntax import Call
from anomalyops_engine.query.esql.texts import converted, is_written_text

_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_COUNTS = ("zero", "one", "two", "three", "four", "five")


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a function takes in one place.

    Attributes:
        types: the types that it may have; the first one is that of NULL.
        shown: what messages call them.
        optional: it may be left out.
        fixed: it must be the same for every row.
    """

    types: tuple[DataType, ...]
    shown: str
    optional: bool = False
    fixed: bool = False


Build = Callable[[Scope, Call, list[Operand]], Operand]


@dataclass(frozen=True, slots=True)
class Function:
    """A function.

    Attributes:
        parameters: what it takes.
        make: what it gives for what it takes, after that was checked.
        repeats: the last parameter may come any number of times.
        headless: the first parameter may be left out.
        follows: its value is of the type of what comes first, so that of NULL it is NULL of no type.
    """

    parameters: tuple[Parameter, ...]
    make: Build
    repeats: bool = False
    headless: bool = False
    follows: bool = False

    def build(self, scope: Scope, node: Call, operands: Sequence[Operand]) -> Operand:
        """Return what a call gives.

        Raises:
            StatementError: it is given more or less than the function takes.
            VerificationError: something that it is given is of another type.
        """
        self.check_count(node, len(operands))
        if self.headless and len(operands) < len(self.parameters):
            return Function(self.parameters[1:], self.make).build(scope, node, operands)
        if self.follows and operands and operands[0].type == "null":
            return nothing("null")
        checked = [self._checked(scope, node, place, operand) for place, operand in enumerate(operands)]
        return self.make(scope, node, checked)

    def check_count(self, node: Call, given: int) -> None:
        """Check how many arguments there are.

        Raises:
            StatementError: too many or too few.
        """
        least = sum(not parameter.optional for parameter in self.parameters) - self.headless
        most = None if self.repeats else len(self.parameters)
        if given < least or (most is not None and given > most):
            raise StatementError(node.at, f"error building [{node.function.lower()}]: expects {_expected(least, most)}")

    def _checked(self, scope: Scope, node: Call, place: int, operand: Operand) -> Operand:
        parameter = self.parameters[min(place, len(self.parameters) - 1)]
        if parameter.fixed:
            operand = folded(scope, operand)
        argument = node.arguments[place]
        if operand.type == "null":
            keeps = parameter.types[: len(ANYTHING)] == ANYTHING or parameter.types[0] in SPANS
            return operand if keeps else nothing(parameter.types[0])
        if operand.type not in parameter.types and is_written_text(operand):
            for wanted in parameter.types:
                if wanted in FROM_TEXT | SPANS:
                    operand = converted(operand, self._meant(parameter, operand, wanted), argument.at)
                    break
        if operand.type == "version" and "version" not in parameter.types:
            raise not_served(f"[{node.function.upper()}] of versions", node.at)
        which = f"{_ORDINALS[min(place, 4)]} argument" if len(self.parameters) > 1 or self.repeats else "argument"
        if operand.type not in parameter.types:
            fail(
                node.at,
                f"{which} of [{node.text}] must be [{parameter.shown}], found value [{argument.text}] type "
                f"[{shown(operand.type)}]",
            )
        if parameter.fixed and not operand.fixed:
            fail(node.at, f"{which} of [{node.text}] must be a constant, received [{argument.text}]")
        return operand

    @staticmethod
    def _meant(parameter: Parameter, operand: Operand, wanted: DataType) -> DataType:
        """Return which stretch of time a text says."""
        if wanted in SPANS and set(parameter.types) >= SPANS:
            text = str(operand.value)
            days = any(unit in text for unit in ("day", "week", "month", "quarter", "year"))
            return "date_period" if days else "time_duration"
        return wanted


def folded(scope: Scope, operand: Operand) -> Operand:
    """Return an operand with its value, where it is the same for every row."""
    if operand.fixed or scope.folded is None or not is_constant(operand.expr):
        return operand
    value = scope.folded(operand.expr)
    return constant(tuple(value) if isinstance(value, list) else value, operand.type)


def _expected(least: int, most: int | None) -> str:
    if most is None:
        return f"at least {_COUNTS[least]} argument{'s' if least > 1 else ''}"
    if least == most:
        return f"exactly {_COUNTS[least]} argument{'' if least == 1 else 's'}"
    if most - least == 1:
        return f"{_COUNTS[least]} or {_COUNTS[most]} arguments"
    return f"between {_COUNTS[least]} and {_COUNTS[most]} arguments"


# --- parameters that many functions have ---

NUMBERS: tuple[DataType, ...] = ("double", "integer", "long", "unsigned_long")
INTEGERS: tuple[DataType, ...] = ("integer", "long")
TEXTS: tuple[DataType, ...] = ("keyword", "text")
ANYTHING: tuple[DataType, ...] = (
    *("keyword", "text", "boolean", "date", "date_nanos", "double", "geo_point", "integer", "ip", "long"),
    *("unsigned_long", "version"),
)
NUMBER = Parameter(NUMBERS, "numeric")
WHOLE = Parameter(INTEGERS, "integer")
TEXT = Parameter(TEXTS, "string")
FIXED_TEXT = Parameter(TEXTS, "string", fixed=True)
MOMENT = Parameter(("date", "date_nanos"), "date_nanos or datetime")
ANY = Parameter(ANYTHING, "any type")


def optional(parameter: Parameter) -> Parameter:
    """Return a parameter that may be left out."""
    return Parameter(parameter.types, parameter.shown, optional=True, fixed=parameter.fixed)
