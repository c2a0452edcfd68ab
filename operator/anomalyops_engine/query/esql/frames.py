"""Rows between two commands: a relation, and what its columns are called in the statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from anomalyops_engine.query.esql.datatypes import DataType
from anomalyops_engine.query.esql.operands import Operand, is_constant
from anomalyops_engine.query.expr import Column, Named, Order, Relation, Select, Star


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column.

    Attributes:
        name: what the statement calls it.
        type: its type.
        column: its name in the relation, which is the engine's own.
        multi: it holds lists.
        conflict: why it cannot be used; empty where it can.
        field: the field of documents that it is; empty for what was computed.
        origin: what it was computed as, where that is the same for every row; None elsewhere.
        variants: the field by type, where indices map it to several; a document has a value in one of them.
    """

    name: str
    type: DataType
    column: str
    multi: bool = False
    conflict: str = ""
    field: str = ""
    origin: Operand | None = None
    variants: tuple[Operand, ...] = ()

    @property
    def operand(self) -> Operand:
        """Its value in a row."""
        if self.origin is not None:
            return self.origin
        return Operand(Column(self.column), self.type, self.multi)


@dataclass(frozen=True, slots=True)
class Frame:
    """Rows.

    Attributes:
        relation: the rows.
        attributes: their columns, in order; the relation may have others.
        order: how they are sorted, by columns of the relation.
        made: how many columns were made, to name the next one.
        past: the command that made rows of something else than documents; empty as long as they are documents.
    """

    relation: Relation
    attributes: tuple[Attribute, ...]
    order: tuple[Order, ...] = ()
    made: int = 0
    past: str = ""

    def get(self, name: str) -> Attribute | None:
        """Return the column of a name, None when there is none."""
        return next((attribute for attribute in self.attributes if attribute.name == name), None)

    def with_columns(self, operands: Sequence[Operand], prefix: str = "e") -> tuple[Frame, list[str]]:
        """Return the rows with further columns, and how the relation calls these; no attributes name them."""
        columns = [f"{prefix}{self.made + number}" for number in range(len(operands))]
        named: list[Named] = [operand.expr.named(column) for operand, column in zip(operands, columns, strict=True)]
        relation = Select((Star(), *named), self.relation) if named else self.relation
        return replace(self, relation=relation, made=self.made + len(columns)), columns

    def with_values(self, values: Sequence[tuple[str, Operand]]) -> Frame:
        """Return the rows with new columns at the end, in place of those that have their names."""
        frame, columns = self.with_columns([operand for _, operand in values])
        made = [
            Attribute(name, operand.type, column, operand.multi, origin=operand if is_constant(operand.expr) else None)
            for (name, operand), column in zip(values, columns, strict=True)
        ]
        return replace(frame, attributes=overlaid(self.attributes, made))


def overlaid(attributes: Iterable[Attribute], added: Iterable[Attribute]) -> tuple[Attribute, ...]:
    """Return columns with others behind them; of equal names the last one stays."""
    found: dict[str, Attribute] = {}
    for attribute in (*attributes, *added):
        found.pop(attribute.name, None)
        found[attribute.name] = attribute
    return tuple(found.values())
