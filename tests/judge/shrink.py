"""The smallest case that still shows a difference."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from judge.bench import Bench
from judge.cases import Case, Request
from judge.verdicts import Verdict

_SECONDS = 12.0


def shrink(case: Case, verdict: Verdict, bench: Bench) -> tuple[Case, Verdict]:
    """Return the smallest case found, and its verdict, that differs in the same way.

    Args:
        case: a case on which the servers differ.
        verdict: how.
        bench: the servers.
    """
    deadline = time.monotonic() + _SECONDS
    if verdict.step >= 0:
        case = case.with_parts(case.setup, case.steps[: verdict.step + 1])
    shrunk = True
    while shrunk:
        shrunk, position = False, 0
        while (candidate := next(islice(_smaller(case), position, None), None)) is not None:
            if time.monotonic() > deadline:
                return case, verdict
            found = alike(bench.judge(candidate), verdict)
            if found is None:
                position += 1
            else:
                case, verdict, shrunk = candidate, found, True
    return case, verdict


def alike(found: list[Verdict], verdict: Verdict) -> Verdict | None:
    """Return the verdict among some that is of the same sort as another; None where there is none."""
    return next((one for one in found if (one.kind, one.label) == (verdict.kind, verdict.label)), None)


def _smaller(case: Case) -> Iterator[Case]:
    """Yield cases with one thing less: steps, requests of the setup, documents, parts of bodies."""
    for number in range(len(case.steps) - 1):
        yield case.with_parts(case.setup, _without(case.steps, number))
    for number in range(len(case.setup)):
        yield case.with_parts(_without(case.setup, number), case.steps)
    for number, request in enumerate(case.setup):
        for lines in _fewer_documents(request):
            yield case.with_parts(_with(case.setup, number, lines), case.steps)
    for number, request in enumerate(case.steps):
        for smaller in _smaller_bodies(request):
            yield case.with_parts(case.setup, _with(case.steps, number, smaller))
    for number, request in enumerate(case.setup):
        for smaller in _smaller_bodies(request):
            yield case.with_parts(_with(case.setup, number, smaller), case.steps)


def _without(requests: tuple[Request, ...], number: int) -> list[Request]:
    return [*requests[:number], *requests[number + 1 :]]


def _with(requests: tuple[Request, ...], number: int, request: Request) -> list[Request]:
    return [*requests[:number], request, *requests[number + 1 :]]


def _fewer_documents(request: Request) -> Iterator[Request]:
    """Yield bulk requests with a part of their actions left out: halves first, then ever smaller parts."""
    if request.lines is None:
        return
    actions: list[list[Any]] = []
    for line in request.lines:
        begins = (
            isinstance(line, dict) and len(line) == 1 and next(iter(line)) in {"index", "create", "update", "delete"}
        )
        if begins or not actions:
            actions.append([line])
        else:
            actions[-1].append(line)
    width = len(actions) // 2
    while width >= 1:
        for start in range(0, len(actions), width):
            kept = actions[:start] + actions[start + width :]
            if kept:
                yield _replaced(request, lines=[line for action in kept for line in action])
        width //= 2


def _smaller_bodies(request: Request) -> Iterator[Request]:
    if "?" in request.path:
        yield _replaced(request, path=request.path.partition("?")[0])
    if request.lines is not None:
        for number, line in enumerate(request.lines):
            for smaller in _smaller_values(line):
                yield _replaced(request, lines=[*request.lines[:number], smaller, *request.lines[number + 1 :]])
    elif request.body is not None:
        for smaller in _smaller_values(request.body):
            yield _replaced(request, body=smaller)


def _replaced(request: Request, **changed: Any) -> Request:
    given = {
        "method": request.method,
        "path": request.path,
        "body": request.body,
        "lines": request.lines,
        "text": request.text,
    }
    return Request(**(given | changed))


def _smaller_values(value: Any) -> Iterator[Any]:
    """Yield JSON values with a key or an element less, or with a part in the place of what holds it."""
    for path in _paths(value):
        yield _edited(value, path, lambda parent, key: parent.__delitem__(key))
    for path in _paths(value):
        inner = _at(value, path)
        for below in _paths(inner):
            part = _at(inner, below)
            if len(below) <= 3 and isinstance(part, dict) and isinstance(inner, dict):
                yield _edited(value, path, lambda parent, key, part=part: parent.__setitem__(key, part))


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of everything within a value, what is nearest to the root first."""
    found, level = [], [(path, value)]
    while level:
        following = []
        for place, held in level:
            items = held.items() if isinstance(held, dict) else enumerate(held) if isinstance(held, list) else ()
            following += [((*place, key), inner) for key, inner in items]
        found += [place for place, _ in following]
        level = following
    return found


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def _edited(value: Any, path: tuple[Any, ...], edit: Callable[[Any, Any], None]) -> Any:
    changed = copy.deepcopy(value)
    edit(_at(changed, path[:-1]), path[-1])
    return changed
