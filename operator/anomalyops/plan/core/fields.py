"""How a field can be changed, and how two values of it are compared: the rows of the tables that plans follow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from anomalyops.plan.core import meaning
from anomalyops.plan.core.meaning import JsonValue, Meaning


class FieldClass(StrEnum):
    """What has to happen around a change of a field."""

    LIVE = "live"  # one update, whatever state job and datafeed are in
    CLOSED_JOB = "closed job"  # refused while the job is open
    REOPEN = "reopen"  # accepted at any time, used by the job only after it was closed and opened
    STOPPED_FEED = "stopped datafeed"  # refused while the datafeed runs; the job may stay open
    IMMUTABLE = "immutable"  # only a new job or datafeed can have another value
    STAYS = "stays"  # the server takes another value, and cannot be told to forget the one that it has
    NOT_KEPT = "not kept"  # accepted at creation and then forgotten by the server: never compared


STAYS: Any = object()
"""The `unset` of a field that the server cannot be told to forget."""


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a table.

    Attributes:
        path: In server names.
        field_class: What a change needs.
        meaning: How two values are compared.
        model_input: Whether it decides which data the model learns from: a change makes what it has learned
            belong to other data, though the server allows it.
        unset: The value that is as good as none, to take back one that a manifest gave and gives no more; None
            where the key is left out of an object that is replaced whole.
    """

    path: str
    field_class: FieldClass
    meaning: Meaning = meaning.as_given
    model_input: bool = False
    unset: JsonValue = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The path in parts."""
        return tuple(self.path.split("."))


def of_class(fields: Iterable[Field], *classes: FieldClass) -> tuple[Field, ...]:
    """The rows of these classes."""
    return tuple(field for field in fields if field.field_class in classes)
