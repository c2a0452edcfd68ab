"""The first reading of a file: every row of it, for the types of its fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from anomalyops_reading.columns import Column, Evidence, FieldType, guess_type
from anomalyops_reading.errors import LoadError
from anomalyops_reading.numbers import PLAIN, Notation, find_notation
from anomalyops_reading.rows import Batch, Objects, Table
from anomalyops_reading.timestamps import TimeError, TimeFormat, TimeOptions, detect, named

_RULE: Final = 0.9
_MANY_FIELDS: Final = 1_000
_SHOWN: Final = 3
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})


@dataclass(frozen=True, slots=True)
class TimeField:
    """Where the time of a row is.

    Attributes:
        name: the field that holds it in the index.
        parts: the columns that make it up, in order; just `name` where the file has it whole.
    """

    name: str
    parts: tuple[str, ...]

    @property
    def joined(self) -> bool:
        """Whether it is put together from several columns."""
        return len(self.parts) > 1

    @classmethod
    def parse(cls, text: str, taken: Sequence[str]) -> TimeField:
        """Return the time field that a user names: `FIELD`, `DATE+TIME` or `NAME=DATE+TIME`.

        Args:
            text: what the user writes.
            taken: the fields of the file, which may have a plus sign in their names.
        """
        if text in taken or "+" not in text:
            return cls(text, (text,))
        name, _, parts = text.rpartition("=")
        return cls(name or ("timestamp" if "timestamp" not in taken else "@timestamp"), tuple(parts.split("+")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the user says about the contents of a file.

    Attributes:
        time_field: where the time is, as the user writes it.
        time_format: how it is written, None to find out.
        time: zone and missing parts of times.
        types: types by field.
        decimal: `.` or `,`, None to find out.
        nulls: texts that stand for no value, in every column.
    """

    time_field: str
    time_format: str | None = None
    time: TimeOptions = field(default_factory=TimeOptions)
    types: Mapping[str, FieldType] = field(default_factory=dict)
    decimal: str | None = None
    nulls: frozenset[str] = frozenset()


@dataclass(slots=True)
class Survey:
    """What the first reading found.

    Attributes:
        rows: how many rows there are, readable or not.
        unreadable: how many of them could not be read.
        evidence: of each field.
        textual: whether cells are text, which may stand for anything.
        first: the time of the first row, as the file has it.
        last: the time of the last row.
        ids: whether the file gives ids.
    """

    rows: int = 0
    unreadable: int = 0
    evidence: dict[str, Evidence] = field(default_factory=dict)
    textual: bool = True
    first: str = ""
    last: str = ""
    ids: bool = False
    columns: list[Column] = field(default_factory=list)
    time: TimeField = field(default_factory=lambda: TimeField("", ()))

    @property
    def time_column(self) -> Column:
        """The column of times."""
        return next(column for column in self.columns if column.name == self.time.name)


def survey(batches: Iterator[Batch], wishes: Wishes, on_progress: Callable[[int], None]) -> Survey:
    """Read all rows and say what each field is.

    Args:
        batches: the rows.
        wishes: what the user says.
        on_progress: called with the rows that have been looked at.

    Raises:
        LoadError: no row can be read, the time field is missing or unreadable, or a given type belongs to no field.
    """
    found = Survey()
    joined = Evidence()
    for batch in batches:
        found.rows += len(batch.rows) + len(batch.unreadable)
        found.unreadable += len(batch.unreadable)
        if batch.rows and not found.time.name:
            fields = list(batch.names) if isinstance(batch, Table) else [name for name, _ in _leaves(batch.rows[0])]
            found.time = TimeField.parse(wishes.time_field, fields)
        if isinstance(batch, Table):
            _add_cells(found, batch, wishes, joined)
        else:
            _add_objects(found, batch)
        on_progress(found.rows)
    if not found.evidence:
        raise LoadError("no row could be read")
    _decide(found, wishes, joined)
    return found


def _add_cells(found: Survey, batch: Table, wishes: Wishes, joined: Evidence) -> None:
    if not batch.rows:
        return
    by_column = dict(zip(batch.names, zip(*batch.rows, strict=True), strict=True))
    for name, cells in by_column.items():
        found.evidence.setdefault(name, Evidence()).add(cells, wishes.nulls)
    if not set(found.time.parts) <= by_column.keys():
        return
    times: Sequence[str] = by_column[found.time.name] if not found.time.joined else _joined(by_column, found.time)
    if found.time.joined:
        joined.add(times, wishes.nulls)
    _note_ends(found, times)


def _joined(by_column: Mapping[str, Sequence[str]], time: TimeField) -> list[str]:
    """Return the times that several columns make up."""
    columns = [by_column[part] for part in time.parts]
    return [" ".join(filter(None, parts)) for parts in zip(*columns, strict=True)]


def _add_objects(found: Survey, batch: Objects) -> None:
    found.textual = False
    found.ids = found.ids or any(doc_id is not None for doc_id in batch.ids)
    values = _flat_columns(batch.rows)
    if values is None:
        values = {}
        for row in batch.rows:
            for name, value in _leaves(row):
                values.setdefault(name, []).append(value)
    for name, listed in values.items():
        found.evidence.setdefault(name, Evidence()).add_json(listed)
    if len(found.evidence) > _MANY_FIELDS:
        raise LoadError(f"the rows have more than {_MANY_FIELDS:,} different fields, which an index does not take")
    _note_ends(found, [str(value) for value in values.get(found.time.name, ()) if value not in (None, "")])


