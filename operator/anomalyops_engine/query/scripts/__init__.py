"""Scripts: a documented part of Painless, read into a tree and lowered to typed expressions."""

from anomalyops_engine.query.scripts.computed import (
    Computed,
    ComputedFields,
    check_fields,
    runtime_fields,
    script_fields,
)
from anomalyops_engine.query.scripts.script import Script, figure, read_script

__all__ = [
    "Computed",
    "ComputedFields",
    "Script",
    "check_fields",
    "figure",
    "read_script",
    "runtime_fields",
    "script_fields",
]
