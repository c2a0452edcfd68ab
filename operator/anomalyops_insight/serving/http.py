"""The same over streamable HTTP: on loopback, or with a token and TLS."""

from __future__ import annotations

import hmac
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from mcp.server.lowlevel import Server as ToolServer
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from anomalyops_insight.errors import BadRequestError
from anomalyops_insight.server import Endpoint, Server
from anomalyops_insight.serving.mcp_server import Changing, tool_server

PATH = "/mcp"
LEAST_TOKEN = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where it listens, and whom it lets in.

    Attributes:
        host: An address, or localhost.
        port: 0 for any that is free.
        token: What a request must bear; None lets everybody in who reaches it.
        certificate: PEM file of the certificate; None for plain HTTP.
        key: PEM file of its key.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    token: str | None = field(default=None, repr=False)
    certificate: Path | None = None
    key: Path | None = None

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def check(self) -> None:
        """Makes sure that it may listen there.

        Raises:
            BadRequestError: A token or TLS is missing, or cannot be used; the message says which and why.
        """
        if (self.certificate is None) != (self.key is None):
            raise BadRequestError("--cert and --key belong together: only one of them is given")
        if self.token is not None and (len(self.token) < LEAST_TOKEN or not self.token.isascii()):
            raise BadRequestError(f"the token must have at least {LEAST_TOKEN} characters, all of them ASCII")
        if self.loopback:
            return
        missing = [] if self.token is not None else ["a token (ANOMALYOPS_MCP_TOKEN or --token-file)"]
        missing += [] if self.certificate is not None else ["TLS (--cert and --key)"]
        if missing:
            raise BadRequestError(
                f"--host {self.host}: others than this machine would reach it, with the rights of the server's "
                f"credentials; {' and '.join(missing)} must be given, or --host 127.0.0.1"
            )


class _Guarded:
    """Lets in what bears the token."""

    def __init__(self, sessions: StreamableHTTPSessionManager, token: str | None) -> None:
        self._sessions = sessions
        self._wanted = None if token is None else f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._wanted is not None and not hmac.compare_digest(_authorization(scope), self._wanted):
            refused = JSONResponse(
                {"error": "invalid_token", "error_description": "a bearer token is needed"},
                status_code=401,
                headers={"WWW-Authenticate": "Bearer"},
            )
            await refused(scope, receive, send)
            return
        await self._sessions.handle_request(scope, receive, send)


def _authorization(scope: Scope) -> bytes:
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    return bytes(given[0]) if len(given) == 1 else b""


def application(tools: ToolServer[Any, Any], listening: Listening) -> Starlette:
    """The application behind the port."""
    local = [f"{name}:*" for name in ("127.0.0.1", "localhost", "[::1]", listening.host)]
    # A page in a browser on this machine must not reach it under a name of its own (DNS rebinding).
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=listening.loopback,
        allowed_hosts=local,
        allowed_origins=[f"{scheme}://{host}" for scheme in ("http", "https") for host in local],
    )
    sessions = StreamableHTTPSessionManager(app=tools, security_settings=security)

    @asynccontextmanager
    async def living(_: Starlette) -> AsyncIterator[None]:
        async with sessions.run():
            yield

    return Starlette(routes=[Route(PATH, endpoint=_Guarded(sessions, listening.token))], lifespan=living)


async def serve_http(
    endpoint: Endpoint,
    listening: Listening,
    changing: Sequence[Changing] = (),
    withheld: Collection[str] = (),
    *,
    told: Callable[[str], None],
) -> None:
    """Serves over HTTP until the process is to end.

    Args:
        endpoint: What is asked.
        listening: Where, and for whom.
        changing: Tools that change something.
        withheld: Names of tools that change something and are not offered.
        told: Is told where it listens.

    Raises:
        BadRequestError: It may not listen there, or cannot.
    """
    listening.check()
    async with Server(endpoint) as server:
        app = application(tool_server(server, changing, withheld), listening)
        config = uvicorn.Config(
            app,
            host=listening.host,
            port=listening.port,
            log_level="warning",
            access_log=False,
            server_header=False,
            ssl_certfile=None if listening.certificate is None else str(listening.certificate),
            ssl_keyfile=None if listening.key is None else str(listening.key),
        )
        try:
            config.load()
            socket = config.bind_socket()
            socket.listen(config.backlog)  # who connects from now on is answered, if a moment later
        except (OSError, ssl.SSLError) as error:
            raise BadRequestError(f"--cert, --key: {error.strerror or error}") from None
        except SystemExit:
            raise BadRequestError(f"{listening.host}:{listening.port}: cannot listen there") from None
        scheme = "http" if listening.certificate is None else "https"
        told(f"listening on {scheme}://{listening.host}:{socket.getsockname()[1]}{PATH}")
        await uvicorn.Server(config).serve(sockets=[socket])
