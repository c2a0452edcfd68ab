"""Tools, prompts and resources for assistants, over the Model Context Protocol."""

from anomalyops_insight.serving.http import Listening, serve_http
from anomalyops_insight.serving.mcp_server import Changing, serve_stdio, tool_server

__all__ = ["Changing", "Listening", "serve_http", "serve_stdio", "tool_server"]
