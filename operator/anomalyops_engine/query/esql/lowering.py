"""Expressions of a statement as expressions of the database."""

from __future__ import annotations

from collections.abc import Callable

from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.esql import failing, fulltext, operators
from anomalyops_engine.query.esql.datatypes import SPANS, STRINGS, shown
from anomalyops_engine.query.esql.errors import Problems, StatementError, not_served
from anomalyops_engine.query.esql.functions import FUNCTIONS, GROUPING, MISSING, OF_SEVERAL
from anomalyops_engine.query.esql.functions.aggregates import AGGREGATES
from anomalyops_engine.query.esql.functions.conversions import FUNCTIONS as CONVERSIONS
from anomalyops_engine.query.esql.operands import Operand, aligned, constant, nothing
from anomalyops_engine.query.esql.places import Place
from anomalyops_engine.query.esql.scope import Scope, fail, nodes_of, similar
from anomalyops_engine.query.esql.syntax import (
    Call,
    Constant,
    Conversion,
    Fits,
    Junction,
    Matches,
    Membership,
    Name,
    Negation,
    Node,
    Not,
    NullTest,
    Operation,
    Star,
    TimeSpan,
)
from anomalyops_engine.query.expr import Column, Expr, Is, any_of, call
from anomalyops_engine.query.expr import Junction as Joined
from anomalyops_engine.query.globs import Any as Wild
from anomalyops_engine.query.globs import wildcard_tokens
from anomalyops_engine.query.regexes import full_match_pattern, literal_pattern

_CONVERSIONS = {
    **dict.fromkeys(("bool", "boolean"), "to_boolean"),
    **dict.fromkeys(("date", "datetime"), "to_datetime"),
    "date_nanos": "to_date_nanos",
    "date_period": "to_dateperiod",
    "double": "to_double",
    "geo_point": "to_geopoint",
    **dict.fromkeys(("int", "integer"), "to_integer"),
    "ip": "to_ip",
    **dict.fromkeys(("keyword", "string"), "to_string"),
    "long": "to_long",
    "time_duration": "to_timeduration",
    **dict.fromkeys(("unsigned_long", "ul"), "to_unsigned_long"),
    "version": "to_version",
}


