"""One request as the handlers see it, and the answer they give.

Handlers are plain functions that run in a worker thread, so that database work never blocks the event loop.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.filtering import keep_paths
from anomalyops_engine.api.human import with_times_as_text
from anomalyops_engine.api.json_text import parse_object
from anomalyops_engine.api.media_types import answer_type
from anomalyops_engine.api.parameters import boolean
from anomalyops_engine.store import Interruption

_PRETTY: Final = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


class Call:
    """A request with its body read.

    Attributes:
        request: the request.
        reads_body: whether the handler has looked at the body.
        path: path parameters.
        query: query parameters; the last value counts where one is repeated.
        interruption: the handle by which the work is ended before it is done.
    """

    def __init__(self, request: Request, body: bytes, interruption: Interruption) -> None:
        self.request = request
        self._body = body
        self.reads_body = False
        self.path: Mapping[str, str] = request.path_params
        self.query: Mapping[str, str] = dict(request.query_params)
        self.interruption = interruption
        self._began_ns = time.perf_counter_ns()

    @property
    def body(self) -> bytes:
        """The decompressed body."""
        self.reads_body = True
        return self._body

    def running_ns(self) -> int:
        """Return for how long its handler has been at work, nanoseconds."""
        return time.perf_counter_ns() - self._began_ns

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean query parameter; given without a value it is true.

        Raises:
            ApiError: 400 when it is neither true nor false.
        """
        value = self.query.get(name)
        if value is None:
            return default
        return boolean(name, value)

    def json(self, *, required: bool = False) -> dict[str, Any]:
        """Return the body as an object; an absent body is an empty one.

        Raises:
            MalformedJsonError: it is no JSON, or an object in it names a field twice.
            ApiError: 400; it is no object, or absent though required.
        """
        if required:
            self.require_body()
        elif not self.body.strip():
            return {}
        return parse_object(self.body)

    def require_body(self) -> None:
        """Check that there is a body.

        Raises:
            ApiError: 400; there is none.
        """
        if not self.body.strip():
            raise ApiError(400, "parse_exception", "request body is required")

    def refuse_body(self) -> None:
        """Check that there is no body.

        Raises:
            ApiError: 400; there is one.
        """
        if self.body.strip():
            asked = f"{self.request.method} {self.request.url.path}"
            raise ApiError(400, "illegal_argument_exception", f"request [{asked}] does not support having a body")

    def warn(self, text: str) -> None:
        """Let the answer warn of something deprecated in the request."""
        self.request.scope["anomalyops.deprecation"] = text

    def respond(self, body: Any, status: int = 200) -> Response:
        """Return a JSON answer, cut down to `filter_path` and laid out as `pretty` asks."""
        self.request.scope["anomalyops.rendered"] = True
        if self.request.url.path.startswith("/_ml/") and self.flag("human", default=False):
            body = with_times_as_text(body)
        return render(self.request, body, status)

    def respond_text(self, text: bytes) -> Response:
        """Return a JSON answer that is written already, cut down to `filter_path`; laid out as `pretty` asks."""
        self.request.scope["anomalyops.rendered"] = True
        if self.query.get("pretty", "false") != "false":
            text = orjson.dumps(orjson.loads(text), option=_PRETTY)
        return Response(text, media_type=answer_type(self.request))


def render(request: Request, body: Any, status: int) -> Response:
    """Return a JSON response in the media type that the client asked for."""
    paths = request.query_params.get("filter_path")
    if paths:
        body = keep_paths(body, paths.split(","))
    pretty = request.query_params.get("pretty", "false") != "false"
    option = _PRETTY if pretty else 0
    return Response(orjson.dumps(body, option=option), status, media_type=answer_type(request))
