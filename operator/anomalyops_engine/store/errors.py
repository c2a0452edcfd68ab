"""What can go wrong in the store; the API layer maps each to an Elasticsearch error body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

# What the database itself raises, for those who must go on after it.
DatabaseError = duckdb.Error
# Of the texts of the database: of a commit that failed, and of memory that was asked for and not given.
_COMMIT_STOPPED = "Failed to commit"
_MEMORY_SHORT = "SET memory_limit"


class StoreError(Exception):
    """Base of every error that the store raises on purpose."""


class OutOfRoomError(StoreError):
    """The database has not the memory that a request takes."""


class DiskFullError(StoreError):
    """What was to be written does not fit on the disk; nothing of it was."""


class BrokenStoreError(StoreError):
    """The database has given up; what was acknowledged is in its files, for the next start."""


def database_trouble(error: duckdb.Error) -> StoreError | None:
    """Return what an error of the database means that no request is to blame for; None for any other."""
    text = str(error)
    if isinstance(error, duckdb.FatalException) or "has been invalidated" in text:
        return BrokenStoreError(text.strip().partition("\n")[0])
    # What stops a commit has become a text by the time it is raised; the commit as a whole was undone.
    of_commit = isinstance(error, duckdb.TransactionException) and _COMMIT_STOPPED in text
    if isinstance(error, duckdb.OutOfMemoryException) or (of_commit and _MEMORY_SHORT in text):
        return OutOfRoomError(
            "[request] Data too large: the memory of the database is not enough for this request beside what else "
            "runs; ask for less, or give the engine more (database.memory)"
        )
    if (isinstance(error, duckdb.IOException) or of_commit) and ("No space left" in text or "Disk quota" in text):
        return DiskFullError("the disk of the data folder is full; nothing of the request was written")
    return None


class StoreLockedError(StoreError):
    """Another process (or another `Store` of this one) holds the data folder."""

    def __init__(self, folder: str, pid: int | None) -> None:
        self.folder = folder
        self.pid = pid
        holder = f"process {pid}" if pid is not None else "another process"
        super().__init__(f"data folder {folder} is in use by {holder}; stop it or choose another folder")


class DamagedStoreError(StoreError):
    """The data folder cannot be read: its file or its log is not what the database wrote."""

    def __init__(self, folder: str, why: str) -> None:
        super().__init__(
            f"data folder {folder} cannot be read, its files are damaged: {why}. Nothing was changed. Put the folder "
            "back from a backup, or choose an empty one and load the data anew"
        )


class LostLogError(StoreError):
    """The write-ahead log of the data folder is not there, or shorter than what was committed to it."""

    def __init__(self, folder: str, what: str, mark: str) -> None:
        self.what = what
        self.mark = mark
        super().__init__(
            f"data folder {folder} has lost acknowledged writes: {what}. Nothing was changed. Put the file back, or "
            f"the whole folder from a backup; to go on with what is left, delete {mark} in the folder and start again"
        )


class BackupError(StoreError):
    """A backup cannot be taken, or no data folder be made of it; nothing that was there was changed."""


class WorkInterruptedError(StoreError):
    """The work was ended from outside before it was done; nothing of it was written."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class IndexNotFoundError(StoreError):
    """No index, alias or pattern of that name; perhaps there is a reason why none was made."""

    def __init__(self, index: str, why: str = "") -> None:
        self.index = index
        super().__init__(f"no such index [{index}]{why}")


class IndexClosedError(StoreError):
    """The index is closed: its documents are neither read nor written."""

    def __init__(self, index: str, uuid: str) -> None:
        self.index = index
        self.uuid = uuid
        super().__init__("closed")


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


class InvalidAliasNameError(StoreError):
    """The name breaks Elasticsearch's rules for names of aliases, or an index has it."""

    def __init__(self, alias: str, why: str) -> None:
        self.alias = alias
        super().__init__(f"Invalid alias name [{alias}]: {why}")


class DataStreamError(StoreError):
    """What cannot be done to a data stream, or with the template of one."""


class DataStreamExistsError(StoreError):
    """A data stream of that name is already there."""

    def __init__(self, stream: str) -> None:
        super().__init__(f"data_stream [{stream}] already exists")


class AmbiguousTargetError(StoreError):
    """An alias that a write went to stands for several indices, or for none that takes writes."""


class MappingError(StoreError):
    """A mapping that cannot be read: unknown type, malformed definition."""


class MappingConflictError(StoreError):
    """A mapping update that would change what a field already is."""


class UnsupportedFeatureError(StoreError):
    """Something that Elasticsearch has and this engine has not."""


class UnsupportedMappingError(UnsupportedFeatureError):
    """A mapping feature that this engine does not have."""


class UnsupportedSettingError(UnsupportedFeatureError):
    """An index setting, or a value of one, that this engine does not have."""


class IllegalSettingError(StoreError):
    """An index setting that does not exist, or a value that it does not take."""


class IndexBlockedError(StoreError):
    """The index refuses what was asked of it, because of one of its `index.blocks`.

    Attributes:
        status: HTTP status of the refusal.
    """

    def __init__(self, blocks: Mapping[str, Sequence[str]], *, status: int = 403) -> None:
        self.status = status
        super().__init__(
            "".join(f"index [{index}] blocked by: [{', '.join(shown)}];" for index, shown in blocks.items())
        )


class IndexForbiddenError(StoreError):
    """Whoever asks may not do this on the index; the message says who, what and which privileges are missing."""


class PipelineNotFoundError(StoreError):
    """The index sends its documents through an ingest pipeline that does not exist."""

    def __init__(self, pipeline: str) -> None:
        super().__init__(f"pipeline with id [{pipeline}] does not exist")


class DocumentExistsError(StoreError):
    """A document that was to be created is there already.

    Attributes:
        index: where.
        uuid: the identity of that index.
    """

    def __init__(self, doc_id: str, version: int, index: str, uuid: str) -> None:
        self.index = index
        self.uuid = uuid
        super().__init__(f"[{doc_id}]: version conflict, document already exists (current version [{version}])")


class DocumentParsingError(StoreError):
    """A document does not fit the mapping of its index.

    Attributes:
        field: dotted path of the field.
        cause: what was wrong with the value, if there is more to say than the message.
        type: Elasticsearch's type of the error.
        cause_type: that of the cause.
    """

    def __init__(
        self,
        message: str,
        *,
        field: str = "",
        cause: str | None = None,
        type: str = "document_parsing_exception",  # noqa: A002 (Elasticsearch's name for it)
        cause_type: str = "illegal_argument_exception",
    ) -> None:
        self.field = field
        self.cause = cause
        self.type = type
        self.cause_type = cause_type
        super().__init__(message)
