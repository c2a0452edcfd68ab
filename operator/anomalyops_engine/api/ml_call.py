"""Parameters of machine learning requests, from the query string or, where allowed, from the body."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.config.datafeed import IndicesOptions, expand_wildcards
from anomalyops_engine.config.reading import Read, WrongType, boolean, integer, number, text, token
from anomalyops_engine.config.units import duration_ms, instant_ms
from anomalyops_engine.jobs.audit import wall_clock_ms
from anomalyops_engine.json_types import JsonObject

INDICES_OPTIONS = ("allow_no_indices", "expand_wildcards", "ignore_throttled", "ignore_unavailable")
# Elasticsearch's name for each option of the query string, in a datafeed's `indices_options`.


class Parameters:
    """Parameters that a request may give in its query string or in its body; the query string wins.

    Args:
        call: the request.
        in_body: names allowed in the body; None when the body is read elsewhere.
        parser: what Elasticsearch calls the parser of the body, for its errors.

    Raises:
        ApiError: 400 for an unknown key of the body.
    """

    def __init__(
        self,
        call: Call,
        *,
        in_body: Collection[str] | None = None,
        parser: str = "",
    ) -> None:
        self._parser = parser
        self._values = {**({} if in_body is None else _known(call.json(), in_body, parser)), **call.query}

    @classmethod
    def of(cls, body: JsonObject, names: Collection[str], parser: str) -> Parameters:
        """Return the parameters that an object inside a body gives.

        Raises:
            ApiError: 400 for an unknown key.
        """
        inner = cls.__new__(cls)
        inner._parser, inner._values = parser, _known(body, names, parser)
        return inner

    def given(self, name: str) -> bool:
        """Return whether the request says anything about it."""
        return self._values.get(name) is not None

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean."""
        value = self._values.get(name)
        if value is None:
            return default
        return True if value == "" else bool(self._read(boolean, name, value))

    def integer(self, name: str, default: int) -> int:
        """Return a whole number."""
        value = self._values.get(name)
        return default if value is None else int(self._read(integer, name, value))

    def number(self, name: str, default: float) -> float:
        """Return a number."""
        value = self._values.get(name)
        return default if value is None else float(self._read(number, name, value))

    def text(self, name: str) -> str | None:
        """Return a string, or None when it is not given."""
        value = self._values.get(name)
        return None if value is None else str(self._read(text, name, value))

    def object(self, name: str) -> JsonObject | None:
        """Return an object of the body, or None when it is not given.

        Raises:
            ApiError: 400 when it is something else.
        """
        value = self._values.get(name)
        if value is not None and not isinstance(value, dict):
            raise ApiError(400, "x_content_parse_exception", f"[{name}] must be an object, got [{value}]")
        return value

    def duration_ms(self, name: str, default_ms: int) -> int:
        """Return a duration in milliseconds."""
        value = self._values.get(name)
        return default_ms if value is None else duration_ms(self._read(text, name, value), name)

    def instant_ms(self, name: str, *, now: bool = False) -> int | None:
        """Return a point in time as epoch milliseconds, or None when it is not given or `-1`.

        Typed clients send the milliseconds as a whole number, so both a number and a text are read.
        """
        value = self._values.get(name)
        if value is None or value in ("", "-1", -1):
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        return instant_ms(self._read(text, name, value), name, now_ms=wall_clock_ms() if now else None)

    def given_as(self, name: str) -> Any:
        """Return a value as the request has it, None when it is not given."""
        return self._values.get(name)

    def page(self) -> tuple[int, int]:
        """Return (from, size): parameters of the query string, or of the body's `page`."""
        page = Parameters.of(self.object("page") or {}, ("from", "size"), "page_params")
        return self.integer("from", page.integer("from", 0)), self.integer("size", page.integer("size", 100))

    def _read(self, reader: Read, name: str, value: Any) -> Any:
        """Return a value as its reader takes it.

        Raises:
            ApiError: 400 for a value of another JSON type, or beyond what the type holds.
        """
        try:
            return reader(name, value)
        except WrongType:
            reason = f"[{self._parser}] {name} doesn't support values of type: {token(value)}"
        except (OverflowError, ValueError):
            reason = f"[{self._parser}] failed to parse field [{name}]: [{value}] is out of range"
        raise ApiError(400, "x_content_parse_exception", reason)


def _known(body: JsonObject, names: Collection[str], parser: str) -> JsonObject:
    for key in body:
        if key not in names:
            raise ApiError(400, "x_content_parse_exception", f"[{parser}] unknown field [{key}]")
    return body


def indices_options(call: Call) -> IndicesOptions | None:
    """Return the indices options of the query string, as a datafeed keeps them; None when there are none."""
    options: JsonObject = {}
    for name in INDICES_OPTIONS:
        if name not in call.query:
            continue
        value = call.query[name]
        options[name] = expand_wildcards(value) if name == "expand_wildcards" else boolean(name, value)
    return IndicesOptions(**options) if options else None
