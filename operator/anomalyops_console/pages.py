"""The built page: its files, and the headers that keep it to itself."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

PREFIX: Final = "/_console"
STATIC: Final = Path(__file__).parent / "static"
_READS_ONLY: Final = b'<meta name="anomalyops-writes" content="no" />'
_WRITES: Final = b'<meta name="anomalyops-writes" content="yes" />'
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
HEADERS: Final = {
    # Nothing comes from elsewhere, nothing in the data can become a script, and no other page holds this one.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    # The names of the files are the same in each version.
    "Cache-Control": "no-cache",
}


def is_page(path: str) -> bool:
    """Whether a path is the console's."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


class Pages:
    """An ASGI application that serves the page under `/_console/`.

    Args:
        writes: Whether calls that change something get anywhere from here, so that the page offers them.
    """

    def __init__(self, *, writes: bool = False) -> None:
        names = sorted(path for path in STATIC.iterdir() if path.suffix in _TYPES)
        self._files = {path.name: (path.read_bytes(), _TYPES[path.suffix]) for path in names}
        if writes:
            page, media_type = self._files["index.html"]
            self._files["index.html"] = (page.replace(_READS_ONLY, _WRITES), media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self.answer(Request(scope))(scope, receive, send)

    def answer(self, request: Request) -> Response:
        """The file that is asked for."""
        path = request.url.path
        if request.method not in {"GET", "HEAD"}:
            return Response("only GET and HEAD\n", 405, {"Allow": "GET, HEAD", **HEADERS}, "text/plain")
        if path == PREFIX:
            # Relative: what stands before the prefix, in an ingress, is not known here.
            return RedirectResponse("_console/", 308, HEADERS)
        found = self._files.get(path.removeprefix(f"{PREFIX}/") or "index.html")
        if found is None:
            return Response("no such file\n", 404, HEADERS, "text/plain")
        body, media_type = found
        return Response(body, 200, HEADERS, media_type)
