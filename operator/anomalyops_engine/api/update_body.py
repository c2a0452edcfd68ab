"""The body of an update: what changes, and what is made where there is nothing yet (`UpdateRequest`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import orjson

from anomalyops_engine.api.json_text import parse_json
from anomalyops_engine.query.errors import ContentParseError
from anomalyops_engine.query.options import Subject, boolean, mapping, option, read_options, token_of
from anomalyops_engine.query.sources import SourceFilter, read_source

_SUBJECT = Subject("UpdateRequest")


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRequest:
    """What an update asks for.

    Attributes:
        doc: the parts of the document that change.
        upsert: the document that is made where there is none.
        doc_as_upsert: `doc` is that document.
        detect_noop: a change that changes nothing is not written.
        scripted_upsert: how a script would be used; there is none.
        source: which parts of the document the answer shows; None for none.
    """

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"script", "if_seq_no", "if_primary_term"})

    doc: dict[str, Any] | None = option(mapping, None)
    upsert: dict[str, Any] | None = option(mapping, None)
    doc_as_upsert: bool = option(boolean, default=False)
    detect_noop: bool = option(boolean, default=True)
    scripted_upsert: bool = option(boolean, default=False)
    source: SourceFilter | None = option(read_source, None, key="_source")

    def changed(self, known: bytes) -> dict[str, Any]:
        """Return what becomes of a document.

        Args:
            known: its source.
        """
        return _merged(orjson.loads(known), self.doc or {})

    def made(self) -> dict[str, Any] | None:
        """Return the document that is made where there is none, None when none is to be made."""
        return self.doc if self.doc_as_upsert else self.upsert


def read_update(body: bytes, source: SourceFilter | None = None) -> tuple[UpdateRequest, list[str]]:
    """Return an update, and what is wrong with it as a whole, for the request's list of failed validations.

    Args:
        body: JSON text.
        source: what the answer shows where the body does not say.

    Raises:
        MalformedJsonError: it is no JSON, or a name comes twice.
        QueryError: an option is unknown or malformed, or not supported.
    """
    if not body:
        raise ContentParseError("[UpdateRequest] Expected START_OBJECT but was: null")
    given = parse_json(body)
    if not isinstance(given, dict):
        raise ContentParseError(f"[UpdateRequest] Expected START_OBJECT but was: {token_of(given)}")
    if "script" in given and "doc" in given:
        return UpdateRequest(), ["can't provide both script and doc"]
    request = read_options(UpdateRequest, given, _SUBJECT)
    if "_source" not in given:
        request = replace(request, source=source)
    return request, _failures(request)


def _failures(request: UpdateRequest) -> list[str]:
    if request.doc is not None:
        return []
    needless = ["doc must be specified if doc_as_upsert is enabled"] if request.doc_as_upsert else []
    return ["script or doc is missing", *needless]


def _merged(document: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(document)
    for key, value in change.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged
