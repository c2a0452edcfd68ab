"""Answers of ES|QL as text: comma- and tab-separated values, and a table to be read."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.errors import ApiError, not_supported
from anomalyops_engine.query.esql.answer import Answer
from anomalyops_engine.query.values import as_text

_TYPES = {"csv": "text/csv", "tsv": "text/tab-separated-values", "txt": "text/plain"}
_OTHER = {"cbor": "application/cbor", "smile": "application/smile", "yaml": "application/yaml"}
_ARROW = "application/vnd.apache.arrow.stream"
_NARROWEST = 15


def answer_format(call: Call) -> str:
    """Return how an answer is asked for: `json`, `csv`, `tsv` or `txt`; `format` wins over the Accept header.

    Raises:
        ApiError: 501 for what this engine does not write, 400 for a delimiter that cannot be.
    """
    form = call.query.get("format", "").lower() or _accepted(call.request.headers.get("accept", ""))
    if form in {*_OTHER, "arrow"}:
        raise not_supported(f"[format={form}] is not supported by this engine")
    delimiter = call.query.get("delimiter")
    if delimiter is not None:
        if form != "csv":
            message = f"request [{call.request.url.path}] contains unrecognized parameter: [delimiter]"
            raise ApiError(400, "illegal_argument_exception", message)
        _check_delimiter(delimiter)
    return form


def _accepted(accept: str) -> str:
    kinds = [part.split(";")[0].strip().lower() for part in accept.split(",")]
    for form, kind in {**_TYPES, **_OTHER, "arrow": _ARROW}.items():
        if kind in kinds:
            return form
    return "json"


def _check_delimiter(delimiter: str) -> None:
    if len(delimiter) != 1:
        reason = f"invalid delimiter [{delimiter}]; delimiter must be exactly one character"
    elif delimiter in '"\n\r':
        reason = f"illegal reserved character specified as delimiter [{delimiter!r}]"
    elif delimiter == "\t":
        reason = "illegal delimiter [TAB] specified as delimiter for the [csv] format; choose the [tsv] format instead"
    else:
        return
    raise ApiError(400, "illegal_argument_exception", reason)


def table(call: Call, found: Answer, form: str) -> Response:
    """Return an answer as text."""
    rows = [[_cell(value) for value in row] for row in found.rows]
    head = [name for name, _ in found.columns]
    if form == "txt":
        text = _laid_out(head, rows)
    else:
        separator = call.query.get("delimiter", ",") if form == "csv" else "\t"
        lines = [head, *rows] if "header=absent" not in call.request.headers.get("accept", "") else rows
        write = _quoted if form == "csv" else _escaped
        end = "\r\n" if form == "csv" else "\n"
        text = "".join(separator.join(write(cell, separator) for cell in line) + end for line in lines)
    call.request.scope["anomalyops.rendered"] = True
    return Response(text, media_type=_TYPES[form])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return f"[{', '.join(map(_cell, value))}]"
    return orjson.dumps(value).decode() if isinstance(value, orjson.Fragment) else as_text(value)


def _quoted(cell: str, separator: str) -> str:
    if any(character in cell for character in (separator, '"', "\n", "\r")):
        doubled = cell.replace('"', '""')
        return f'"{doubled}"'
    return cell


def _escaped(cell: str, separator: str) -> str:
    return cell.replace("\n", "\\n").replace(separator, "\\t")


def _laid_out(head: list[str], rows: list[list[str]]) -> str:
    """Return a table with its columns below one another."""
    widths = [max(_NARROWEST, *(len(line[place]) for line in (head, *rows))) for place in range(len(head))]
    lines = ["|".join(name.center(width) for name, width in zip(head, widths, strict=True))]
    lines.append("+".join("-" * width for width in widths))
    lines += ["|".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "".join(f"{line}\n" for line in lines)
