"""Cases with Elasticsearch's answers, kept as files: the engine is held to them without Java."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judge.bench import Server
from judge.cases import Answer, Case, Request
from judge.verdicts import Kind, Verdict, compare

FOLDER = Path(__file__).resolve().parents[1] / "contract" / "recorded"
_KNOWN = FOLDER / "known_differences.json"
_NOISE = {"took", "_seq_no", "_primary_term"}


@dataclass(frozen=True)
class Recorded:
    """A case and what Elasticsearch said.

    Attributes:
        case: what is asked.
        answers: the answer to each step; None for a step that only leads to another.
    """

    case: Case
    answers: tuple[Answer | None, ...]

    @property
    def id(self) -> str:
        """A name that stays the same as long as the case does."""
        asked = json.dumps([[request.to_json() for request in part] for part in (self.case.setup, self.case.steps)])
        return f"{self.case.area.replace(' ', '-')}-{hashlib.sha1(asked.encode()).hexdigest()[:10]}"


@dataclass(frozen=True)
class KnownDifferences:
    """Recorded cases of one cause in which the engine answers otherwise.

    Attributes:
        title: what differs.
        reason: why it is left.
        cases: their ids.
    """

    title: str
    reason: str
    cases: tuple[str, ...]


class Stage:
    """One server, and the world that it is in.

    Args:
        server: who is asked.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._world: tuple[Request, ...] | None = None

    def verdicts(self, recorded: Recorded) -> list[Verdict]:
        """Return how the server's answers relate to the recorded ones."""
        case = recorded.case
        if self._world != case.setup:
            self._server.reset()
            for request in case.setup:
                self._server.ask(request)
        self._world = None if case.changes else case.setup
        found = []
        for step, theirs in zip(case.steps, recorded.answers, strict=True):
            ours = self._server.ask(step)
            if theirs is not None:
                found.append(compare(step, theirs, ours))
        return found


def difference(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Return the first verdict that is no agreement; None when all agree."""
    return next((one for one in verdicts if one.kind is not Kind.SAME), None)


def load_all() -> list[Recorded]:
    """Return every recorded case, those of one world after one another."""
    found = []
    for file in sorted(FOLDER.glob("*.json")):
        if file != _KNOWN:
            found += _read(json.loads(file.read_text()))
    return sorted(found, key=lambda one: (one.case.changes, str(one.case.setup)))


def known_differences() -> list[KnownDifferences]:
    """Return the groups of recorded cases in which the engine is known to answer otherwise."""
    if not _KNOWN.exists():
        return []
    return [
        KnownDifferences(one["title"], one["reason"], tuple(one["cases"])) for one in json.loads(_KNOWN.read_text())
    ]


def save_known(groups: Iterable[KnownDifferences]) -> None:
    """Write the groups; those without cases are dropped."""
    said = [{"title": one.title, "reason": one.reason, "cases": sorted(one.cases)} for one in groups if one.cases]
    _write(_KNOWN, said)


def save(recorded: Sequence[Recorded]) -> None:
    """Write recorded cases, a file an area, in place of those that are there."""
    for area in sorted({one.case.area for one in recorded}):
        worlds: dict[str, Any] = {}
        cases = []
        for one in sorted((one for one in recorded if one.case.area == area), key=lambda one: one.id):
            setup = [request.to_json() for request in one.case.setup]
            name = hashlib.sha1(json.dumps(setup).encode()).hexdigest()[:8]
            worlds[name] = setup
            said = one.case.to_json() | {
                "setup": name,
                "answers": [answer and answer.to_json() for answer in one.answers],
            }
            cases.append(said)
        _write(FOLDER / f"{area.replace(' ', '_')}.json", {"worlds": worlds, "cases": cases})


def trimmed(answer: Answer) -> Answer:
    """Return an answer without what is of one run, and an error without its trace."""
    body = answer.body
    if answer.status >= 400 and isinstance(body, dict) and isinstance(body.get("error"), dict):
        error = body["error"]
        roots = [{"type": root.get("type"), "reason": root.get("reason")} for root in error.get("root_cause", [])[:1]]
        body = {"error": {"root_cause": roots, "type": error.get("type"), "reason": error.get("reason")}}
    return Answer(answer.status, _without_noise(body))


def _without_noise(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_noise(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {name: 0 if name in _NOISE and isinstance(item, int) else item for name, item in value.items()}
    return {name: item if name == "_source" else _without_noise(item) for name, item in kept.items()}


def _read(said: dict[str, Any]) -> Iterable[Recorded]:
    for one in said["cases"]:
        case = Case.from_json({**one, "setup": said["worlds"][one["setup"]]})
        answers = tuple(answer and Answer(answer["status"], answer["body"]) for answer in one["answers"])
        yield Recorded(case, answers)


def _write(file: Path, value: Any) -> None:
    """Write JSON that changes by lines: short values in one line, long ones indented."""
    file.parent.mkdir(exist_ok=True)
    file.write_text(_json(value, "") + "\n")


def _json(value: Any, indent: str) -> str:
    text = json.dumps(value, ensure_ascii=False)
    if len(text) + len(indent) <= 118 or not isinstance(value, dict | list) or not value:
        return text
    inner = indent + " "
    if isinstance(value, dict):
        parts = [f"{inner}{json.dumps(key, ensure_ascii=False)}: {_json(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(parts) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inner + _json(item, inner) for item in value) + f"\n{indent}]"


def title_of(verdict: Verdict) -> str:
    """Return what differs, in one line without lengths of data."""
    return re.sub(r"\s+", " ", f"{verdict.kind}: {verdict.where or verdict.label}")[:160]
