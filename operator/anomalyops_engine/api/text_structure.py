"""`_text_structure/find_structure`: what a text holds, so that an index can be made of it.

The rows are read as `anomalyops ingest` reads them. A field has a type when an index with the mapping of the answer
takes every one of its values; all others are words.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError, validation_failed
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import known, one_of
from anomalyops_engine.api.text_fields import TextField, field_of, time_field
from anomalyops_reading.delimited import Dialect, find_dialect, read_delimited
from anomalyops_reading.errors import LoadError
from anomalyops_reading.json_rows import JsonForm, read_json, recognise_json
from anomalyops_reading.log_lines import LOG_FORMATS, LogFormat, read_log
from anomalyops_reading.rows import Batch, Objects, Unreadable

_LINES: Final = 1_000
_SHOWN: Final = 2
_FORMS: Final = ("ndjson", "semi_structured_text", "delimited")
# A line of another form may stand among those of a known one, but not many.
_RULE: Final = 0.9
_GENERATED: Final = "column"


def endpoints() -> list[Endpoint]:
    """Return the endpoint of this module."""
    parameters = known(
        ["charset", "delimiter", "explain", "has_header_row", "lines_to_sample", "timestamp_field"],
        idle=("timeout",),
        missing=(
            *("column_names", "ecs_compatibility", "grok_pattern", "line_merge_size_limit", "quote"),
            *("should_parse_recursively", "should_trim_fields", "timestamp_format"),
        ),
        readers={"format": one_of(*_FORMS, "xml")},
    )
    return [Endpoint("POST", "/_text_structure/find_structure", Lane.SEARCH, _find, parameters)]


@dataclass(frozen=True, slots=True)
class _Form:
    """What a text is: one of three forms.

    Attributes:
        name: as the answer calls it.
        dialect: of delimited text.
        header: whether its first line has names.
        log: of log lines.
    """

    name: str
    dialect: Dialect | None = None
    header: bool = False
    log: LogFormat | None = None

    def rows(self, text: str) -> Iterator[Batch]:
        """Give the rows of a text of this form."""
        if self.dialect is not None:
            return iter(read_delimited(io.StringIO(text, newline=""), self.dialect, None))
        if self.log is not None:
            return iter(read_log(io.StringIO(text, newline=""), self.log))
        return iter(read_json(io.StringIO(text, newline=""), JsonForm.LINES, rows_at=None))


def _find(call: Call) -> Response:
    lines, marked = _sample(call)
    text = "".join(lines)
    form = _form(call, text)
    names: list[str] = []
    values: dict[str, list[Any]] = {}
    messages = 0
    unreadable: list[Unreadable] = []
    for batch in form.rows(text):
        messages += len(batch.rows) + len(batch.unreadable)
        unreadable += batch.unreadable
        if isinstance(batch, Objects):
            for row in batch.rows:
                for name, value in _leaves(row):
                    values.setdefault(name, []).append(value)
        else:
            names = list(batch.names)
            for name, cells in zip(batch.names, zip(*batch.rows, strict=True), strict=False):
                values.setdefault(name, []).extend(cells)
    fields = [field_of(name, values.get(name, []), textual=form.name != "ndjson") for name in names or values]
    time = _time(call, fields)
    known_structure = {
        "num_lines_analyzed": len(lines),
        "num_messages_analyzed": messages,
        "sample_start": "".join(lines[:_SHOWN]),
        "charset": "UTF-8",
        "has_byte_order_marker": marked,
        **_shape(form),
        **({} if time is None else _told(time)),
        "need_client_timezone": time is not None and time.local,
        "mappings": {"properties": _properties(fields)},
        "field_stats": {field.name: field.statistics() for field in fields if field.filled},
    }
    if call.flag("explain", default=False):
        known_structure["explanation"] = _explanation(form, fields, unreadable)
    return call.respond(known_structure)


def _sample(call: Call) -> tuple[list[str], bool]:
    """Return the lines that are looked at, and whether the text began with a mark of its byte order."""
    call.require_body()
    charset = call.query.get("charset", "UTF-8")
    if charset.upper() not in {"UTF-8", "UTF8"}:
        raise ApiError(501, "not_implemented_exception", f"[charset] [{charset}] is not supported by this engine")
    most = int(call.query.get("lines_to_sample", _LINES))
    if most <= 1:
        raise validation_failed(["[lines_to_sample] must be at least [2] if specified"])
    try:
        text = call.body.decode()
    except UnicodeDecodeError as error:
        raise ApiError(400, "illegal_argument_exception", f"Could not parse input as UTF-8: {error}") from None
    marked = text.startswith("\ufeff")
    return list(islice(io.StringIO(text.removeprefix("\ufeff"), newline=""), most)), marked


def _form(call: Call, text: str) -> _Form:
    """Return the form of a text.

    Raises:
        ApiError: 400; it has none that is known.
    """
    delimiter = call.query.get("delimiter")
    given = call.query.get("format", "delimited" if delimiter is not None else None)
    if given == "xml":
        raise ApiError(501, "not_implemented_exception", "[format] [xml] is not supported by this engine")
    if delimiter is not None and given != "delimited":
        raise validation_failed(["[delimiter] may only be specified if [format] is [delimited]"])
    tried = []
    for name in _FORMS if given is None else (given,):
        try:
            return _read_as(call, name, text)
        except LoadError as error:
            tried.append(f"not {name.replace('_', ' ')}: {error}")
    raise ApiError(400, "illegal_argument_exception", f"Input did not match any known formats: {'; '.join(tried)}")


def _read_as(call: Call, name: str, text: str) -> _Form:
    """Return a form that a text has.

    Raises:
        LoadError: it has another one.
    """
    if name == "delimited":
        return _delimited(call, text, call.query.get("delimiter"))
    if name == "ndjson":
        if recognise_json(io.StringIO(text)) is not JsonForm.LINES:
            raise LoadError("it is no JSON of one object a line")
        return _Form(name)
    log = next((log for log in LOG_FORMATS.values() if _is_log(text, log)), None)
    if log is None:
        raise LoadError(f"its lines are none of {', '.join(LOG_FORMATS)}")
    return _Form(name, log=log)


def _is_log(text: str, log: LogFormat) -> bool:
    lines = [line.rstrip("\r\n") for line in io.StringIO(text) if line.strip()]
    found = sum(log.line.fullmatch(line) is not None for line in lines)
    return bool(lines) and found >= _RULE * len(lines)


def _delimited(call: Call, text: str, delimiter: str | None) -> _Form:
    asked = call.flag("has_header_row", default=True) if "has_header_row" in call.query else None
    if delimiter is not None and len(delimiter) != 1:
        raise ApiError(400, "illegal_argument_exception", "[delimiter] must be a single character")
    dialect, header = _dialect(text, delimiter, asked=asked)
    rows = unreadable = 0
    for table in read_delimited(io.StringIO(text, newline=""), dialect, None):
        rows += len(table.rows)
        unreadable += len(table.unreadable)
    if len(dialect.names) < 2 and delimiter is None:
        raise LoadError("its lines have no delimiter in common")
    if rows == 0 or rows < _RULE * (rows + unreadable):
        raise LoadError(f"{unreadable} of {rows + unreadable} rows have not as many cells as the first line")
    return _Form("delimited", dialect=dialect, header=header)


def _dialect(text: str, delimiter: str | None, *, asked: bool | None) -> tuple[Dialect, bool]:
    """Return how a text is delimited, and whether its first line has the names of the columns."""
    if asked is not False:
        try:
            return find_dialect(io.StringIO(text, newline=""), delimiter=delimiter, header=None, comment=""), True
        except LoadError as error:
            if asked or "looks like data" not in str(error):
                raise
    found = find_dialect(io.StringIO(text, newline=""), delimiter=delimiter, header="none", comment="")
    return replace(found, names=tuple(f"{_GENERATED}{place}" for place in range(1, len(found.names) + 1))), False


def _leaves(row: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in row.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield from ((prefix + key, item) for item in (value if isinstance(value, list) else [value]))


def _time(call: Call, fields: list[TextField]) -> TextField | None:
    """Return the field that orders the rows in time.

    Raises:
        ApiError: 400; the one that is asked for is no time.
    """
    wanted = call.query.get("timestamp_field")
    found = time_field(fields, wanted)
    if wanted is not None and found is None:
        reason = f"[timestamp_field] [{wanted}] has no known time format in every row"
        raise ApiError(400, "illegal_argument_exception", reason)
    return found


def _shape(form: _Form) -> dict[str, Any]:
    if form.dialect is not None:
        return {
            "format": form.name,
            "has_header_row": form.header,
            "delimiter": form.dialect.delimiter,
            "quote": '"',
            "should_trim_fields": False,
            "column_names": list(form.dialect.names),
        }
    if form.log is not None:
        return {"format": form.name, "grok_pattern": form.log.line.pattern.replace("(?P<", "(?<")}
    return {"format": form.name}


def _told(time: TextField) -> dict[str, Any]:
    return {
        "timestamp_field": time.name,
        "joda_timestamp_formats": list(time.java_formats),
        "java_timestamp_formats": list(time.java_formats),
    }


def _properties(fields: list[TextField]) -> dict[str, Any]:
    """Return the properties of a mapping; dotted names become objects."""
    root: dict[str, Any] = {}
    for field in fields:
        if field.filled:
            *parents, leaf = field.name.split(".")
            level = root
            for parent in parents:
                level = level.setdefault(parent, {}).setdefault("properties", {})
            level.setdefault(leaf, {}).update(field.mapping)
    return root


def _explanation(form: _Form, fields: list[TextField], unreadable: list[Unreadable]) -> list[str]:
    told = [f"The text is {form.name.replace('_', ' ')}"]
    told += [f"Field [{field.name}]: {field.note}" for field in fields if field.note]
    told += [f"Line {row.line} is no row: {row.reason}" for row in unreadable[:_SHOWN]]
    return told
