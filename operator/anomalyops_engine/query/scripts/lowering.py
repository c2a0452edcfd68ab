"""From the tree of a script to one expression over the fields of a document, or over the figures of a bucket.

A variable is what it was last set to on the way to where it is read; `if` becomes a choice between what its branches
lead to. So a script has no order of execution left: its value is an expression.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from anomalyops_engine.query.scripts import methods
from anomalyops_engine.query.scripts.errors import ScriptError
from anomalyops_engine.query.scripts.syntax import (
    Assignment,
    Branch,
    Choice,
    Constant,
    Evaluation,
    Infix,
    Invocation,
    Item,
    Member,
    Name,
    Node,
    Return,
    Statement,
    Unary,
)
from anomalyops_engine.query.scripts.values import (
    NOTHING,
    UNKNOWN,
    Value,
    applied,
    chosen,
    constant,
    converted,
    negated,
)

_CASTS: Final = {"double": "double", "float": "double", "int": "long", "long": "long"}
_MOST_PATHS: Final = 256


@dataclass(frozen=True, slots=True)
class DocField:
    """A field of a document, `doc['name']`.

    Attributes:
        value: its first value, None when the engine cannot say what that is.
        size: how many values the document has.
    """

    value: Value
    size: Value


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a script can see.

    Attributes:
        field: what a field of the document is; None where there is no document.
        mapped: whether a field is mapped.
        params: by name: values as they were given, or figures of a bucket.
        emits: whether the script gives its value to `emit`, instead of ending with it.
    """

    field: Callable[[str], DocField] | None
    mapped: Callable[[str], bool]
    params: Mapping[str, Any]
    emits: bool


def lower(statements: Sequence[Statement], surroundings: Surroundings) -> Value:
    """Return the value of a script.

    Raises:
        ScriptError: it is outside the part of the language that is known, or types do not go together.
    """
    return _Lowering(surroundings).run(tuple(statements), {})


class _Lowering:
    def __init__(self, surroundings: Surroundings) -> None:
        self._see = surroundings
        self._paths = 0

    # --- statements ---

    def run(self, statements: tuple[Statement, ...], variables: Mapping[str, Value]) -> Value:
        """Return what the script comes to from here on."""
        known = dict(variables)
        for position, statement in enumerate(statements):
            rest = statements[position + 1 :]
            if isinstance(statement, Assignment):
                self._assign(statement, known)
            elif isinstance(statement, Return):
                return self._returned(statement, known)
            elif isinstance(statement, Branch):
                return self._branch(statement, rest, known)
            elif self._see.emits:
                return self._emitted(statement, rest, known)
            elif rest:
                raise ScriptError("Not a statement: the value is not used")
            else:
                return self.value(statement.node, known)
        return NOTHING

    def _assign(self, statement: Assignment, known: dict[str, Value]) -> None:
        if statement.declared == (statement.name in known):
            why = "already defined" if statement.declared else "not defined"
            raise ScriptError(f"variable [{statement.name}] is {why}")
        if statement.name in {"doc", "params", "emit"} | methods.CLASSES:
            raise ScriptError(f"[{statement.name}] is no name of a variable")
        known[statement.name] = self.value(statement.value, known)

    def _returned(self, statement: Return, known: Mapping[str, Value]) -> Value:
        if statement.value is None:
            return NOTHING
        if self._see.emits:
            raise ScriptError("scripts of runtime fields give their values to [emit]; they return nothing")
        return self.value(statement.value, known)

    def _branch(self, branch: Branch, rest: tuple[Statement, ...], known: Mapping[str, Value]) -> Value:
        self._paths += 1
        if self._paths > _MOST_PATHS:
            raise ScriptError(f"scripts may have no more than [{_MOST_PATHS}] ways through their branches")
        condition = self.value(branch.condition, known)
        one, other = (self.run((*taken, *rest), known) for taken in (branch.then, branch.otherwise))
        return chosen(condition, one, other)

    def _emitted(self, statement: Evaluation, rest: tuple[Statement, ...], known: Mapping[str, Value]) -> Value:
        node = statement.node
        if not (isinstance(node, Invocation) and node.target is None and node.name == "emit"):
            raise ScriptError("Not a statement: only [emit] is called for itself")
        if len(node.arguments) != 1:
            raise ScriptError(f"[emit] takes one value, got [{len(node.arguments)}]")
        if rest and not isinstance(rest[0], Return):
            raise ScriptError("fields of several emitted values are not supported by this engine: [emit] must be last")
        return self.value(node.arguments[0], known)

    # --- expressions ---

    def value(self, node: Node, known: Mapping[str, Value]) -> Value:
        """Return the value of an expression.

        Raises:
            ScriptError: it is none.
        """
        found = self._evaluate(node, known)
        if isinstance(found, DocField):
            raise ScriptError("a field is no value itself; ask for its [value]")
        return found

    def _evaluate(self, node: Node, known: Mapping[str, Value]) -> Value | DocField:
        if isinstance(node, Constant):
            return constant(node.value)
        if isinstance(node, Unary):
            operand = self.value(node.operand, known)
            kind = _CASTS.get(node.operator)
            return negated(node.operator, operand) if kind is None else converted(operand, kind)  # type: ignore[arg-type]
        if isinstance(node, Infix):
            return applied(node.operator, self.value(node.left, known), self.value(node.right, known))
        if isinstance(node, Choice):
            condition = self.value(node.condition, known)
            return chosen(condition, self.value(node.one, known), self.value(node.other, known))
        if isinstance(node, Name):
            if node.name not in known:
                raise ScriptError(f"cannot resolve symbol [{node.name}]")
            return known[node.name]
        return self._reached(node, known)

    def _reached(self, node: Member | Item | Invocation, known: Mapping[str, Value]) -> Value | DocField:
        name = _written(node)
        if name is not None and name[0] not in known:
            return self._named(*name, node)
        if isinstance(node, Item):
            raise ScriptError("elements of lists and maps are not supported by this engine")
        target = node.target
        if target is None:
            raise ScriptError(f"Unknown call [{node.name}] with [{len(_arguments(node))}] arguments.")
        if isinstance(target, Name) and target.name in methods.CLASSES and target.name not in known:
            return self._function(target.name, node, known)
        inner = self._evaluate(target, known)
        arguments = [self.value(argument, known) for argument in _arguments(node)]
        return _of_field(inner, node.name) if isinstance(inner, DocField) else _of_value(inner, node, arguments)

    def _named(self, scope: str, name: str, node: Node) -> Value | DocField:
        if scope == "params":
            if name not in self._see.params:
                return NOTHING
            given = self._see.params[name]
            return given if isinstance(given, Value) else constant(given)
        if self._see.field is None:
            raise ScriptError("[doc] is not there: the script is about buckets; it sees [params]")
        if isinstance(node, Invocation):
            if node.name != "containsKey":
                raise ScriptError(f"[doc.{node.name}] is not supported by this engine")
            return constant(self._see.mapped(name))
        return self._see.field(name)

    def _function(self, group: str, node: Member | Invocation, known: Mapping[str, Value]) -> Value:
        if isinstance(node, Member):
            found = methods.CONSTANTS.get((group, node.name))
            if found is not None:
                return found
        else:
            function = methods.FUNCTIONS.get((group, node.name))
            if function is not None:
                return function([self.value(argument, known) for argument in node.arguments])
        raise ScriptError(f"[{group}.{node.name}] is not supported by this engine")


