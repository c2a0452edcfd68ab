"""What can be wrong with an ES|QL query: that it cannot be read, or that what it says does not go together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from anomalyops_engine.query.errors import QueryError, QueryParsingError, UnsupportedQueryError
from anomalyops_engine.query.esql.places import Place


class StatementError(QueryParsingError):
    """The text is no statement.

    Attributes:
        mismatched: it has something in a place where the grammar has something else.
    """

    def __init__(self, place: Place, what: str, *, mismatched: bool = False) -> None:
        self.mismatched = mismatched
        super().__init__(f"line {place.line}:{place.column}: {what}")

    def as_cause(self) -> dict[str, Any]:
        """Return the error object, with the exception of the parser behind it."""
        body = super().as_cause()
        if self.mismatched:
            body["caused_by"] = {"type": "input_mismatch_exception", "reason": None}
        return body


class VerificationError(QueryError):
    """The statement is one, but names what is not there or puts together what does not fit."""

    type = "verification_exception"


def not_served(what: str, place: Place) -> UnsupportedQueryError:
    """Return the refusal of a part of ES|QL that this engine lacks."""
    return UnsupportedQueryError(f"line {place.line}:{place.column}: {what} is not supported by this engine")


@dataclass(slots=True)
class Problems:
    """What is wrong with a statement, in the order of its text.

    What is not there (`unresolved`) is told alone: what follows from it is no news.

    Attributes:
        unresolved: names of nothing.
        failures: what does not go together.
    """

    unresolved: dict[tuple[int, str], None] = field(default_factory=dict)
    failures: dict[tuple[int, str], None] = field(default_factory=dict)
    _places: dict[tuple[int, str], Place] = field(default_factory=dict)

    def missing(self, place: Place, what: str) -> None:
        """Note a name of nothing."""
        self.unresolved[place.start, what] = None
        self._places[place.start, what] = place

    def wrong(self, place: Place, what: str) -> None:
        """Note what does not go together."""
        self.failures[place.start, what] = None
        self._places[place.start, what] = place

    def check(self) -> None:
        """Refuse the statement when something is wrong with it.

        Raises:
            VerificationError: something is.
        """
        found = self.unresolved or self.failures
        if found:
            raise verification_error((self._places[key], key[1]) for key in found)


def verification_error(problems: Iterable[tuple[Place, str]]) -> VerificationError:
    """Return the error that lists what is wrong, each with its place."""
    lines = [f"line {place.line}:{place.column}: {what}" for place, what in problems]
    return VerificationError("\n".join([f"Found {len(lines)} problem{'s' if len(lines) > 1 else ''}", *lines]))
