"""No test takes a loaded machine for a fault: what waits for another task or process waits for a minute or more.

A shorter time belongs only where the product promises it, or where its end is what the test is about; the line says so
with `# meant`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

_TESTS = Path(__file__).parents[1]
_LEAST = 60
# What waits for others, and where its seconds stand if they are not named.
_WAITING = {
    "Elasticsearch": None,
    "RawConnection": 1,
    "HTTPConnection": None,
    "AsyncClient": None,
    "urlopen": None,
    "run": None,
    "communicate": None,
    "wait_until": None,
    "until": None,
    "wait": 0,
    "join": 0,
}
_NAMES = {"timeout", "request_timeout", "timeout_s", "seconds", "state_timeout"}
_FLAG = re.compile(r"--timeout=(\d+)s")


def _number(node: ast.expr | None) -> float | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, int | float) else None


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _seconds(node: ast.AST) -> float | None:
    """How long a piece of code waits at most; None where it waits for nobody, or for as long as a name says."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        found = _FLAG.fullmatch(node.value)
        return float(found[1]) if found else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and "time.monotonic()" in ast.unparse(node.left):
        return _number(node.right)
    if not isinstance(node, ast.Call) or _called(node) not in _WAITING:
        return None
    named = {keyword.arg: keyword.value for keyword in node.keywords}
    if _called(node) == "Elasticsearch" and node.args and "request_timeout" not in named:
        return 10.0  # the client's own
    place = _WAITING[_called(node)]
    given = [named[name] for name in _NAMES & named.keys()]
    if place is not None and len(node.args) > place:
        given.append(node.args[place])
    return min((seconds for seconds in map(_number, given) if seconds is not None), default=None)


def hasty(text: str) -> Iterator[str]:
    """The lines of a test that wait for less than a minute and do not say that this is meant."""
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        seconds = _seconds(node)
        if seconds is not None and 0 < seconds < _LEAST:
            said = "\n".join(lines[node.lineno - 1 : node.end_lineno])
            if "# meant" not in said:
                yield f"{node.lineno}: {said.strip()}"


def test_every_wait_is_patient():
    found = {
        str(path.relative_to(_TESTS)): list(hasty(path.read_text()))
        for path in sorted(_TESTS.rglob("*.py"))
        if path != Path(__file__) and not {"judge", "chaos", "rest_suite"} & set(path.parts)
    }
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_what_is_hasty_is_found():
    text = """
client = Elasticsearch(url)
client = Elasticsearch(url, request_timeout=60)
process.wait(20)
process.wait(timeout=20)  # meant: the product ends within this
wait_until(check, timeout=30, what="it")
until(check)
kubectl("delete", "x", "--timeout=20s")
deadline = time.monotonic() + 10
"""
    assert [line.partition(":")[0] for line in hasty(text)] == ["2", "4", "6", "9", "8"]
