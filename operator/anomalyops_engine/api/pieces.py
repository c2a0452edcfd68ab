"""Large answers go to the connection in pieces, so that the event loop never copies a whole one at once."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# As much as is copied in a tenth of a millisecond; the server waits between pieces until the client has taken some.
PIECE: Final = 256 * 1024


class PiecesMiddleware:
    """Hands on the bodies of answers in pieces of at most `PIECE` bytes.

    Args:
        app: the application inside.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one exchange."""

        async def send_in_pieces(message: Message) -> None:
            body = message.get("body", b"") if message["type"] == "http.response.body" else b""
            if len(body) <= PIECE:
                await send(message)
                return
            whole, more = memoryview(body), message.get("more_body", False)
            for begin in range(0, len(whole), PIECE):
                last = begin + PIECE >= len(whole)
                piece = whole[begin : begin + PIECE]
                await send({**message, "body": piece, "more_body": more or not last})

        await self._app(scope, receive, send_in_pieces)
