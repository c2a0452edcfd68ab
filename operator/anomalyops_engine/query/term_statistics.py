"""Counts of the documents of an index that scores are made of, each made once in a search."""

from __future__ import annotations

from collections.abc import Sequence

from anomalyops_engine.query import sql
from anomalyops_engine.query.documents_of import documents_of
from anomalyops_engine.query.dsl.scoring import FieldFigures
from anomalyops_engine.query.expr import TRUE, Aggregate, Column, Expr, Literal, Order, Select, all_of, call
from anomalyops_engine.store import Field, Index, Reader


class TermStatistics:
    """Counts documents of an index in a snapshot.

    Args:
        reader: the snapshot.
        index: the index.
        first: how many first writes to the index brought the documents that count; None for all.
    """

    def __init__(self, reader: Reader, index: Index, first: int | None) -> None:
        self._reader = reader
        self._index = index
        self._first = first
        self._counts: dict[Expr, int] = {}

    def of_field(self, leaf: Field, words: Expr) -> FieldFigures:
        """Return the figures of a field; see `Statistics`.

        Making words of all texts takes the longest of a search, so the store remembers what came of it. A later write
        takes a higher number, and of those that there are documents only get fewer: as long as the highest number and
        their count are the same, they are the same documents.
        """
        ((last, count),) = self._fetch((Aggregate("max", (Column("_seq_no"),)), Aggregate("count")), TRUE)
        key = ("field figures", self._index.uuid, self._first, last, count, words)
        return self._reader.remembered(key, lambda: self._figures(words))

    def _figures(self, words: Expr) -> FieldFigures:
        length = Column("length")
        inner = Select((call("len", words).named("length"),), documents_of(self._index), self._where(TRUE))
        columns = (Aggregate("count").named("documents"), Aggregate("sum", (length,)).named("terms"))
        ((documents, terms),) = sql.fetch(self._reader.connection, Select(columns, inner, length > 0))
        return FieldFigures(documents, int(terms or 0))

    def counts(self, conditions: Sequence[Expr]) -> list[int]:
        """Return how many documents fulfil each condition; see `Statistics`."""
        wanted = [each for each in dict.fromkeys(conditions) if each not in self._counts]
        if len(wanted) == 1:
            # A single condition is a filter, which the database pushes into its scan.
            ((self._counts[wanted[0]],),) = self._fetch((Aggregate("count"),), wanted[0])
        elif wanted:
            (row,) = self._fetch([Aggregate("count", where=each) for each in wanted], TRUE)
            self._counts.update(zip(wanted, row, strict=True))
        return [self._counts[each] for each in conditions]

    def having(self, words: Expr, wanted: Sequence[str], likely: Expr) -> list[int]:
        """Return how many documents have each of some words; see `Statistics`.

        The words of a document are made once, however many are wanted.
        """
        inner = Select((words.named("words"),), documents_of(self._index), self._where(likely))
        kinds = list(dict.fromkeys(wanted))
        counts = tuple(
            Aggregate("count", where=call("list_contains", Column("words"), word)).named(f"n{number}")
            for number, word in enumerate(kinds)
        )
        (row,) = sql.fetch(self._reader.connection, Select(counts, inner))
        found = dict(zip(kinds, row, strict=True))
        return [int(found[word]) for word in wanted]

    def words_beginning(self, words: Expr, begun: str, most: int) -> list[str]:
        """Return the words that begin so; see `Statistics`."""
        word = Column("word")
        every = Select((call("unnest", words).named("word"),), documents_of(self._index), self._where(TRUE))
        begins = call("starts_with", word, begun)
        first = Select((word.named("word"),), every, begins, group=(word,), order=(Order(word),), limit=most)
        return [found for (found,) in sql.fetch(self._reader.connection, first)]

    def _fetch(self, aggregates: Sequence[Expr], where: Expr) -> list[tuple[int, ...]]:
        columns = tuple(each.named(f"n{number}") for number, each in enumerate(aggregates))
        return sql.fetch(self._reader.connection, Select(columns, documents_of(self._index), self._where(where)))

    def _where(self, condition: Expr) -> Expr:
        return condition if self._first is None else all_of([Column("_seq_no") < Literal(self._first), condition])
