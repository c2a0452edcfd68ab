"""`_analyze`: the tokens that an analyzer makes of texts, as in the preview of a categorization analyzer."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from anomalyops_engine.analyzers.analyzer import Analyzer, UnsupportedAnalyzer, custom_analyzer, named_analyzer
from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError, not_supported
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import known

_PARTS: Final = ("tokenizer", "filter", "char_filter")
_NOT_SERVED: Final = ("field", "normalizer", "explain", "attributes")
# Between the last token of a text and the first of the next one, in a field of several values.
_POSITION_GAP: Final = 100
_OFFSET_GAP: Final = 1


def endpoints() -> list[Endpoint]:
    """Return the endpoints of this module; no index has analyzers of its own, so that none is asked for."""
    return [Endpoint("GET POST", "/_analyze", Lane.STATE, _analyze, known(missing=("index",)))]


def _analyze(call: Call) -> Response:
    body = call.json(required=True)
    for name in body:
        if name in _NOT_SERVED and body[name]:
            raise not_supported(f"[{name}] of [_analyze] is not supported by this engine")
        if name not in {*_PARTS, *_NOT_SERVED, "analyzer", "text"}:
            raise ApiError(400, "x_content_parse_exception", f"[analyze_request] unknown field [{name}]")
    given = body.get("text")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise ApiError(
            400, "action_request_validation_exception", "Validation Failed: 1: text is missing and must be given;"
        )
    try:
        analyzer = _asked_for(body)
    except UnsupportedAnalyzer as error:
        raise ApiError(400, "illegal_argument_exception", str(error)) from None
    return call.respond({"tokens": _tokens(analyzer, texts)})


def _asked_for(body: dict[str, Any]) -> Analyzer:
    parts = {name: body[name] for name in _PARTS if body.get(name)}
    name = body.get("analyzer")
    if name is not None and parts:
        raise UnsupportedAnalyzer(f"analyzer [{name}] cannot be given together with [{next(iter(parts))}]")
    if not parts:
        return named_analyzer("standard" if name is None else str(name))
    return custom_analyzer({"tokenizer": "keyword", **parts})


def _tokens(analyzer: Analyzer, texts: list[str]) -> list[dict[str, Any]]:
    tokens: list[dict[str, Any]] = []
    offset = position = 0
    for text in texts:
        last = -1
        for token in analyzer.analyze(text):
            last = token.position
            tokens.append(
                {
                    "token": token.term,
                    "start_offset": offset + token.start,
                    "end_offset": offset + token.end,
                    "type": "word",
                    "position": position + token.position,
                }
            )
        offset += len(text) + _OFFSET_GAP
        position += last + 1 + _POSITION_GAP
    return tokens