class Lowering:
    """Lowers the expressions of one command.

    Args:
        scope: what they may name.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def operand(self, node: Node) -> Operand:
        """Return what an expression is worth.

        Raises:
            VerificationError: its parts do not go together.
            StatementError: it calls a function that does not exist like that.
            UnsupportedQueryError: it uses something that this engine lacks.
        """
        lower: Callable[[Node], Operand] = getattr(self, _LOWERED[type(node)])
        return lower(node)

    def condition(self, node: Node) -> Expr:
        """Return an expression that is a condition.

        Raises:
            VerificationError: it is none.
        """
        found = self.operand(node)
        if found.type not in {"boolean", "null"}:
            fail(node.at, f"Condition expression needs to be boolean, found [{shown(found.type).upper()}]")
        return found.single if found.type == "boolean" else nothing("boolean").expr

    # --- names and constants ---

    def name(self, node: Name) -> Operand:
        """Return a column."""
        attribute = self.scope.attributes[node.name]
        if attribute.type == "unsupported" and attribute.conflict:
            fail(node.at, attribute.conflict)
        return attribute.operand

    def constant(self, node: Constant) -> Operand:
        """Return a value that is written down."""
        return constant(node.value, node.type)

    def span(self, node: TimeSpan) -> Operand:
        """Return a stretch of time."""
        return constant(node, node.type)

    def star(self, node: Star) -> Operand:
        """Refuse a star where there is no COUNT."""
        raise StatementError(node.at, "mismatched input '*'")

    # --- calls ---

    def call(self, node: Call) -> Operand:
        """Return what a function gives."""
        name = node.function.lower()
        if name in AGGREGATES:
            fail(node.at, f"aggregate function [{node.text}] not allowed outside STATS command")
        if name in fulltext.FUNCTIONS:
            return self._search(node)
        if name in GROUPING:
            fail(node.at, f"cannot use grouping function [{node.text}] outside of a STATS command")
        function = FUNCTIONS.get(name)
        if function is None:
            raise not_served(f"the function [{name.upper()}]", node.at)
        if name in CONVERSIONS and len(node.arguments) == 1:
            variants = self._variants(node.arguments[0])
            if variants:
                return self._of_any_type(node, [function.build(self.scope, node, [variant]) for variant in variants])
        if node.options:
            raise not_served(f"an option of [{name.upper()}]", node.at)
        if any(isinstance(argument, Star) for argument in node.arguments):
            raise StatementError(node.at, f"error building [{name}]: does not support *")
        operands = [self.operand(argument) for argument in node.arguments]
        made = function.build(self.scope, node, operands)
        if name in CONVERSIONS:
            failing.converted(self.scope, node, operands, made, function)
        elif name == "case":
            self.scope.hazards.note_several(node.at, operands[: len(operands) // 2 * 2 : 2], "false")
        elif name not in OF_SEVERAL:
            self.scope.hazards.note_several(node.at, operands)
            failing.called(self.scope, node, operands, made)
        return made

    def _variants(self, node: Node) -> tuple[Operand, ...]:
        """Return a field of several types by type; nothing for anything else."""
        return self.scope.attributes[node.name].variants if isinstance(node, Name) else ()

    @staticmethod
    def _of_any_type(node: Call, converted: list[Operand]) -> Operand:
        """Return the value of a field that was made one type out of each of several."""
        values, multi = aligned(converted, converted[0].type)
        return Operand(call("coalesce", *values), converted[0].type, multi)

    def conversion(self, node: Conversion) -> Operand:
        """Return a value as another type."""
        name = _CONVERSIONS.get(node.target)
        if name is None:
            raise StatementError(node.at, f"Unknown data type named [{node.target}]")
        if name in MISSING:
            raise not_served(f"a conversion to [{node.target}]", node.at)
        return self.call(Call(node.at, name, (node.operand,)))

    # --- operators ---

    def operation(self, node: Operation) -> Operand:
        """Return arithmetic or a comparison."""
        left, right = self.operand(node.left), self.operand(node.right)
        self.scope.hazards.note_several(node.at, (left, right))
        if node.operator in {"+", "-", "*", "/", "%"}:
            failing.computed(self.scope, node.operator, left, right, node.at)
            return operators.arithmetic(self.scope, node.operator, left, right, node.at)
        return operators.compared(node.operator, left, right, node.at)

    def negation(self, node: Negation) -> Operand:
        """Return a number with its sign turned round."""
        operand = self.operand(node.operand)
        made = operators.negated(operand, node.at)
        self.scope.hazards.note_several(node.at, (operand,))
        failing.negated(self.scope, operand, made, node.at)
        return made

    def junction(self, node: Junction) -> Operand:
        """Return that all or any conditions hold."""
        terms = tuple(self._term(term, node.at, node.operator) for term in node.terms)
        return Operand(Joined(node.operator, terms), "boolean")

    def opposite(self, node: Not) -> Operand:
        """Return that a condition does not hold."""
        return operators.opposite(Operand(self._term(node.operand, node.at, "NOT"), "boolean"))

    def _term(self, node: Node, at: Place, operator: str) -> Expr:
        found = self.operand(node)
        if found.type == "null":
            return nothing("boolean").expr
        if found.type != "boolean":
            which = "argument" if operator == "NOT" else "first argument"
            fail(at, f"{which} of [{at.text}] must be [boolean], found value [{node.text}] type [{shown(found.type)}]")
        return found.single

    def null_test(self, node: NullTest) -> Operand:
        """Return whether there is a value."""
        found = self.operand(node.operand)
        if found.type in SPANS:
            fail(node.at, f"argument of [{node.text}] must not be a [{found.type}]")
        return Operand(Is(found.expr, "NOT NULL" if node.negated else "NULL"), "boolean")

    def membership(self, node: Membership) -> Operand:
        """Return whether a value is among others."""
        operand = self.operand(node.operand)
        choices = [self.operand(choice) for choice in node.choices]
        self.scope.hazards.note_several(node.at, (operand, *choices))
        return operators.among(operand, choices, node.at)

    def fits(self, node: Fits) -> Operand:
        """Return whether a text fits a pattern."""
        found = self.operand(node.operand)
        if found.type not in STRINGS | {"null"}:
            fail(
                node.at,
                f"argument of [{node.text}] must be [string], found value [{node.operand.text}] type "
                f"[{shown(found.type)}]",
            )
        self.scope.hazards.note_several(node.at, (found,))
        value = found.single
        reads: Callable[[str], str] = _of_wildcards if node.kind == "LIKE" else full_match_pattern
        try:
            patterns = [reads(pattern) for pattern in node.patterns]
        except IllegalQueryError as error:
            raise StatementError(node.at, f"Invalid pattern for {node.kind} [{node.patterns[0]}]: [{error}]") from None
        return Operand(any_of(call("regexp_full_match", value, pattern, "s") for pattern in patterns), "boolean")

    def matches(self, node: Matches) -> Operand:
        """Return whether a field matches a text."""
        return self._search(node)

    def _search(self, node: Node) -> Operand:
        fulltext.check_place(node, self.scope.past, self.scope.attributes)
        return Operand(Column(self.scope.searches[node]), "boolean")


def _of_wildcards(pattern: str) -> str:
    r"""Return the regular expression of a pattern of `*` and `?`.

    Raises:
        IllegalQueryError: a `\` stands before what needs none.
    """
    wild = {Wild.TEXT: ".*", Wild.CHARACTER: "."}
    return "".join(wild[t] if isinstance(t, Wild) else literal_pattern(t) for t in wildcard_tokens(pattern))


def check_names(node: Node, scope: Scope, problems: Problems) -> None:
    """Note every name in an expression that stands for nothing: of columns, and of functions."""
    for found in nodes_of(node):
        if isinstance(found, Name) and found.name not in scope.attributes:
            problems.missing(found.at, f"Unknown column [{found.name}]{similar(found.name, scope.attributes)}")
        elif isinstance(found, Call):
            name = found.function.lower()
            if name not in {*FUNCTIONS, *AGGREGATES, *GROUPING, *MISSING, *fulltext.FUNCTIONS}:
                problems.missing(
                    found.at, f"Unknown function [{found.function}]{similar(name, [*FUNCTIONS, *AGGREGATES])}"
                )


# By name, since STATS lowers some of them in another way.
_LOWERED: dict[type[Node], str] = {
    Call: "call",
    Constant: "constant",
    Conversion: "conversion",
    Fits: "fits",
    Junction: "junction",
    Matches: "matches",
    Membership: "membership",
    Name: "name",
    Negation: "negation",
    Not: "opposite",
    NullTest: "null_test",
    Operation: "operation",
    Star: "star",
    TimeSpan: "span",
}
