"""What filters replace, and by what: the options that character filters and token filters share."""

from __future__ import annotations

import re

from anomalyops_engine.analyzers.java_patterns import PatternError, java_pattern, java_replacement
from anomalyops_engine.analyzers.parts import Part


def replacing(part: Part) -> tuple[re.Pattern[str], str]:
    """Return a part's pattern, and its replacement in the form that `re` takes.

    Raises:
        What `Part.refuse` raises: one of them is not supported.
    """
    try:
        pattern = java_pattern(part.text("pattern"), part.text("flags", ""))
        return pattern, java_replacement(part.text("replacement", ""), pattern)
    except PatternError as error:
        part.refuse(str(error))
