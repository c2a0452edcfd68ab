"""Who reaches a console, and as whom; and what must be so before it listens beyond loopback."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final


class UnsafeReachError(ValueError):
    """The console was to be reached by people whom nobody asks who they are, or in clear text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Who reaches a console, and as whom.

    Attributes:
        allowed_hosts: Names beside the loopback ones under which it may be asked (the `Host` header), in lower case.
        login: Whether calls carry the credentials of who looks, so that he sees what he may, and not the console's.
        tls_in_front: Whether browsers come through something that speaks TLS with them and not with the console.
    """

    allowed_hosts: frozenset[str] = frozenset()
    login: bool = False
    tls_in_front: bool = False


LOOPBACK_ALONE: Final = Reach()


def check_reach(address: str, reach: Reach, *, tls: bool, credentials: bool) -> None:
    """Refuse what would let in people who are not asked who they are, or under any name, or in clear text.

    Args:
        address: That is listened on.
        reach: Who gets to the console.
        tls: Whether the console speaks TLS itself.
        credentials: Whether the console has some of its own.

    Raises:
        UnsafeReachError: It would; or two things that were asked for exclude each other.
    """
    if reach.login and credentials:
        raise UnsafeReachError(
            "--login passes on the credentials of who looks, and the console has some of its own: take these away"
        )
    if reach.tls_in_front and tls:
        raise UnsafeReachError("--tls-in-front says that TLS ends before the console: it takes no --tls-cert")
    if ipaddress.ip_address(address).is_loopback:
        return
    missing = []
    if not reach.login:
        missing.append("asking who looks (give --login)")
    if not reach.allowed_hosts:
        missing.append("the names that it is asked under (give --allow-host)")
    if not (tls or reach.tls_in_front):
        missing.append("TLS (give --tls-cert and --tls-key, or --tls-in-front where an ingress has it)")
    if missing:
        raise UnsafeReachError(
            f"refusing to listen on {address}, which other machines reach, without {' and without '.join(missing)}"
        )
