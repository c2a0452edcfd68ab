"""The types that fields can have: what they are kept as, which parameters they take, how they read values."""

from anomalyops_engine.store.fieldtypes.definitions import changed_definition, read_definition
from anomalyops_engine.store.fieldtypes.numbers import INTEGER_LIMITS
from anomalyops_engine.store.fieldtypes.reader import ABSENT, Reader
from anomalyops_engine.store.fieldtypes.table import (
    DATES,
    FIELD_TYPES,
    FLOATS,
    RANGES,
    SQL_TYPES,
    TEXTS,
    FieldType,
)

__all__ = [
    "ABSENT",
    "DATES",
    "FIELD_TYPES",
    "FLOATS",
    "INTEGER_LIMITS",
    "RANGES",
    "SQL_TYPES",
    "TEXTS",
    "FieldType",
    "Reader",
    "changed_definition",
    "read_definition",
]
