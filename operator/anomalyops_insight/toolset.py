"""All tools by name: those that ask a question, and those that walk a decision tree."""

from anomalyops_insight.tools import CATEGORIES, all_tools, find
from anomalyops_insight.troubleshooting import workflows as _workflows  # importing registers them

__all__ = ["CATEGORIES", "all_tools", "find"]

DECISION_TREES = _workflows.NAMES
"""The names of the tools that walk a decision tree."""
