"""Ports for servers that must be told which before they listen."""

from __future__ import annotations

import itertools
import os
import socket

# Below the ports that Linux gives to connections and to whoever listens on port 0: between the choice of a port and
# its use, and while a server is down that comes back on it, neither can take it.
_FIRST, _COUNT = 20_000, 12_000
_numbers = itertools.count(os.getpid() * 97)


def free_port() -> int:
    """Return a TCP port on loopback that nobody listens on, and that nobody is given who asks for any."""
    while True:
        port = _FIRST + next(_numbers) % _COUNT
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
