"""Frozen records of configurations, each made from one table of fields.

A record class lists its fields, and each field is one row of its table: how a JSON value is read and judged, what
stands where none is given, when an update may change it, and how it is shown. Parsing, completing, merging, loading and
rendering are done here for all of them, so a new field is one row.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Final, Self, TypeVar, dataclass_transform

from anomalyops_engine.config.reading import Parser, Read, WrongType, mapping, nested_list
from anomalyops_engine.json_types import Json, JsonObject


class Change(StrEnum):
    """When an update may change a field, and when that takes effect."""

    NEVER = "never"
    """It is fixed when the configuration is created."""
    AT_ONCE = "at once"
    """At any time; whoever needs it reads it anew."""
    LIVE = "live"
    """At any time; a running analysis is told."""
    CLOSED = "closed"
    """Only while the job is closed (the datafeed stopped)."""
    WITHIN = "within"
    """Its own fields say it for themselves; an update names them without it."""


class _Absent:
    """Marks that a row has no default: the field must be given, or is filled in at creation."""


ABSENT: Final = _Absent()
Values = Mapping[str, Any]


def _given(value: Any, _: Any) -> bool:
    return value is not None


def when_true(value: Any, _: Any) -> bool:
    """Show a field only when it says something: not for false, zero or nothing."""
    return bool(value)


def never(*_: Any) -> None:
    """Leave a field out of what `exclude_generated` shows."""


@dataclass(frozen=True, slots=True)
class Row:
    """One field of a record.

    Attributes:
        read: makes the value of a JSON value, or refuses it.
        check: refuses values that a stored configuration may still have; called with the field's name and the value.
        default: the value where none is given; ABSENT when there is none.
        at_creation: makes the value where a new configuration gives none, of the values known so far.
        change: when an update may change it.
        updated_as: what an update calls it; its own name if empty.
        read_update: reads an update's value, if that has another form.
        merge: makes the new value of the present one and an update's.
        shown: whether a value is shown, with the record that has it.
        exported: what `exclude_generated` shows of a value, with the record that has it; None for nothing.
        server: only the server sets it; a client's body must not name it.
        name: its name, which is the JSON key.
    """

    read: Read
    check: Callable[[str, Any], None] | None
    default: Any
    at_creation: Callable[[Values], Any] | None
    change: Change
    updated_as: str
    read_update: Read | None
    merge: Callable[[Any, Any], Any] | None
    shown: Callable[[Any, Any], bool]
    exported: Callable[[Any, Any], Any] | None
    server: bool
    name: str = ""

    @property
    def update_name(self) -> str:
        """What an update calls it."""
        return self.updated_as or self.name

    def judged(self, field: str, value: Json) -> Any:
        """Read a client's value.

        Raises:
            MlError: it cannot be read, or is not allowed.
        """
        found = self.read(field, value)
        if self.check is not None:
            self.check(field, found)
        return found

    def judged_update(self, field: str, value: Json) -> Any:
        """Read a client's value in an update; raises like `judged`."""
        return self.judged(field, value) if self.read_update is None else self.read_update(field, value)

    def absent(self, known: Values, *, new: bool) -> Any:
        """Return the value where none is given.

        Args:
            known: the values of the rows before this one.
            new: whether the configuration is being created; else it was stored before the field existed.

        Raises:
            KeyError: there must be one.
        """
        if self.at_creation is not None and (new or self.default is ABSENT):
            return self.at_creation(known)
        if self.default is ABSENT:
            raise KeyError(self.name)
        return self.default


def row(
    read: Read,
    *,
    check: Callable[[str, Any], None] | None = None,
    default: Any = ABSENT,
    at_creation: Callable[[Values], Any] | None = None,
    change: Change = Change.NEVER,
    updated_as: str = "",
    read_update: Read | None = None,
    merge: Callable[[Any, Any], Any] | None = None,
    shown: Callable[[Any, Any], bool] = _given,
    exported: Callable[[Any, Any], Any] | None = None,
    server: bool = False,
) -> Any:
    """Declare a field of a record; see `Row` for what the options mean."""
    made = Row(read, check, default, at_creation, change, updated_as, read_update, merge, shown, exported, server)
    if default is ABSENT:
        return dataclasses.field(metadata={"row": made})
    return dataclasses.field(default=default, metadata={"row": made})


