"""What can go wrong in the store; the API layer maps each to an Elasticsearch error body."""

from __future__ import annotations

import duckdb

# What the database itself raises, for those who must go on after it.
DatabaseError = duckdb.Error


class StoreError(Exception):
    """Base of every error that the store raises on purpose."""


class StoreLockedError(StoreError):
    """Another process (or another `Store` of this one) holds the data folder."""

    def __init__(self, folder: str, pid: int | None) -> None:
        self.folder = folder
        self.pid = pid
        holder = f"process {pid}" if pid is not None else "another process"
        super().__init__(f"data folder {folder} is in use by {holder}; stop it or choose another folder")


class WorkInterruptedError(StoreError):
    """The work was ended from outside before it was done; nothing of it was written."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class IndexNotFoundError(StoreError):
    """No index, alias or pattern of that name."""

    def __init__(self, index: str) -> None:
        self.index = index
        super().__init__(f"no such index [{index}]")


class IndexExistsError(StoreError):
    """An index of that name is already there."""

    def __init__(self, index: str) -> None:
        self.index = index
        super().__init__(f"index [{index}] already exists")


class InvalidIndexNameError(StoreError):
    """The name breaks Elasticsearch's rules for index names."""

    def __init__(self, index: str, why: str) -> None:
        self.index = index
        super().__init__(f"Invalid index name [{index}], {why}")


class AmbiguousTargetError(StoreError):
    """An alias that a write went to stands for several indices, or for none that takes writes."""


class MappingError(StoreError):
    """A mapping that cannot be read: unknown type, malformed definition."""


class MappingConflictError(StoreError):
    """A mapping update that would change what a field already is."""


class UnsupportedMappingError(StoreError):
    """A mapping feature that this engine does not have."""


class DocumentParsingError(StoreError):
    """A document's value does not fit its field.

    Attributes:
        field: dotted path of the field.
        cause: what was wrong with the value, if there is more to say than the message.
    """

    def __init__(self, message: str, *, field: str = "", cause: str | None = None) -> None:
        self.field = field
        self.cause = cause
        super().__init__(message)
