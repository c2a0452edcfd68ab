"""The edge: one server behind the official client, and the programs that run over it."""

from anomalyops_insight.server.connection import Endpoint, Server
from anomalyops_insight.server.running import Asked, Session

__all__ = ["Asked", "Endpoint", "Server", "Session"]
