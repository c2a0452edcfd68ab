"""The body of `_bulk`: action lines, each but those of deletions followed by a line of source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from anomalyops_engine.api.errors import ApiError, not_supported, validation_failed
from anomalyops_engine.api.external_versions import External, read_external
from anomalyops_engine.api.json_text import MalformedJsonError, parse_json, without_mark
from anomalyops_engine.api.update_body import UpdateRequest, read_update
from anomalyops_engine.query.options import token_of
from anomalyops_engine.query.sources import SourceFilter, read_source

_KINDS = frozenset({"index", "create", "update", "delete"})
_META = frozenset(
    {"_index", "_id", "_source", "if_primary_term", "if_seq_no", "require_alias", "retry_on_conflict", "routing"}
    | {"version", "version_type"}
)
_MISSING = frozenset(
    {
        "dynamic_templates",
        "pipeline",
        "require_data_stream",
    }
)
_NOTHING = "no requests added"
_LONGEST_ID = 512  # bytes of UTF-8
# Bytes of a body that are cut into lines at once: a few milliseconds.
_STRETCH = 2**21


@dataclass(slots=True)
class Operation:
    """One operation of a bulk request.

    Attributes:
        kind: index, create, update or delete.
        index: name of the target index or alias.
        id: document id; None to make one.
        source: JSON text of the document, or of the update request.
        update: that request, read.
        routing: what its document is routed by.
        require_alias: whether it is refused where `index` is no alias.
        condition: what must be known of the document that is there.
        external: the version that it brings; None for the next one.
    """

    kind: str
    index: str
    id: str | None
    source: bytes = b""
    update: UpdateRequest | None = None
    routing: str | None = None
    require_alias: bool = False
    condition: Condition | None = None
    external: External | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """The sequence number and primary term that a document must have to be written."""

    seq_no: int
    primary_term: int


def read_condition(seq_no: str | None, primary_term: str | None) -> tuple[Condition | None, list[str]]:
    """Return the condition of a write, and what is wrong with it.

    Raises:
        ApiError: 400; a number is none.
    """
    number, term = _counted("if_seq_no", seq_no, -2), _counted("if_primary_term", primary_term, 0)
    if number == -2 and term == 0:
        return None, []
    if number < 0:
        return None, [f"ifSeqNo is unassigned, but primary term is [{term}]"]
    if term == 0:
        return None, [f"ifSeqNo is set, but primary term is [{term}]"]
    return Condition(number, term), []


def _counted(name: str, text: str | None, absent: int) -> int:
    if text is None:
        return absent
    if not text.isdecimal() or len(text) > 18:
        reason = f"Failed to parse long parameter [{name}] with value [{text}]"
        raise ApiError(400, "illegal_argument_exception", reason)
    return int(text)


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for actions that do not say.

    Attributes:
        index: their index.
        source: which parts of their documents updates show.
        routing: what their documents are routed by.
        require_alias: whether they are refused where their index is no alias.
    """

    index: str | None = None
    source: SourceFilter | None = None
    routing: str | None = None
    require_alias: bool = False


def parse_bulk(body: bytes, defaults: Defaults) -> list[Operation]:
    """Return the operations of an NDJSON body.

    Args:
        body: the body.
        defaults: what holds for actions that do not say.

    Raises:
        ApiError: 400 when the body is malformed as a whole.
        QueryError: an update is.
    """
    if not body:
        raise ApiError(400, "parse_exception", "request body is required")
    if not body.endswith(b"\n"):
        raise ApiError(400, "illegal_argument_exception", "The bulk request must be terminated by a newline [\\n]")
    lines = lines_of(body)
    reader = _Reader(defaults)
    operations = list(reader.operations(lines))
    # What Elasticsearch finds out when all has been read.
    failures = reader.failures if operations else [_NOTHING]
    if failures:
        raise validation_failed(failures)
    return operations


def lines_of(body: bytes) -> list[bytes]:
    """Return the lines of a body that ends with the end of a line.

    Cutting holds the interpreter's lock, so a large body is cut in stretches.
    """
    lines: list[bytes] = []
    begin = 0
    while begin < len(body):
        # The last line ends the body, so there is an end behind every place.
        end = body.index(b"\n", min(begin + _STRETCH, len(body) - 1)) + 1
        lines += body[begin : end - 1].split(b"\n")
        begin = end
    return lines


@dataclass(frozen=True, slots=True)
class Action:
    """What an action line says, defaults included.

    Attributes:
        kind: index, create, update or delete.
        index: name of the target index or alias.
        id: document id; None to make one.
        source: which parts of its document an update shows.
        routing: what its document is routed by.
        require_alias: whether it is refused where `index` is no alias.
        condition: what must be known of the document that is there.
        failures: what is wrong with it, found when all has been read.
    """

    kind: str
    index: str
    id: str | None
    source: SourceFilter | None
    routing: str | None
    require_alias: bool
    condition: Condition | None
    external: External | None
    failures: tuple[str, ...]


def read_action(line: bytes, defaults: Defaults) -> Action:
    """Return what an action line says.

    Raises:
        ApiError: 400; it says nothing that is known.
        QueryError: it says nonsense about the source.
    """
    return _Reader(defaults).action(line, 1)


