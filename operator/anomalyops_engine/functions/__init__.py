"""The catalogue of detector functions: one entry a function, and nothing about functions anywhere else."""

from anomalyops_engine.functions.catalogue import (
    FUNCTIONS,
    NAMES,
    canonical_name,
    find_function,
    supported_names,
)
from anomalyops_engine.functions.function import (
    Column,
    EmptyBuckets,
    Family,
    Feature,
    Function,
    Kind,
    Later,
    NamedFunction,
    Reads,
    Side,
    Use,
)

__all__ = [
    "FUNCTIONS",
    "NAMES",
    "Column",
    "EmptyBuckets",
    "Family",
    "Feature",
    "Function",
    "Kind",
    "Later",
    "NamedFunction",
    "Reads",
    "Side",
    "Use",
    "canonical_name",
    "find_function",
    "supported_names",
]
