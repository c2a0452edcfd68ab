"""`_analyze`: the tokens that an analyzer makes of texts, and with `explain` those of each of its steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

from starlette.responses import Response

from anomalyops_engine.analyzers.analyzer import UnsupportedAnalyzer, custom_analyzer, named_analyzer
from anomalyops_engine.analyzers.tokenizers import Token
from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError, not_supported
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import known
from anomalyops_engine.query.options import MistypedError, boolean
from anomalyops_engine.store import Index, Store

_PARTS: Final = ("tokenizer", "filter", "char_filter")
_NOT_SERVED: Final = ("normalizer",)
_KNOWN: Final = frozenset({*_PARTS, *_NOT_SERVED, "analyzer", "attributes", "explain", "field", "text"})
# Between the last token of a text and the first of the next one, in a field of several values.
_POSITION_GAP: Final = 100
_OFFSET_GAP: Final = 1
_MOST_TOKENS: Final = 10_000


def endpoints(store: Store) -> list[Endpoint]:
    """Return the endpoints of this module."""
    return [
        Endpoint("GET POST", path, Lane.STATE, partial(_analyze, store), known(["index"]))
        for path in ("/_analyze", "/{index}/_analyze")
    ]


def _analyze(store: Store, call: Call) -> Response:
    body = call.json(required=True)
    for name in body:
        if name in _NOT_SERVED and body[name]:
            raise not_supported(f"[{name}] of [_analyze] is not supported by this engine")
        if name not in _KNOWN:
            raise ApiError(400, "x_content_parse_exception", f"[analyze_request] unknown field [{name}]")
    given = body.get("text")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise ApiError(
            400, "action_request_validation_exception", "Validation Failed: 1: text is missing and must be given;"
        )
    index = _index(store, call)
    shown = _Shown(texts, _MOST_TOKENS if index is None else _limit(index))
    try:
        chosen, parts = _asked_for(body, index)
        if not _flag(body, "explain"):
            analyzer = custom_analyzer(parts) if chosen is None else named_analyzer(_served(chosen))
            return call.respond({"tokens": shown.tokens(analyzer.analyze)})
        attributes = _attributes(body)
        detail = shown.named(chosen, attributes) if chosen is not None else shown.steps(parts, attributes)
    except UnsupportedAnalyzer as error:
        raise ApiError(400, "illegal_argument_exception", str(error)) from None
    return call.respond({"detail": detail})


def _flag(body: dict[str, Any], name: str) -> bool:
    try:
        return boolean(body.get(name, False))
    except MistypedError as error:
        raise ApiError(400, "x_content_parse_exception", f"[analyze_request] [{name}]: {error}") from None


def _attributes(body: dict[str, Any]) -> frozenset[str]:
    """Return which of the attributes behind the usual ones are shown; none for all."""
    given = body.get("attributes", [])
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ApiError(400, "x_content_parse_exception", "[analyze_request] [attributes] must be a list of texts")
    return frozenset(name.lower() for name in names)


def _index(store: Store, call: Call) -> Index | None:
    """Return the index that the request names, whose fields and limits count.

    Raises:
        ApiError: it names several.
        IndexNotFoundError: there is none of that name.
    """
    name = call.path.get("index", call.query.get("index"))
    if name is None:
        return None
    with store.read() as reader:
        found = reader.resolve(name, allow_no_indices=False)
    if len(found) > 1:
        names = ", ".join(index.name for index in found)
        reason = f"unable to return only one index: [{name}] stands for several: [{names}]"
        raise ApiError(400, "illegal_argument_exception", reason)
    return found[0]


def _limit(index: Index) -> int:
    return int(index.settings.get("analyze.max_token_count", _MOST_TOKENS))


def _asked_for(body: dict[str, Any], index: Index | None) -> tuple[str | None, dict[str, Any]]:
    """Return the name of the analyzer that is asked for, or the parts that one shall be put together from."""
    parts = {name: body[name] for name in _PARTS if body.get(name)}
    name, field = body.get("analyzer"), body.get("field")
    for other in ("analyzer", "field"):
        if parts and body.get(other) is not None:
            raise UnsupportedAnalyzer(f"{other} [{body[other]}] cannot be given together with [{next(iter(parts))}]")
    if parts:
        return None, {"tokenizer": "keyword", **parts}
    if name is not None or field is None:
        return "standard" if name is None else str(name), {}
    if index is None:
        raise UnsupportedAnalyzer("analysis based on a specific field requires an index")
    return _of_field(index, str(field)), {}


_WHOLE: Final = "_keyword"
"""What a cluster calls the analyzer of a keyword field, which makes one token of all."""


def _served(name: str) -> str:
    return "keyword" if name == _WHOLE else name


def _of_field(index: Index, name: str) -> str:
    """Return the name of the analyzer of a field, the usual one where it is not mapped."""
    leaf = index.mapping.leaf(name)
    if leaf is None:
        return "standard"
    if leaf.is_text:
        return leaf.analyzer
    if leaf.type != "keyword":
        raise UnsupportedAnalyzer(
            f"Can't process field [{name}], Analysis requests are only supported on tokenized fields"
        )
    if leaf.definition.get("normalizer", "default") != "default":
        raise not_supported(f"[_analyze] with the normalizer of field [{name}] is not supported by this engine")
    return _WHOLE


Cut = Callable[[str], Iterable[Token]]


class _Shown:
    """Texts, and how the tokens of them are shown.

    Args:
        texts: as the values of a field.
        limit: how many tokens one step may make.
    """

    def __init__(self, texts: list[str], limit: int) -> None:
        self._texts, self._limit = texts, limit

    def tokens(self, cut: Cut, attributes: frozenset[str] | None = None) -> list[dict[str, Any]]:
        """Return the tokens of all texts; with attributes also what else is known of each.

        Raises:
            ApiError: there are too many.
        """
        tokens: list[dict[str, Any]] = []
        offset = position = 0
        for text in self._texts:
            last = -1
            for token in cut(text):
                last = token.position
                if len(tokens) == self._limit:
                    raise _too_many(self._limit)
                tokens.append(
                    {
                        "token": token.term,
                        "start_offset": offset + token.start,
                        "end_offset": offset + token.end,
                        "type": token.kind,
                        "position": position + token.position,
                        **_more(token, attributes),
                    }
                )
            offset += len(text) + _OFFSET_GAP
            position += last + 1 + _POSITION_GAP
        return tokens

    def named(self, name: str, attributes: frozenset[str]) -> dict[str, Any]:
        """Return what an analyzer with a name does, in one step."""
        tokens = self.tokens(named_analyzer(_served(name)).analyze, attributes)
        return {"custom_analyzer": False, "analyzer": {"name": name, "tokens": tokens}}

    def steps(self, parts: dict[str, Any], attributes: frozenset[str]) -> dict[str, Any]:
        """Return what each part of an analyzer does."""
        whole = custom_analyzer(parts)
        detail: dict[str, Any] = {"custom_analyzer": True}
        chars = _names(parts, "char_filter")
        if chars:
            detail["charfilters"] = [
                {"name": name, "filtered_text": [whole.beginning(number + 1, 0).filtered(text) for text in self._texts]}
                for number, name in enumerate(chars)
            ]
        cut = self.tokens(whole.beginning(len(chars), 0).analyze, attributes)
        detail["tokenizer"] = {"name": _names(parts, "tokenizer")[0], "tokens": cut}
        filters = _names(parts, "filter")
        if filters:
            detail["tokenfilters"] = [
                {"name": name, "tokens": self.tokens(whole.beginning(len(chars), number + 1).analyze, attributes)}
                for number, name in enumerate(filters)
            ]
        return detail


def _too_many(limit: int) -> ApiError:
    # A cluster says so too, with a status that stands for faults of its own.
    reason = (
        f"The number of tokens produced by calling _analyze has exceeded the allowed maximum of [{limit}]. "
        "This limit can be set by changing the [index.analyze.max_token_count] index level setting."
    )
    return ApiError(400, "illegal_state_exception", reason)


def _names(parts: dict[str, Any], role: str) -> list[str]:
    """Return what the parts of one kind are called; one that is described has no name but its type."""
    given = parts.get(role, [])
    listed = given if isinstance(given, list) else [given]
    return [f"__anonymous__{part.get('type')}" if isinstance(part, dict) else str(part) for part in listed]


def _more(token: Token, attributes: frozenset[str] | None) -> dict[str, Any]:
    if attributes is None:
        return {}
    known_of = {
        "bytes": f"[{token.term.encode(errors='surrogatepass').hex(' ')}]",
        "positionLength": 1,
        "termFrequency": 1,
    }
    return {name: value for name, value in known_of.items() if not attributes or name.lower() in attributes}
