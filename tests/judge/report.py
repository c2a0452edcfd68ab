"""The table of a run, its classes, and both as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from judge.cases import Request
from judge.classes import DifferenceClass
from judge.verdicts import Kind

_COLUMNS = [kind for kind in Kind if kind is not Kind.SAME]


class Tally:
    """How many answers of an area and sort came to which verdict."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, bool], Counter[Kind]] = {}
        self._relevance: Counter[bool] = Counter()

    def add(self, area: str, kind: Kind, *, ordinary: bool, relevance: bool | None) -> None:
        """Count an answer."""
        self._counts.setdefault((area, ordinary), Counter())[kind] += 1
        if relevance is not None:
            self._relevance[relevance] += 1

    def rows(self) -> list[dict[str, Any]]:
        """Return a row an area and sort, and the sums."""
        rows = [_row(area, ordinary, counts) for (area, ordinary), counts in self._counts.items()]
        for ordinary in (True, False):
            of_sort = [counts for (_, sort), counts in self._counts.items() if sort is ordinary]
            if of_sort:
                rows.append(_row("all", ordinary, sum(of_sort, Counter())))
        rows.append(_row("all", None, sum(self._counts.values(), Counter())))
        return rows

    def to_json(self) -> dict[str, Any]:
        """Return all of it as a JSON value."""
        return {"rows": self.rows(), "relevance": {"same": self._relevance[True], "other": self._relevance[False]}}

    def table(self) -> str:
        """Return the table as text."""
        names = ["area", "answers", "same", *map(str, _COLUMNS), "agree"]
        lines = [f"{names[0]:<32}" + "".join(f"{name:>12}" for name in names[1:])]
        for row in self.rows():
            sort = {True: "ordinary", False: "edge", None: ""}[row["ordinary"]]
            counts = "".join(f"{row[name]:>12}" for name in names[1:-1])
            agree = "-" if row["agree"] is None else f"{row['agree']:.1f} %"
            lines.append(f"{row['area'] + ' ' + sort:<32}{counts}{agree:>12}")
        relevance = self._relevance
        if relevance:
            lines.append(f"scores of hits (not counted above): {relevance[True]} of {relevance.total()} the same")
        return "\n".join(lines)


def _row(area: str, ordinary: bool | None, counts: Counter[Kind]) -> dict[str, Any]:
    judged = counts.total() - counts[Kind.DECLINED] - counts[Kind.ABSENT]
    agree = 100 * counts[Kind.SAME] / judged if judged else None
    shown = {str(kind): counts[kind] for kind in _COLUMNS}
    return {
        "area": area,
        "ordinary": ordinary,
        "answers": counts.total(),
        "same": counts[Kind.SAME],
        **shown,
        "agree": agree,
    }


def ranked(classes: Iterable[DifferenceClass]) -> list[DifferenceClass]:
    """Return classes, those that matter most first: ordinary use, then how bad, then how often."""
    severity = list(Kind)
    worst = [Kind.CRASH, Kind.DATA, Kind.REFUSES, Kind.SHAPE, Kind.ACCEPTS, Kind.ERROR]
    order = {kind: worst.index(kind) if kind in worst else len(severity) for kind in severity}
    return sorted(classes, key=lambda one: (-(one.ordinary > 0), order[one.verdict.kind], -one.ordinary, -one.count))


def shown(found: DifferenceClass) -> str:
    """Return a class as text: what differs, how often, and the smallest case to show it."""
    verdict = found.verdict
    lines = [
        f"{verdict.kind}: {verdict.where or verdict.label}",
        f"  {found.count} answers, {found.ordinary} of ordinary use; {found.area}: {', '.join(sorted(found.families))}",
    ]
    lines += [f"    {request_line(request)}" for request in found.case.setup]
    for number, request in enumerate(found.case.steps):
        lines.append(f"  {'>' if number == verdict.step else ' '} {request_line(request)}")
    if verdict.kind in {Kind.DATA, Kind.SHAPE} and verdict.theirs and verdict.ours:
        lines += [f"    theirs: {_cut(verdict.theirs.body)}", f"    ours:   {_cut(verdict.ours.body)}"]
    return "\n".join(lines)


def request_line(request: Request) -> str:
    """Return a request in one line."""
    payload = request.payload()
    body = "" if payload is None else " " + payload[0].decode().strip().replace("\n", " \\n ")
    return f"{request.method} {request.path}{_cut(body, 900)}"


def class_to_json(found: DifferenceClass) -> dict[str, Any]:
    """Return a class as a JSON value."""
    verdict = found.verdict
    return {
        "area": found.area,
        "kind": str(verdict.kind),
        "label": verdict.label,
        "where": verdict.where,
        "count": found.count,
        "ordinary": found.ordinary,
        "features": sorted(found.features),
        "step": verdict.step,
        "case": found.case.to_json(),
        "theirs": verdict.theirs.to_json() if verdict.theirs else None,
        "ours": verdict.ours.to_json() if verdict.ours else None,
    }


def _cut(value: Any, most: int = 420) -> str:
    text = str(value)
    return text if len(text) <= most else text[: most - 3] + "..."
