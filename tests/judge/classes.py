"""Differences put into classes: what is wrong, and in the presence of what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from judge.bench import Bench
from judge.cases import Case, mapped_fields
from judge.shrink import alike, shrink
from judge.verdicts import Kind, Verdict

DIFFERENT = (Kind.CRASH, Kind.DATA, Kind.SHAPE, Kind.REFUSES, Kind.ACCEPTS, Kind.ERROR)
_MOST_A_LABEL = 8


@dataclass
class DifferenceClass:
    """Cases that differ alike.

    Attributes:
        area: their area.
        verdict: of the smallest case.
        case: the smallest case.
        features: what must be there for the difference to show.
        count: how many answers differ so.
        ordinary: how many of them are ordinary use.
        families: what generated them.
    """

    area: str
    verdict: Verdict
    case: Case
    features: frozenset[str]
    count: int = 0
    ordinary: int = 0
    families: set[str] = field(default_factory=set)

    def take(self, case: Case) -> None:
        """Count an answer."""
        self.count += 1
        self.ordinary += case.ordinary
        self.families.add(case.family)


Found = list[tuple[Case, Verdict]]


def classify(found: Found, bench: Bench) -> Iterator[DifferenceClass]:
    """Yield the classes of differences, each with its smallest case.

    Args:
        found: cases on which the servers differ.
        bench: the servers, to shrink with.
    """
    groups: dict[tuple[str, Kind, str], Found] = {}
    for case, verdict in found:
        groups.setdefault((case.area, verdict.kind, verdict.label), []).append((case, verdict))
    for (area, _, _), group in groups.items():
        yield from _classes_of(area, sorted(group, key=lambda pair: pair[0].size()), bench)


def _classes_of(area: str, group: Found, bench: Bench) -> Iterator[DifferenceClass]:
    known: list[DifferenceClass] = []
    for case, verdict in group:
        present = features(case, verdict)
        explained = next((one for one in known if one.features <= present), None)
        if explained is None and len(known) >= _MOST_A_LABEL:
            explained = known[-1]
        if explained is None:
            again = alike(bench.judge(case), verdict)
            if again is None:
                continue  # not the same twice, such as a matter of time
            smallest, shown = shrink(case, again, bench)
            explained = DifferenceClass(area, shown, smallest, features(smallest, shown))
            same = next((one for one in known if one.features == explained.features), None)
            if same is None:
                known.append(explained)
            explained = same or explained
        explained.take(case)
    yield from known


def features(case: Case, verdict: Verdict) -> frozenset[str]:
    """Return the words of what is asked, with fields replaced by their types."""
    step = case.steps[verdict.step] if verdict.step >= 0 else case.setup[-1] if case.setup else case.steps[0]
    types = {name: str(mapping.get("type", "object")) for name, mapping in mapped_fields(case).items()}
    path, _, parameters = step.path.partition("?")
    words = {f"{step.method} {path.rsplit('/', 1)[-1] if '_' in path else 'index'}"}
    words |= {part.partition("=")[0] for part in parameters.split("&") if part}
    bodies = [step.body] if step.lines is None else list(step.lines)
    for body in bodies:
        words |= set(_words(body, types, ""))
    return frozenset(words)


def _words(value: Any, types: dict[str, str], parent: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            shown = f"<{types[key]}>" if key in types else "*" if parent in {"aggs", "aggregations"} else key
            yield shown
            yield from _words(inner, types, shown)
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner, types, parent)
    elif isinstance(value, str) and value in types:
        yield f"<{types[value]}>"
