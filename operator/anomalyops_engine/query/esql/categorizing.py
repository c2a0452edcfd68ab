"""CATEGORIZE: rows grouped by what their messages have in common.

The different messages are put in categories once, before the rows are grouped, and each row finds that of its message
by a join. As Elasticsearch has it, CATEGORIZE stands alone as the first key of STATS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from anomalyops_engine.analyzers.analyzer import Analyzer, UnsupportedAnalyzer, custom_analyzer, named_analyzer
from anomalyops_engine.config.categorization import DEFAULT_ANALYZER
from anomalyops_engine.query.esql.frames import Frame
from anomalyops_engine.query.esql.functions.function import TEXT, Function
from anomalyops_engine.query.esql.operands import Operand
from anomalyops_engine.query.esql.scope import Scope, fail, nodes_of
from anomalyops_engine.query.esql.syntax import Call, Name, Node, Stats
from anomalyops_engine.query.expr import Aggregate, Column, Join, Literal, Member, Relation, Select, Star, call
from anomalyops_engine.query.text_categories import USUAL_THRESHOLD, TextCategory, categories_of

NAME: Final = "categorize"
# As ES|QL has it on a cluster: other words than those of jobs, which leave out numbers.
_USUAL: Final[dict[str, Any]] = {"tokenizer": "standard", "filter": DEFAULT_ANALYZER["filter"]}
_SHOWN: Final[Mapping[str, Callable[[TextCategory], str]]] = {
    "regex": lambda category: category.regex,
    "tokens": lambda category: category.tokens,
}
_OPTIONS: Final = ("analyzer", "output_format", "similarity_threshold")
_MOST_PERCENT: Final = 100
_CHECKED: Final = Function((TEXT,), lambda scope, node, operands: operands[0])


def is_categorize(node: Node) -> bool:
    """Return whether an expression is a call of CATEGORIZE."""
    return isinstance(node, Call) and node.function.lower() == NAME


def check_places(command: Stats) -> None:
    """Check where CATEGORIZE stands in a command.

    Raises:
        VerificationError: it is not the first key, or inside of something.
    """
    for number, group in enumerate(command.groups):
        for node in nodes_of(group.expression):
            if not is_categorize(node):
                continue
            called = f"CATEGORIZE grouping function [{node.text}]"
            if number:
                fail(node.at, f"{called} can only be in the first grouping expression")
            if node is not group.expression:
                fail(node.at, f"{called} can't be used within other expressions")
            if command.inline:
                fail(node.at, f"CATEGORIZE [{node.text}] is not yet supported with INLINE STATS [{command.at.text}]")


def check_aggregated(argument: Node, names: Sequence[str]) -> None:
    """Check that what is aggregated is no category.

    Args:
        argument: of an aggregate.
        names: of the columns of categories.

    Raises:
        VerificationError: it is one.
    """
    for node in nodes_of(argument):
        if is_categorize(node):
            fail(node.at, f"cannot use CATEGORIZE grouping function [{node.text}] within an aggregation")
        if isinstance(node, Name) and node.name in names:
            fail(node.at, f"cannot reference CATEGORIZE grouping function [{node.text}] within an aggregation")


def categorized(frame: Frame, node: Call, argument: Operand, scope: Scope) -> tuple[Frame, str]:
    """Return the rows with the categories of their messages, a row for each of several messages; and the column.

    Args:
        frame: the rows.
        node: the call.
        argument: what is categorized.
        scope: of the command.

    Raises:
        VerificationError: there is no such option, or it has no such value.
    """
    analyzer, show, threshold = _options(node)
    checked = _CHECKED.build(scope, replace(node, options=()), [argument])
    value = call("unnest", call("coalesce", checked.expr, Literal((None,), "VARCHAR[]")))
    frame, (message,) = frame.with_columns([Operand(value if checked.multi else checked.expr, "keyword")], "t")
    assert scope.fetched is not None  # noqa: S101 (statements are planned where they are run)
    column = Column(message)
    counted = Select((column.named("text"), Aggregate("count").named("n")), frame.relation, group=(column,))
    found = [(text, int(n)) for text, n in scope.fetched(counted) if text is not None]
    places, categories = categories_of([text for text, _ in found], [n for _, n in found], analyzer, threshold)
    shown = [show(category) for category in categories]
    pairs = [(text, shown[place]) for (text, _), place in zip(found, places, strict=True) if place is not None]
    name = f"{message}_c"
    texts = Member("texts", _pairs(pairs, message, name), (message,), outer=True)
    joined = Join((Member("rows", frame.relation), texts))
    return replace(frame, relation=Select((Star(),), joined)), name


def _pairs(pairs: Sequence[tuple[str, str]], text: str, category: str) -> Relation:
    """Return texts with their categories as rows."""
    lists = (Literal(tuple(pair[place] for pair in pairs), "VARCHAR[]") for place in (0, 1))
    columns = zip(lists, (text, category), strict=True)
    return Select(tuple(call("unnest", values).named(name) for values, name in columns))


def _options(node: Call) -> tuple[Analyzer, Callable[[TextCategory], str], int]:
    given: dict[str, Any] = {}
    for key, constant in node.options:
        if key not in _OPTIONS:
            fail(node.at, f"Invalid option [{key}] in [{node.text}], expected one of [{', '.join(_OPTIONS)}]")
        given[key] = constant.value
    show = _SHOWN.get(str(given.get("output_format", "regex")).lower())
    if show is None:
        fail(
            node.at,
            f"Invalid option [output_format] in [{node.text}], expected one of [REGEX, TOKENS] but got "
            f"[{given['output_format']}]",
        )
    threshold = given.get("similarity_threshold", USUAL_THRESHOLD)
    if isinstance(threshold, bool) or not isinstance(threshold, int) or not 1 <= threshold <= _MOST_PERCENT:
        fail(
            node.at,
            f"Invalid option [similarity_threshold] in [{node.text}], expected an integer between 1 and 100 but got "
            f"[{threshold}]",
        )
    try:
        name = given.get("analyzer")
        analyzer = custom_analyzer(_USUAL) if name is None else named_analyzer(str(name))
    except UnsupportedAnalyzer as error:
        fail(node.at, f"Invalid option [analyzer] in [{node.text}]: {error}")
    return analyzer, show, threshold
