"""Which requests are refused before they are read: those that a page of another web site made a browser send.

A page may make the browser of whoever looks at it send requests to any address, loopback too. For requests without a
body, and for bodies that name no type, the browser asks nobody before. Two things tell them apart. A browser says in
`Origin` and `Sec-Fetch-Site` where the page came from. And where a page has its own name point to loopback (DNS
rebinding), so that it looks like the server's own, the name is still in `Host`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.requests import Request

_HOST = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<name>[^\s:/?#\[\]@]+))(?::(?P<port>\d*))?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class ForeignRequestError(Exception):
    """A request that must not be read.

    Attributes:
        status: Of the answer.
        kind: Elasticsearch's name of the error.
        reason: What is wrong with the request.
    """

    def __init__(self, status: int, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.kind = kind
        self.reason = reason


def check_origin(request: Request, allowed_hosts: Collection[str] = ()) -> None:
    """Refuse a request that was made for the page of another site.

    Args:
        request: the request, with its body unread.
        allowed_hosts: names beside the loopback ones under which the server may be asked, in lower case. Where some
            are given they count on every address, else names are looked at on loopback alone: elsewhere the server
            cannot know what it is called.

    Raises:
        ForeignRequestError: 400 without a readable `Host`, 403 for a foreign page.
    """
    host, port = _host(request)
    if (allowed_hosts or _is_loopback(_local_address(request))) and not (_is_loopback(host) or host in allowed_hosts):
        raise _refusal(
            f"the Host header names [{host}], which is no name of this server; accepted are loopback names"
            + "".join(f", [{name}]" for name in sorted(allowed_hosts))
            + " (start the server with --allow-host to add one)"
        )
    origins = request.headers.getlist("origin")
    if any(_origin(text) != (host, port) for text in origins):
        raise _refusal(f"requests from web pages of another site are refused, Origin is [{', '.join(origins)}]")
    site = request.headers.get("sec-fetch-site", "none")
    if site not in {"same-origin", "none"}:
        raise _refusal(f"requests from web pages of another site are refused, Sec-Fetch-Site is [{site}]")


def _refusal(reason: str) -> ForeignRequestError:
    return ForeignRequestError(403, "security_exception", reason)


def _host(request: Request) -> tuple[str, int]:
    """Return the name and port that the client asked for."""
    values = request.headers.getlist("host")
    if not values and request.scope.get("http_version") == "1.0":
        return str(_local_address(request)), int(request.scope["server"][1] or 0)
    found = _HOST.fullmatch(values[0].strip()) if len(values) == 1 else None
    if found is None:
        raise ForeignRequestError(400, "illegal_argument_exception", f"one Host header is required, found {values}")
    port = int(found["port"]) if found["port"] else _DEFAULT_PORTS[request.url.scheme]
    return (found["v6"] or found["name"]).lower(), port


def _origin(text: str) -> tuple[str, int] | None:
    """Return host and port of an origin; None for `null` and what cannot be read."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        return None
    return parts.hostname.lower(), _DEFAULT_PORTS[parts.scheme] if port is None else port


def _local_address(request: Request) -> str:
    server = request.scope.get("server")
    return str(server[0]) if server else ""


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback or (mapped is not None and bool(mapped.is_loopback))