def _arguments(node: Member | Invocation) -> tuple[Node, ...]:
    return node.arguments if isinstance(node, Invocation) else ()


def _written(node: Member | Item | Invocation) -> tuple[str, str] | None:
    """Return (`doc` or `params`, name) of what reads one of them by name; None for anything else."""
    if not isinstance(node.target, Name) or node.target.name not in {"doc", "params"}:
        return None
    scope = node.target.name
    key: Node | None = None
    if isinstance(node, Item):
        key = node.key
    elif isinstance(node, Member):
        return (scope, node.name)
    elif (node.name in {"get", "containsKey"} if scope == "doc" else node.name == "get") and len(node.arguments) == 1:
        key = node.arguments[0]
        if node.name == "get" and scope == "doc":
            raise ScriptError("[doc.get] is not supported by this engine; write [doc['field']]")
    if not isinstance(key, Constant) or not isinstance(key.value, str):
        raise ScriptError(f"[{scope}] is read by constant names: {scope}['name']")
    return (scope, key.value)


def _of_field(field: DocField, name: str) -> Value:
    if name in {"value", "getValue"}:
        return field.value
    if name in {"size", "length"}:
        return field.size
    if name in {"empty", "isEmpty"}:
        return Value("boolean", field.size.expression.equals(0))
    raise ScriptError(f"[{name}] of a field is not supported by this engine; supported: [value, size(), length, empty]")


def _of_value(value: Value, node: Member | Invocation, arguments: Sequence[Value]) -> Value:
    name = node.name
    if value.kind == "unknown":
        return _of_any(node, arguments)
    if value.kind == "keyword" and isinstance(node, Invocation) and name in methods.TEXTS:
        return methods.TEXTS[name](value, arguments)
    if value.kind == "date" and not arguments:
        part = methods.part_of_moment(name, value)
        if part is not None:
            return part
    if value.kind == "weekday" and name in {"value", "getValue"} and not arguments:
        return Value("long", value.expression)
    raise ScriptError(f"[{name}] of a value of type [{value.kind}] is not supported by this engine")


def _of_any(node: Member | Invocation, arguments: Sequence[Value]) -> Value:
    """Return what some type of value gives: of unknown type again."""
    name = node.name
    if isinstance(node, Invocation) and name in methods.TEXTS:
        methods.TEXTS[name](UNKNOWN, arguments)
    elif arguments or (name not in {"value", "getValue"} and methods.part_of_moment(name, UNKNOWN) is None):
        raise ScriptError(f"[{name}] is not supported by this engine")
    return UNKNOWN
