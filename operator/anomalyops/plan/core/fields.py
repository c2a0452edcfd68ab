"""How a field can be changed, and how two values of it are compared: the rows of the tables that plans follow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from anomalyops.plan.core import meaning
from anomalyops.plan.core.meaning import Meaning


class FieldClass(StrEnum):
    """What has to happen around a change of a field."""

    LIVE = "live"  # one update, whatever state job and datafeed are in
    CLOSED_JOB = "closed job"  # refused while the job is open
    REOPEN = "reopen"  # accepted at any time, used by the job only after it was closed and opened
    STOPPED_FEED = "stopped datafeed"  # refused while the datafeed runs; the job may stay open
    IMMUTABLE = "immutable"  # only a new job or datafeed can have another value
    NOT_KEPT = "not kept"  # accepted at creation and then forgotten by the server: never compared


@dataclass(frozen=True, slots=True)
class Field:
    """One row: `path` in server names, the class, how two values are compared.

    `model_input` marks what decides which data the model learns from: a change makes what it has learned
    belong to other data, though the server allows it.
    """

    path: str
    field_class: FieldClass
    meaning: Meaning = meaning.as_given
    model_input: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """The path in parts."""
        return tuple(self.path.split("."))


def of_class(fields: Iterable[Field], *classes: FieldClass) -> tuple[Field, ...]:
    """The rows of these classes."""
    return tuple(field for field in fields if field.field_class in classes)
