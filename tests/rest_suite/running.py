"""One test against an engine: requests built from the descriptions of APIs, answers compared."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlencode

from rest_suite.cases import Test

_CATCH = {
    "bad_request": (400,),
    "unauthorized": (401,),
    "forbidden": (403,),
    "missing": (404,),
    "request_timeout": (408,),
    "conflict": (409,),
    "unavailable": (503,),
}
_TRY = ("do", "set", "match", "is_true", "is_false", "length", "gt", "gte", "lt", "lte", "close_to", "contains", "skip")


class Mismatch(Exception):
    """A test failed: `kind` is what sort of failure it is."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Response:
    """An answer: status, body (a text where it is no JSON) and warnings."""

    status: int
    body: Any
    warnings: tuple[str, ...]


class Client:
    """Requests to an engine over one connection."""

    def __init__(self, port: int, apis: Mapping[str, Mapping[str, Any]]) -> None:
        self._port, self._apis = port, apis
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Send a request."""
        try:
            self._connection.request(method, path, body, dict(headers or {}))
            answer = self._connection.getresponse()
            raw = answer.read()
        except OSError:
            self._connection = HTTPConnection("127.0.0.1", self._port, timeout=60)
            raise
        kind = answer.headers.get("content-type", "")
        parsed: Any = raw.decode(errors="replace")
        if "json" in kind and raw:
            parsed = json.loads(raw)
        found = tuple(re.findall(r'"((?:[^"\\]|\\.)*)"', " ".join(answer.headers.get_all("Warning") or [])))
        return Response(answer.status, parsed, found)

    def call(self, api: str, arguments: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
        """Call an API by its name."""
        described = self._apis.get(api)
        if described is None:
            raise Mismatch("api", f"no API {api} any more")
        parameters = {name: value for name, value in arguments.items() if name not in {"body", "include_type_name"}}
        body = arguments.get("body")
        path, methods, used = _path(described["url"]["paths"], parameters)
        query = {name: _text(value) for name, value in parameters.items() if name not in used and name != "ignore"}
        bulk = "bulk" in api or "msearch" in api
        sent = None if body is None else _payload(body, bulk=bulk)
        kind = "application/x-ndjson" if bulk else "application/json"
        method = _method(methods, has_body=sent is not None)
        address = path + (f"?{urlencode(query)}" if query else "")
        return self.ask(method, address, sent, {"content-type": kind, **headers} if sent is not None else headers)


def _path(paths: list[dict[str, Any]], parameters: Mapping[str, Any]) -> tuple[str, list[str], set[str]]:
    best: dict[str, Any] | None = None
    for path in paths:
        parts = set(re.findall(r"{(\w+)}", path["path"]))
        given = {name for name in parts if name in parameters and parameters[name] not in (None, "")}
        if parts <= given and (best is None or len(parts) > len(re.findall("{", best["path"]))):
            best = path
    if best is None:
        raise Mismatch("api", f"no path for {sorted(parameters)}")
    used = set(re.findall(r"{(\w+)}", best["path"]))
    filled = re.sub(r"{(\w+)}", lambda m: quote(_text(parameters[m[1]]), safe=",*"), best["path"])
    return filled, best["methods"], used


def _method(methods: list[str], *, has_body: bool) -> str:
    if has_body and "POST" in methods and "GET" in methods:
        return "POST"
    for method in ("PUT", "POST", "GET", "HEAD", "DELETE"):
        if method in methods and (method != "PUT" or "POST" not in methods or has_body):
            return method
    return methods[0]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(map(_text, value))
    return "" if value is None else str(value)


def _payload(body: Any, *, bulk: bool) -> bytes:
    if isinstance(body, str):
        return (body if not bulk or body.endswith("\n") else body + "\n").encode()
    if bulk and isinstance(body, list):
        return "".join(
            (line if isinstance(line, str) else json.dumps(line)).rstrip("\n") + "\n" for line in body
        ).encode()
    return json.dumps(body).encode()


@dataclass
class Run:
    """A test on its way: the last answer and what was stashed."""

    client: Client
    last: Response = field(default_factory=lambda: Response(0, None, ()))
    stash: dict[str, Any] = field(default_factory=dict)

    def test(self, test: Test) -> None:
        """Run a test.

        Raises:
            Mismatch: it failed.
        """
        try:
            for kind, body in test.steps:
                self.step(kind, body)
        finally:
            for kind, body in test.teardown:
                try:
                    self.step(kind, body)
                except Mismatch:
                    continue

    def step(self, kind: str, body: Any) -> None:
        """Do or check one thing."""
        if kind not in _TRY:
            raise Mismatch("runner", f"the runner does not know {kind}")
        if kind != "skip":
            getattr(self, f"_{kind}")(body)

    def _do(self, body: dict[str, Any]) -> None:
        body = dict(body)
        catch = body.pop("catch", None)
        headers = {name.lower(): self._filled(value) for name, value in body.pop("headers", {}).items()}
        expected = body.pop("warnings", None)
        for ignored in ("allowed_warnings", "node_selector", "allowed_warnings_regex", "warnings_regex"):
            body.pop(ignored, None)
        ((api, arguments),) = body.items()
        arguments = self._filled(arguments or {})
        ignored_statuses = arguments.get("ignore", [])
        try:
            self.last = self.client.call(api, arguments, headers)
        except OSError as error:
            raise Mismatch("broken", f"{api}: {error}") from error
        status = self.last.status
        if catch == "param":
            return
        if status == 501:
            raise Mismatch("501", f"{api}: {_reason(self.last)}")
        if catch is None:
            missing = api.startswith(("exists", "indices.exists")) or api == "ping"
            allowed = ignored_statuses if isinstance(ignored_statuses, list) else [ignored_statuses]
            if status >= 400 and not (missing and status == 404) and status not in map(int, allowed):
                raise Mismatch("status", f"{api}: {status} {_reason(self.last)}")
            if missing:
                self.last = Response(status, status < 400, self.last.warnings)
        else:
            self._caught(api, catch)
        if expected is not None and sorted(self.last.warnings) != sorted(expected):
            raise Mismatch("warnings", f"{api}: {self.last.warnings} instead of {expected}")

    def _caught(self, api: str, catch: str) -> None:
        status = self.last.status
        if catch in _CATCH and status not in _CATCH[catch]:
            raise Mismatch("status", f"{api}: {status} instead of {catch}: {_reason(self.last)}")
        if status < 400:
            raise Mismatch("status", f"{api}: {status} instead of an error")
        if catch.startswith("/"):
            pattern = catch.strip().removeprefix("/").removesuffix("/")
            said = json.dumps(self.last.body, ensure_ascii=False)
            if not re.search(pattern, said) and not re.search(pattern, said.replace('\\"', '"')):
                raise Mismatch("text", f"{api}: {_reason(self.last)} instead of {catch}")

    def _set(self, body: dict[str, Any]) -> None:
        for path, name in body.items():
            self.stash[name] = self._at(path)

    def _match(self, body: dict[str, Any]) -> None:
        for path, raw in body.items():
            if path.split(".")[-1] == "_type" or path.endswith("\\_type"):
                continue  # removed in 8.0
            found, wanted = self._at(path), self._filled(raw)
            if isinstance(wanted, str) and wanted.strip().startswith("/") and wanted.strip().endswith("/"):
                pattern = wanted.strip()[1:-1]
                if re.search(pattern, str(found), re.VERBOSE | re.DOTALL) is None:
                    raise Mismatch("body", f"{path}: {str(found)[:300]!r} does not match {pattern[:300]!r}")
            elif not _same(found, wanted):
                raise Mismatch("body", f"{path}: {_short(found)} instead of {_short(wanted)}")

    def _is_true(self, path: str) -> None:
        if self._maybe(path) in {None, False, "", "false"} if _plain(self._maybe(path)) else False:
            raise Mismatch("body", f"{path} is {self._maybe(path)!r}")

    def _is_false(self, path: str) -> None:
        found = self._maybe(path)
        if not _plain(found) or found not in {None, False, "", "false"}:
            raise Mismatch("body", f"{path} is {_short(found)}")

    def _length(self, body: dict[str, Any]) -> None:
        for path, wanted in body.items():
            found = self._at(path)
            if not hasattr(found, "__len__") or len(found) != self._filled(wanted):
                raise Mismatch("body", f"length of {path}: {_short(found)} instead of {wanted}")

    def _compare(self, body: dict[str, Any], holds: Any, sign: str) -> None:
        for path, raw in body.items():
            found, wanted = self._at(path), self._filled(raw)
            if not isinstance(found, int | float) or not holds(float(found), float(wanted)):
                raise Mismatch("body", f"{path}: {_short(found)} is not {sign} {wanted}")

    def _gt(self, body: dict[str, Any]) -> None:
        self._compare(body, lambda a, b: a > b, ">")

    def _gte(self, body: dict[str, Any]) -> None:
        self._compare(body, lambda a, b: a >= b, ">=")

    def _lt(self, body: dict[str, Any]) -> None:
        self._compare(body, lambda a, b: a < b, "<")

    def _lte(self, body: dict[str, Any]) -> None:
        self._compare(body, lambda a, b: a <= b, "<=")

    def _close_to(self, body: dict[str, Any]) -> None:
        for path, wanted in body.items():
            found = self._at(path)
            if not isinstance(found, int | float) or abs(found - wanted["value"]) > wanted["error"]:
                raise Mismatch("body", f"{path}: {_short(found)} is not close to {wanted}")

    def _contains(self, body: dict[str, Any]) -> None:
        for path, raw in body.items():
            found, wanted = self._at(path), self._filled(raw)
            inside = found if isinstance(found, list) else [found]
            if wanted not in inside and not (isinstance(found, str) and str(wanted) in found):
                raise Mismatch("body", f"{path}: {_short(found)} does not contain {_short(wanted)}")

    def _filled(self, value: Any) -> Any:
        """A value with what was stashed in place of `$name` and `${name}`."""
        if isinstance(value, dict):
            return {self._filled(name): self._filled(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner) for inner in value]
        if not isinstance(value, str) or "$" not in value:
            return value
        if value.startswith("$") and value[1:].strip("{}") in self.stash:
            return self.stash[value[1:].strip("{}")]
        return re.sub(r"\${(\w+)}", lambda m: str(self.stash.get(m[1], m[0])), value)

    def _maybe(self, path: str) -> Any:
        try:
            return self._at(path)
        except Mismatch:
            return None

    def _at(self, path: str) -> Any:
        """What lies at a path of the last answer; None where there is nothing."""
        value = self.last.body
        if path in {"$body", ""}:
            return value
        for raw in re.split(r"(?<!\\)\.", str(path)):
            part = str(self._filled(raw.replace("\\.", ".")))
            if part == "$body":
                continue
            if part == "_arbitrary_key_" and isinstance(value, dict):
                return next(iter(value), None)
            if isinstance(value, dict):
                value = value.get(part)
            elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
                value = value[int(part)]
            else:
                return None
        return value


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict) and isinstance(found, dict):
        return found.keys() == wanted.keys() and all(_same(found[name], wanted[name]) for name in wanted)
    if isinstance(wanted, list) and isinstance(found, list):
        return len(found) == len(wanted) and all(map(_same, found, wanted))
    if isinstance(wanted, bool) or isinstance(found, bool):
        return found is wanted or str(found).lower() == str(wanted).lower()
    if isinstance(wanted, int | float) and isinstance(found, int | float):
        return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-12) or found == wanted
    if isinstance(wanted, int | float) != isinstance(found, int | float) and found is not None and wanted is not None:
        return str(found) == str(wanted)
    return bool(found == wanted)


def _short(value: Any) -> str:
    return repr(value)[:200]


def _reason(answer: Response) -> str:
    body = answer.body
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        return f"{body['error'].get('type')}: {str(body['error'].get('reason'))[:300]}"
    return str(body)[:300]
