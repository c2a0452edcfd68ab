"""The fields of a text: the type that each value has, the form of times, and what is counted of them."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from anomalyops_engine.store.dates import parse_date
from anomalyops_reading.columns import Evidence, FieldType, guess_type
from anomalyops_reading.timestamps import TimeError, TimeOptions, detect

_TOP: Final = 10
# What Elasticsearch calls a form of times, and what a mapping calls it.
_ISO: Final = ("ISO8601", "iso8601")
_EPOCHS: Final = {"epoch": ("UNIX", "epoch_second"), "epoch_ms": ("UNIX_MS", "epoch_millis")}
_PLAIN: Final = (
    *("yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd HH:mm:ss.SSS", "yyyy-MM-dd HH:mm:ss.SSSSSS", "yyyy-MM-dd HH:mm"),
    *("yyyy-MM-dd HH:mm:ss,SSS", "yyyy-MM-dd HH:mm:ssXXX", "yyyy-MM-dd HH:mm:ss.SSSXXX"),
)
# Numbers are moments where their field is called so, and not otherwise.
_TIME_NAME: Final = re.compile(r"(?:.*[._ -])?@?(?:time|timestamp|date|datetime|ts|t|epoch|at)(?:_?(?:ms|s))?", re.I)
_USUAL: Final = ("@timestamp", "timestamp", "time", "date", "datetime")
_ZONE: Final = re.compile(r"(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?(?: \d{4})?)$")
_NUMBERS: Final = frozenset({FieldType.LONG, FieldType.UNSIGNED_LONG, FieldType.DOUBLE})


@dataclass(frozen=True, slots=True)
class TextField:
    """A field of a text.

    Attributes:
        name: dotted where objects nest.
        type: that all its values have.
        values: those that are filled.
        java_formats: how its times are written, as Elasticsearch calls it; none where it holds no times.
        format: the same as a mapping has it.
        local: its times name no zone.
        note: why it is no more than words, where that may be a surprise.
    """

    name: str
    type: FieldType
    values: Sequence[Any]
    java_formats: tuple[str, ...] = ()
    format: str = ""
    local: bool = False
    note: str = field(default="")

    @property
    def filled(self) -> bool:
        """Whether it has any value."""
        return bool(self.values)

    @property
    def mapping(self) -> dict[str, Any]:
        """Its mapping."""
        return {"type": str(self.type), **({"format": self.format} if self.type is FieldType.DATE else {})}

    def statistics(self) -> dict[str, Any]:
        """Return what is counted of the values; of numbers their middle, of times the first and the last."""
        counted = Counter(map(_shown, self.values))
        found: dict[str, Any] = {"count": len(self.values), "cardinality": len(counted)}
        if self.type in _NUMBERS:
            numbers = [float(value) for value in self.values]
            found |= {"min_value": _whole(min(numbers)), "max_value": _whole(max(numbers))}
            found |= {"mean_value": statistics.fmean(numbers), "median_value": _whole(statistics.median(numbers))}
        if self.type is FieldType.DATE:
            ordered = sorted(self.values, key=lambda value: parse_date(value, self.format))
            found |= {"earliest": str(ordered[0]), "latest": str(ordered[-1])}
        return found | {"top_hits": [{"value": value, "count": count} for value, count in counted.most_common(_TOP)]}


def field_of(name: str, values: Sequence[Any], *, textual: bool) -> TextField:
    """Return what a field is, by all of its values.

    Args:
        name: of it.
        values: of the rows, empty ones among them.
        textual: they are cells, which may stand for anything; else they are of JSON.
    """
    filled = [value for value in values if value is not None and value != ""]
    evidence = Evidence()
    if textual:
        evidence.add(filled, frozenset())
    else:
        evidence.add_json(filled)
    kind, note = _strictly(evidence, filled, guess_type(evidence))
    times = _times(name, filled, kind)
    if times is not None:
        java, written = times
        local = written not in {"epoch_second", "epoch_millis"} and any(_ZONE.search(str(v)) is None for v in filled)
        return TextField(name, FieldType.DATE, filled, (java,), written, local)
    if kind is FieldType.DATE:
        kind, note = FieldType.KEYWORD, "times of several forms, or of one that no format has"
    return TextField(name, kind, filled, note=note)


def time_field(fields: Sequence[TextField], wanted: str | None) -> TextField | None:
    """Return the field of times: the one that is asked for, one with a usual name, or the first there is."""
    times = [one for one in fields if one.type is FieldType.DATE]
    if wanted is not None:
        return next((one for one in times if one.name == wanted), None)
    usual = (one for name in _USUAL for one in times if one.name.lower() == name)
    return next(usual, times[0] if times else None)


def _strictly(evidence: Evidence, filled: Sequence[Any], guessed: FieldType) -> tuple[FieldType, str]:
    """Return a type that every value has, and why it is another one than most have."""
    if guessed in _NUMBERS and (evidence.nulls or evidence.share("number") < 1):
        others = len(filled) - evidence.kinds.get("number", 0)
        return FieldType.KEYWORD, f"{others} of {len(filled)} values are no numbers"
    if guessed is FieldType.BOOLEAN and not all(value in {True, False, "true", "false"} for value in filled):
        return FieldType.KEYWORD, "an index reads true and false in small letters alone"
    if evidence.nulls and guessed not in {FieldType.KEYWORD, FieldType.TEXT}:
        return FieldType.KEYWORD, f"{', '.join(map(repr, evidence.nulls))} is among the values"
    if evidence.kinds.get("separated") and evidence.share("number") + evidence.share("separated") == 1:
        return guessed, "numbers with separators or units, which an index does not read"
    return guessed, ""


def _times(name: str, filled: Sequence[Any], kind: FieldType) -> tuple[str, str] | None:
    """Return the form of times that every value has: as Elasticsearch calls it, and as a mapping has it."""
    if not filled or any(isinstance(value, bool) for value in filled):
        return None
    texts = list(dict.fromkeys(map(str, filled)))
    if kind in _NUMBERS:
        return _EPOCHS.get(_detected(texts)) if _TIME_NAME.fullmatch(name) else None
    if not all(isinstance(value, str) for value in filled) or not all(re.search(r"\d.*\d.*\d", text) for text in texts):
        return None
    candidates = [_ISO, *((pattern, pattern) for pattern in _PLAIN)] if kind is FieldType.DATE else []
    pattern = "" if kind is FieldType.DATE else _detected(texts)
    candidates += [(pattern, pattern)] if "y" in pattern else []
    return next((one for one in candidates if all(_reads(text, one[1]) for text in texts)), None)


def _detected(texts: Sequence[str]) -> str:
    try:
        return detect(texts, TimeOptions(), complete=True).name
    except TimeError:
        return ""


def _reads(text: str, written: str) -> bool:
    try:
        parse_date(text, written)
    except ValueError:
        return False
    return True


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _whole(value: float) -> float | int:
    return int(value) if value.is_integer() and abs(value) < 2**53 else value