class _Reader:
    """Reads the lines of one body.

    Attributes:
        failures: what is wrong with operations that can be read.
    """

    def __init__(self, defaults: Defaults) -> None:
        self._defaults = defaults
        self._known: dict[bytes, Action] = {}
        self.failures: list[str] = []

    def operations(self, lines: Sequence[bytes]) -> Iterator[Operation]:
        """Yield the operations of some lines."""
        number, count = 0, len(lines)
        while number < count:
            line = lines[number]
            number += 1
            if not line.strip():
                continue
            action = self._known.get(line)
            if action is None:
                action = self._known[line] = self.action(line, number)
            if action.failures:
                self.failures += action.failures
            source = b""
            if action.kind != "delete":
                if number >= count:
                    raise _unfinished(number)
                source = without_mark(lines[number].strip())
                number += 1
            update = None
            if action.kind == "update":
                update, failures = read_update(source, action.source)
                self.failures += failures
            # By position: there are many of them.
            yield Operation(
                action.kind,
                action.index,
                action.id,
                source,
                update,
                action.routing,
                action.require_alias,
                action.condition,
                action.external,
            )

    def action(self, line: bytes, number: int) -> Action:
        """Return what an action line says, which has a number."""
        try:
            action = parse_json(line)
        except MalformedJsonError as error:
            error.reason = f"Malformed action/metadata line [{number}], {error.reason}"
            raise
        if not isinstance(action, dict):
            raise _malformed(number, f"expected START_OBJECT but found [{token_of(action)}]")
        if len(action) != 1:
            raise _malformed(number, 'expected one action such as {"index":{}}')
        ((kind, meta),) = action.items()
        if kind not in _KINDS:
            raise _malformed(number, f"expected field [create], [delete], [index] or [update] but found [{kind}]")
        if not isinstance(meta, dict):
            raise _malformed(number, f"expected an object after [{kind}]")
        _check_keys(kind, meta, number)
        if kind == "index" and _simple(meta, "op_type", number) == "create":
            kind = "create"
        defaults = self._defaults
        index = _simple(meta, "_index", number) or defaults.index
        doc_id = _simple(meta, "_id", number)
        source = read_source(meta["_source"]) if "_source" in meta else defaults.source
        condition, wrong = read_condition(*(_simple(meta, name, number) for name in ("if_seq_no", "if_primary_term")))
        routing = _simple(meta, "routing", number)
        alias = _simple(meta, "require_alias", number)
        external, unfit = _external(kind, doc_id, meta, number, conditional=condition is not None)
        failures = [*_failures(kind, index, doc_id), *wrong, *unfit]
        if not doc_id and kind in {"update", "delete"}:
            doc_id = None
        return Action(
            kind,
            index or "",
            doc_id,
            source,
            defaults.routing if routing is None else routing,
            defaults.require_alias if alias is None else alias == "true",
            condition,
            external,
            tuple(failures),
        )


def _check_keys(kind: str, meta: dict[str, Any], number: int) -> None:
    for key in meta:
        if key in _MISSING or (key == "_source" and kind != "update"):
            raise not_supported(f"[{key}] in bulk action [{kind}] is not supported by this engine")
        if key not in _META and not (key == "op_type" and kind in {"index", "create"}):
            raise _malformed(number, f"unknown parameter [{key}]")


def _simple(meta: dict[str, Any], key: str, number: int) -> str | None:
    """Return a value of an action as text."""
    value = meta.get(key)
    if isinstance(value, dict | list):
        raise _malformed(number, f"expected a simple value for field [{key}] but found [{token_of(value)}]")
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


def _external(
    kind: str, doc_id: str | None, meta: dict[str, Any], number: int, *, conditional: bool
) -> tuple[External | None, list[str]]:
    version, version_type = (_simple(meta, name, number) for name in ("version", "version_type"))
    if kind == "update" and (version is not None or version_type is not None):
        reason = "Update requests do not support versioning. Please use `if_seq_no` and `if_primary_term` instead"
        raise ApiError(400, "illegal_argument_exception", reason)
    return read_external(kind, doc_id, version, version_type, conditional=conditional)


def _failures(kind: str, index: str | None, doc_id: str | None) -> Iterator[str]:
    if not index:
        yield "index is missing"
    if not doc_id and kind in {"update", "delete"}:
        yield "id is missing"
    if kind in {"index", "create"}:
        yield from too_long(doc_id)


def _unfinished(number: int) -> ApiError:
    """Return the refusal of an action at the end that lacks its source; alone it is no request at all."""
    why = "no source follows it"
    return _malformed(number, why) if number > 1 else validation_failed([f"{_NOTHING}, line [1]: {why}"])


def _malformed(number: int, why: str) -> ApiError:
    return ApiError(400, "illegal_argument_exception", f"Malformed action/metadata line [{number}], {why}")


def too_long(doc_id: str | None) -> Iterator[str]:
    """Yield what is wrong with an id that is longer than ids of documents may be."""
    length = len((doc_id or "").encode())
    if length > _LONGEST_ID:
        yield f"id [{doc_id}] is too long, must be no longer than {_LONGEST_ID} bytes but was: {length}"
