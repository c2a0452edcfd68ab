"""Which field of an index some words mean."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

NUMBERS: Final = frozenset(
    {"long", "integer", "short", "byte", "double", "float", "half_float", "scaled_float", "unsigned_long"}
)
VALUES: Final = frozenset({"keyword", "constant_keyword", "wildcard", "ip", "boolean", "version"})
TEXTS: Final = frozenset({"text", "match_only_text"})
DATES: Final = frozenset({"date", "date_nanos"})
PLACES: Final = frozenset({"geo_point"})

_ALIKE: Final = (
    ("host", "hostname", "node", "server", "machine", "instance"),
    ("user", "username", "account", "login", "logins", "person", "employee"),
    ("client", "clientip", "ip", "address", "source", "src", "visitor", "remote"),
    ("service", "app", "application", "component", "system"),
    ("url", "uri", "path", "page", "endpoint", "request", "resource"),
    ("latency", "duration", "elapsed", "took", "time", "response", "ms", "slow", "seconds"),
    ("bytes", "size", "sent", "received", "transferred", "download", "upload", "traffic", "volume", "octets"),
    ("cpu", "processor", "load"),
    ("memory", "mem", "ram", "heap"),
    ("process", "program", "executable", "command", "binary"),
    ("country", "region", "geo", "location", "place"),
    ("status", "code", "response"),
    ("query", "question", "domain", "dns", "name"),
    ("container", "pod", "workload"),
    ("customer", "tenant", "organization", "org"),
    ("message", "text", "log"),
)
_PARTS: Final = re.compile(r"[a-z]+|\d+")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What an index holds.

    Attributes:
        types: The type of each field; one with several types in several indices has none.
        examples: Values of fields in a sample of the newest documents; a field that is in none of them is left out.
        documents: How many documents the sample has.
    """

    types: Mapping[str, str]
    examples: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    documents: int = 0

    def of_types(self, wanted: frozenset[str]) -> list[str]:
        """The fields of some types, without those of the server's own."""
        return sorted(name for name, kind in self.types.items() if kind in wanted and not name.startswith("_"))

    def filled(self, name: str) -> float:
        """The share of the sample's documents that have the field; 1 without a sample."""
        return 1.0 if not self.documents else len(self.examples.get(name, ())) / self.documents


def usable(held: Held, names: Sequence[str]) -> list[str]:
    """Fields of which the sample has some, those that are in most documents first at the same fit."""
    return [name for name in names if held.filled(name) > 0]


def candidates(held: Held, words: Sequence[str], types: frozenset[str]) -> list[str]:
    """The fields that words may mean, the best first; none where no name fits.

    Args:
        held: What the index holds.
        words: As the sentence has them.
        types: The types that the use takes.
    """
    ranked = [(score, name) for name in usable(held, held.of_types(types)) if (score := _fit(words, name)) > 0]
    ranked.sort(key=lambda one: (-one[0], -held.filled(one[1]), len(one[1]), one[1]))
    return [name for _, name in ranked]


def _fit(words: Sequence[str], name: str) -> float:
    """How well a field's name fits words: 0 for not at all."""
    parts = _parts(name.removesuffix(".keyword"))
    if name.lower().removesuffix(".keyword") in {"_".join(words), ".".join(words), "".join(words), *words}:
        return 100.0
    total = 0.0
    for word in words:
        best = max((_alike(one, part) for one in _parts(word) or [word] for part in parts), default=0.0)
        total += best
    return total / (1 + 0.02 * len(parts)) if total >= 1 else 0.0


def _parts(name: str) -> list[str]:
    return _PARTS.findall(_CAMEL.sub(" ", name).lower())


def _alike(word: str, part: str) -> float:
    if _singular(word) == _singular(part):
        return 3.0
    if len(word) > 3 and len(part) > 3 and (word.startswith(part) or part.startswith(_singular(word))):
        return 2.0
    return 1.0 if any(_singular(word) in group and _singular(part) in group for group in _GROUPS) else 0.0


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith("sses"):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


def time_field(held: Held) -> str | None:
    """The field that says when a document happened; None where there is none."""
    dates = usable(held, held.of_types(DATES))
    for name in ("@timestamp", "timestamp", "time", "event.created", "date"):
        if name in dates:
            return name
    return dates[0] if dates else None


def failures(held: Held) -> Iterator[dict[str, Any]]:
    """Queries that tell failures from the rest, by what the sample shows, the surest first."""
    for name in candidates(held, ("status", "code"), NUMBERS):
        if any(100 <= float(value) < 600 for value in held.examples.get(name, ())):
            yield {"range": {name: {"gte": 400, "lt": 600}}}
    for name in usable(held, held.of_types(VALUES)):
        values = sorted({str(value) for value in held.examples.get(name, ())})
        codes = [value for value in values if re.fullmatch(r"[1-5]\d\d", value)]
        failed = [value for value in codes if value[0] in "45"]
        if len(codes) == len(values) and failed and len(values) > 1:
            yield {"terms": {name: failed}}
        words = [value for value in values if value.lower() in _FAILED]
        if words and len(words) < len(values):
            yield {"terms": {name: words}}


_FAILED: Final = frozenset(
    {"error", "err", "fatal", "critical", "crit", "alert", "emerg", "failure", "failed", "fail", "exception", "denied"}
)
_GROUPS: Final = tuple(frozenset(map(_singular, group)) for group in _ALIKE)