class Record:
    """Base of all records.

    Attributes:
        PARSER: what Elasticsearch calls the parser of its body.
        ALIASES: other spellings of its keys.
        REQUIRED: keys that must be given.
        DROPPED: keys that are read and not kept.
        ROWS: its table, in the order of its fields.
    """

    __slots__ = ()
    PARSER: ClassVar[str] = ""
    ALIASES: ClassVar[Mapping[str, str]] = {}
    REQUIRED: ClassVar[tuple[str, ...]] = ()
    DROPPED: ClassVar[Mapping[str, Read]] = {}
    ROWS: ClassVar[tuple[Row, ...]] = ()

    def check(self) -> None:
        """Raise MlError when the fields contradict each other."""

    @classmethod
    def prepared(cls, given: Values) -> Values:
        """Return the given values of a new configuration as they are to be kept."""
        return given

    @classmethod
    def parser(cls, **further: Read) -> Parser:
        """Return the strict parser of a body, which may hold `further` keys."""
        readers = {made.name: made.judged for made in cls.ROWS if not made.server}
        return Parser(cls.PARSER, {**readers, **cls.DROPPED, **further}, cls.ALIASES, cls.REQUIRED)

    @classmethod
    def parse(cls, body: Json) -> Self:
        """Return the record that a client's body describes.

        Raises:
            MlError: 400, with the text and nesting of Elasticsearch's parsers.
        """
        return cls.complete(cls.parser().parse(body))

    @classmethod
    def complete(cls, given: Values) -> Self:
        """Return a new record of the given values, with what is absent filled in, checked.

        Raises:
            MlError: the fields contradict each other.
        """
        made = cls._filled(cls.prepared(given), new=True)
        made.check()
        return made

    @classmethod
    def load(cls, stored: JsonObject) -> Self:
        """Return a record from its rendered form, which was checked when it was made."""
        found = {
            made.name: getattr(made.read, "stored", made.read)(made.name, stored[made.name])
            for made in cls.ROWS
            if stored.get(made.name) is not None
        }
        return cls._filled(found, new=False)

    @classmethod
    def _filled(cls, given: Values, *, new: bool) -> Self:
        values = {name: value for name, value in given.items() if name not in cls.DROPPED}
        for made in cls.ROWS:
            if made.name not in values:
                values[made.name] = made.absent(values, new=new)
        return cls(**values)

    def render(self) -> JsonObject:
        """Return the record as the API shows it."""
        found = ((made.name, getattr(self, made.name), made) for made in self.ROWS)
        return {name: rendered(value) for name, value, made in found if made.shown(value, self)}

    def export(self) -> JsonObject:
        """Return the record without what the server made, fit to create it elsewhere."""
        shown: JsonObject = {}
        for made in self.ROWS:
            value = getattr(self, made.name)
            if made.exported is not None:
                value = made.exported(value, self)
            if made.shown(value, self):
                shown[made.name] = rendered(value)
        return shown

    @classmethod
    def updatable(cls) -> dict[str, Row]:
        """Return the rows that an update may name, by the name that it uses."""
        found: dict[str, Row] = {}
        for made in cls.ROWS:
            if made.change is Change.WITHIN and isinstance(made.read, Nested):
                found |= made.read.record.updatable()
            elif made.change is not Change.NEVER:
                found[made.update_name] = made
        return found

    def merged(self, given: Values) -> Self:
        """Return the record with an update's values, by the names that an update uses, checked; None changes nothing.

        Raises:
            MlError: 400.
        """
        changes: dict[str, Any] = {}
        for made in self.ROWS:
            present = getattr(self, made.name)
            if made.change is Change.WITHIN:
                changes[made.name] = present.merged(given)
            elif made.change is not Change.NEVER and given.get(made.update_name) is not None:
                value = given[made.update_name]
                changes[made.name] = made.merge(present, value) if made.merge is not None else value
        changed = dataclasses.replace(self, **changes)  # type: ignore[type-var] # records are dataclasses
        changed.check()
        return changed


def rendered(value: Any) -> Json:
    """Return a field's value as JSON."""
    if isinstance(value, tuple):
        return [rendered(item) for item in value]
    if isinstance(value, dict):
        return {name: rendered(item) for name, item in value.items()}
    render = getattr(value, "render", None)
    return value if render is None else render()


R = TypeVar("R", bound=Record)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(row,))
def record(
    parser: str,
    *,
    aliases: Mapping[str, str] | None = None,
    required: tuple[str, ...] = (),
    dropped: Mapping[str, Read] | None = None,
) -> Callable[[type[R]], type[R]]:
    """Make a record of a class whose fields are declared with `row`; see `Record` for the options."""

    def decorate(cls: type[R]) -> type[R]:
        made = dataclass(frozen=True, slots=True, kw_only=True)(cls)
        made.PARSER, made.ALIASES, made.REQUIRED, made.DROPPED = parser, aliases or {}, required, dropped or {}
        made.ROWS = tuple(
            dataclasses.replace(field.metadata["row"], name=field.name)
            for field in dataclasses.fields(made)  # type: ignore[arg-type] # it is one
        )
        return made

    return decorate


@dataclass(frozen=True, slots=True)
class Nested:
    """Reads an object as a record."""

    record: type[Record]

    def __call__(self, field: str, value: Json) -> Record:
        """Read a client's object."""
        return self.record.parse(mapping(field, value))

    def stored(self, _: str, value: JsonObject) -> Record:
        """Read a stored object."""
        return self.record.load(value)


@dataclass(frozen=True, slots=True)
class Each:
    """Reads a list of objects as a tuple of records; a single object counts as a list of one."""

    record: type[Record]

    def __call__(self, _: str, value: Json) -> tuple[Record, ...]:
        """Read a client's list."""
        return tuple(self.record.parse(item) for item in listed(value))

    def stored(self, _: str, value: list[JsonObject]) -> tuple[Record, ...]:
        """Read a stored list."""
        return tuple(self.record.load(item) for item in value)


def listed(value: Json) -> list[Json]:
    """Return a list of objects; a single object counts as a list of one.

    Raises:
        WrongType: it is neither.
        MlError: a list within the list.
    """
    if isinstance(value, dict):
        return [value]
    if not isinstance(value, list):
        raise WrongType
    if any(isinstance(item, list) for item in value):
        raise nested_list()
    return value


@dataclass(frozen=True, slots=True)
class ByName:
    """Reads an object whose keys are names and whose values are records of one kind."""

    record: type[Record]

    def __call__(self, field: str, value: Json) -> dict[str, Record]:
        """Read a client's object."""
        return {name: self.record.parse(item) for name, item in mapping(field, value).items()}

    def stored(self, _: str, value: JsonObject) -> dict[str, Record]:
        """Read a stored object."""
        return {name: self.record.load(item) for name, item in value.items()}
