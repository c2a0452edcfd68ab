"""Documents, configurations, results and model states, durable, in one DuckDB file."""

from anomalyops_engine.store.catalog import Index
from anomalyops_engine.store.database import scratch
from anomalyops_engine.store.errors import (
    AmbiguousTargetError,
    BrokenStoreError,
    DatabaseError,
    DataStreamError,
    DataStreamExistsError,
    DiskFullError,
    DocumentExistsError,
    DocumentParsingError,
    IllegalSettingError,
    IndexBlockedError,
    IndexClosedError,
    IndexExistsError,
    IndexForbiddenError,
    IndexNotFoundError,
    InvalidAliasNameError,
    InvalidIndexNameError,
    MappingConflictError,
    MappingError,
    OutOfRoomError,
    PipelineNotFoundError,
    StoreError,
    StoreLockedError,
    UnsupportedFeatureError,
    UnsupportedMappingError,
    UnsupportedSettingError,
    WorkInterruptedError,
    database_trouble,
)
from anomalyops_engine.store.frame import Frame
from anomalyops_engine.store.given_rows import given_rows
from anomalyops_engine.store.held import HeldSnapshot
from anomalyops_engine.store.interruption import Interruption, end_if_asked
from anomalyops_engine.store.mapping import Field, IndexMapping
from anomalyops_engine.store.mapping_body import check_mappings
from anomalyops_engine.store.names import EVERYTHING, Wildcards
from anomalyops_engine.store.prepared import Prepared
from anomalyops_engine.store.reader import Connection, Reader, Stored
from anomalyops_engine.store.store import Store
from anomalyops_engine.store.visibility import Visibility, check_visible, doing, seeing
from anomalyops_engine.store.writer import Removed, Writer, Written

__all__ = [
    "EVERYTHING",
    "AmbiguousTargetError",
    "BrokenStoreError",
    "Connection",
    "DataStreamError",
    "DataStreamExistsError",
    "DatabaseError",
    "DiskFullError",
    "DocumentExistsError",
    "DocumentParsingError",
    "Field",
    "Frame",
    "HeldSnapshot",
    "IllegalSettingError",
    "Index",
    "IndexBlockedError",
    "IndexClosedError",
    "IndexExistsError",
    "IndexForbiddenError",
    "IndexMapping",
    "IndexNotFoundError",
    "Interruption",
    "InvalidAliasNameError",
    "InvalidIndexNameError",
    "MappingConflictError",
    "MappingError",
    "OutOfRoomError",
    "PipelineNotFoundError",
    "Prepared",
    "Reader",
    "Removed",
    "Store",
    "StoreError",
    "StoreLockedError",
    "Stored",
    "UnsupportedFeatureError",
    "UnsupportedMappingError",
    "UnsupportedSettingError",
    "Visibility",
    "Wildcards",
    "WorkInterruptedError",
    "Writer",
    "Written",
    "check_mappings",
    "check_visible",
    "database_trouble",
    "doing",
    "end_if_asked",
    "given_rows",
    "scratch",
    "seeing",
]
