"""Full-text functions: `MATCH`, `:`, `MATCH_PHRASE`, `QSTR` and `KQL` are queries of the documents that are read.

Each becomes a clause of the Query DSL. Whether a document matches it is a column of the rows that FROM reads: a clause
sees the fields of each index as a search does, and the function itself is the name of that column.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from anomalyops_engine.query.dsl import Clause, parse_query
from anomalyops_engine.query.errors import QueryError, UnsupportedQueryError
from anomalyops_engine.query.esql.errors import StatementError
from anomalyops_engine.query.esql.frames import Attribute
from anomalyops_engine.query.esql.scope import fail
from anomalyops_engine.query.esql.syntax import Call, Command, Constant, Conversion, Matches, Name, Node

OF_FIELDS: Final = frozenset({"match", "match_phrase"})
OF_DOCUMENTS: Final = {"kql": "kql", "qstr": "query_string"}
MULTI_MATCH: Final = "multi_match"
FUNCTIONS: Final = OF_FIELDS | OF_DOCUMENTS.keys() | {MULTI_MATCH}


def searches_of(commands: Iterable[Command]) -> list[Node]:
    """Return the full-text functions of a statement, each once."""
    found: dict[Node, None] = {}
    for command in commands:
        for node in _nodes(command):
            if isinstance(node, Matches) or (isinstance(node, Call) and node.function.lower() in FUNCTIONS):
                found[node] = None
    return list(found)


def _nodes(part: Any) -> Iterator[Node]:
    waiting = [part]
    while waiting:
        found = waiting.pop()
        if isinstance(found, tuple):
            waiting += found
        elif dataclasses.is_dataclass(found):
            if isinstance(found, Node):
                yield found
            waiting += [getattr(found, each.name) for each in dataclasses.fields(found) if each.name != "at"]


def called(node: Node) -> str:
    """Return a full-text function as messages call it."""
    return f"[{node.function.upper()}] function" if isinstance(node, Call) else "[:] operator"


def clause_of(node: Node) -> Clause:
    """Return the clause of a full-text function.

    Raises:
        StatementError: it is given more or less than it takes.
        VerificationError: what it is given is no query.
        UnsupportedQueryError: it uses something that this engine lacks.
    """
    body = _body(node)
    try:
        return parse_query(body)
    except UnsupportedQueryError:
        raise
    except QueryError as error:
        fail(node.at, f"Invalid query in [{node.text}]: {error}")


def _body(node: Node) -> dict[str, Any]:
    if isinstance(node, Matches):
        return {"match": {field_of(node): {"query": _query(node, node.query)}}}
    assert isinstance(node, Call)  # noqa: S101 (what `searches_of` finds)
    name = node.function.lower()
    options = {key: value.value for key, value in node.options}
    if name == MULTI_MATCH:
        return _multi_match(node, options)
    wanted = 1 if name in OF_DOCUMENTS else 2
    if len(node.arguments) != wanted:
        counted = "one argument" if wanted == 1 else "two arguments"
        raise StatementError(node.at, f"error building [{name}]: expects exactly {counted}")
    query = _query(node, node.arguments[-1])
    if name in OF_DOCUMENTS:
        return {OF_DOCUMENTS[name]: {"query": query, **options}}
    return {name: {field_of(node): {"query": query, **options}}}


def _multi_match(node: Call, options: dict[str, Any]) -> dict[str, Any]:
    if len(node.arguments) < 2:
        raise StatementError(node.at, f"error building [{MULTI_MATCH}]: expects at least two arguments")
    query = _query(node, node.arguments[0])
    return {MULTI_MATCH: {"query": query, "fields": list(fields_of(node)), **options}}


def _query(node: Node, argument: Node) -> Any:
    if not isinstance(argument, Constant) or isinstance(argument.value, tuple):
        which = "second argument" if not isinstance(node, Call) or len(node.arguments) > 1 else "argument"
        fail(node.at, f"{which} of [{node.text}] must be a constant, received [{argument.text}]")
    if argument.value is None:
        fail(node.at, f"argument of [{node.text}] cannot be null, received [{argument.text}]")
    return argument.value


def field_of(node: Node) -> str:
    """Return the name of the field that a function looks into.

    Raises:
        VerificationError: it looks into something else.
    """
    operand = node.operand if isinstance(node, Matches) else node.arguments[0] if isinstance(node, Call) else node
    inner = operand.operand if isinstance(operand, Conversion) else operand
    if not isinstance(inner, Name):
        fail(node.at, f"{called(node)} cannot operate on [{operand.text}], which is not a field from an index mapping")
    return inner.name


def fields_of(node: Node) -> tuple[str, ...]:
    """Return the names of the fields that a function looks into; none for one that looks into documents.

    Raises:
        VerificationError: it looks into something else.
    """
    if isinstance(node, Call) and node.function.lower() == MULTI_MATCH:
        return tuple(field_of(replace(node, arguments=(argument,))) for argument in node.arguments[1:])
    if isinstance(node, Matches) or (isinstance(node, Call) and node.function.lower() in OF_FIELDS):
        return (field_of(node),)
    return ()


def check_place(node: Node, past: str, attributes: Mapping[str, Attribute]) -> None:
    """Check that a function stands where the documents are still those that were read.

    Raises:
        VerificationError: it does not, or its field is no longer one of theirs.
    """
    if past:
        fail(node.at, f"{called(node)} cannot be used after {past}")
    for name in fields_of(node):
        if attributes[name].field != name:
            fail(node.at, f"{called(node)} cannot operate on [{name}], which is not a field from an index mapping")
