"""The tools of the operations guide that read: each asks a few questions and returns typed rows."""

from anomalyops_insight.tools import (  # noqa: F401 - importing registers them
    calendars,
    categories,
    configuration,
    correlation,
    discovery,
    entities,
    evidence,
    memory,
    messages,
    metadata,
    model,
    permissions,
    preview,
    reassessment,
    records,
    remote,
    specification,
    timeline,
    timing,
)
from anomalyops_insight.tools.registry import CATEGORIES, all_tools, find
from anomalyops_insight.tools.tool import Found, Parameters, Row, Tool

__all__ = ["CATEGORIES", "Found", "Parameters", "Row", "Tool", "all_tools", "find"]
