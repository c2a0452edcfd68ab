"""The tools for assistants, over the Model Context Protocol. Reading tools only."""

from anomalyops_insight.serving.mcp_server import serve_stdio, tool_server

__all__ = ["serve_stdio", "tool_server"]