def _flat_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]] | None:
    """Return the values of rows that all have the same fields and nothing inside them; None where they have not."""
    if not rows or any(row.keys() != rows[0].keys() for row in rows):
        return None
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return columns if all(_SCALARS.issuperset(map(type, values)) for values in columns.values()) else None


def _note_ends(found: Survey, times: Sequence[str]) -> None:
    if times:
        found.first = found.first or times[0]
        found.last = times[-1]


def _leaves(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in row.items():
        name = prefix + key
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{name}.")
        elif isinstance(value, list):
            for item in value or [None]:
                if isinstance(item, Mapping):
                    yield from _leaves(item, f"{name}.")
                else:
                    yield name, item
        else:
            yield name, value


def _decide(found: Survey, wishes: Wishes, joined: Evidence) -> None:
    fields = ", ".join(found.evidence)
    missing = [part for part in found.time.parts if part not in found.evidence]
    if missing:
        raise LoadError(f"time field {missing[0]!r} is not in the file; its fields: {fields}")
    unknown = sorted(set(wishes.types) - set(found.evidence))
    if unknown:
        raise LoadError(f"--type is given for {', '.join(unknown)}, but the file's fields are: {fields}")
    if found.time.joined and found.time.name in found.evidence:
        raise LoadError(f"the time that {'+'.join(found.time.parts)} make needs a name of its own: NAME=DATE+TIME")
    times = joined if found.time.joined else found.evidence[found.time.name]
    time_format = _time_format(found.time.name, times, wishes)
    found.columns = [
        _column(name, evidence, wishes, textual=found.textual)
        if name != found.time.name
        else Column(name, FieldType.DATE, time_format, nulls=wishes.nulls)
        for name, evidence in found.evidence.items()
    ]
    if found.time.joined:
        note = f"from {' and '.join(found.time.parts)}"
        found.columns.insert(0, Column(found.time.name, FieldType.DATE, time_format, notes=(note,)))


def _time_format(name: str, evidence: Evidence, wishes: Wishes) -> TimeFormat:
    if wishes.time_format is not None:
        return named(wishes.time_format, wishes.time)
    values = [text.strip() for text in (*evidence.words, *evidence.numbers)]
    try:
        return detect(values, wishes.time, complete=False)
    except TimeError as error:
        raise LoadError(f"time field {name!r}: {error}, or with --time-format") from error


def _column(name: str, evidence: Evidence, wishes: Wishes, *, textual: bool) -> Column:
    chosen = wishes.types.get(name)
    kind = chosen or guess_type(evidence)
    nulls = wishes.nulls
    values = [*evidence.words, *evidence.numbers]
    notation = PLAIN
    notes: list[str] = []
    if textual and kind not in {FieldType.KEYWORD, FieldType.TEXT} and evidence.nulls:
        nulls |= evidence.nulls.keys()
        words = ", ".join(f"{word!r} ({number:,})" for word, number in list(evidence.nulls.items())[:_SHOWN])
        notes.append(f"no value: {words}")
    written = evidence.share("number") + evidence.share("separated")
    if textual and evidence.kinds.get("separated") and written == 1 and chosen in _NUMBERS | {None}:
        found = find_notation(name, values, wishes.decimal)
        if found is not None:
            notation = found
            kind = chosen or _number_type(found, values)
            nulls |= evidence.nulls.keys()
            notes += filter(None, [found.note()])
    if kind is FieldType.DATE:
        try:
            return Column(name, kind, detect(values, wishes.time, complete=True), nulls=nulls, notes=tuple(notes))
        except TimeError as error:
            raise LoadError(f"field {name!r}: {error}; --type {name}=keyword keeps it as text") from error
    lenient = chosen is None and kind in _NUMBERS and notation.plain and evidence.share("number") < 1
    if lenient:
        notes.append(_exceptions(evidence))
    elif kind in {FieldType.KEYWORD, FieldType.TEXT} and chosen is None:
        notes += _not_numbers(name, evidence, textual=textual)
    return Column(name, kind, None, notation, nulls, lenient, tuple(notes))


_NUMBERS: Final = frozenset({FieldType.LONG, FieldType.UNSIGNED_LONG, FieldType.DOUBLE})


def _number_type(notation: Notation, values: Sequence[str]) -> FieldType:
    whole = all(set(notation.read(value)) <= set("-0123456789") and len(value) < 19 for value in values)
    return FieldType.LONG if whole else FieldType.DOUBLE


def _exceptions(evidence: Evidence) -> str:
    """Return what is said of a column of numbers that has other values too."""
    others = evidence.values - evidence.kinds.get("number", 0) - evidence.kinds.get("null", 0)
    example = next(iter(evidence.words), "")
    where = "stay in the documents, a job cannot use them"
    return f"{others:,} values are no numbers, such as {example!r}: they {where}"


def _not_numbers(name: str, evidence: Evidence, *, textual: bool) -> list[str]:
    """Return what is said of a column of words most of which look like numbers."""
    share = evidence.share("number" if textual else "number_text")
    if share >= _RULE and not textual:
        return [f"numbers in quotes, kept as words: --type {name}=double reads them as numbers"]
    if share >= 0.5:
        return [f"{share:.0%} are numbers, the others not: kept as words, which a job cannot average"]
    digits = evidence.kinds.get("digits", 0)
    if textual and digits:
        return [f"{digits:,} whole numbers of more than 64 bits: kept as words"]
    return []
