"""`anomalyops` with a cluster's Services played: names of a file lead to ports of this machine.

    python cluster_network.py SERVICES run ...

There is no kubelet and no DNS of a cluster here. SERVICES is a JSON file, read at each look-up: `name:port` of a
Service to a port on loopback. Everything else is looked up as always.
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any


def play(services: Path) -> None:
    """Have look-ups of this process answer with the ports of the file."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
        known = json.loads(services.read_text()) if services.exists() else {}
        target = known.get(f"{host}:{port}")
        return real(host, port, *arguments, **options) if target is None else real("127.0.0.1", target)

    socket.getaddrinfo = getaddrinfo


if __name__ == "__main__":
    from anomalyops.cli.main import main

    _, file, *command = sys.argv
    play(Path(file))
    sys.argv = ["anomalyops", *command]
    main()
