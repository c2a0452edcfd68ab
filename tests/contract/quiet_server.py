"""A server of a test that says nothing where the command under test may hear it."""

from __future__ import annotations

import sys
from http.server import ThreadingHTTPServer
from typing import Any


class QuietServer(ThreadingHTTPServer):
    """A server in threads of the test's own process."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Silence where the client left: one that meets a refusal drops what else it had asked, as it may.

        The trace would go among the lines that a command of the same process prints.
        """
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)
