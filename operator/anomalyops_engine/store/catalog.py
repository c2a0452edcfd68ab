"""What indices there are, and which of them an index expression means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from anomalyops_engine.store.errors import AmbiguousTargetError, InvalidAliasNameError, InvalidIndexNameError
from anomalyops_engine.store.mapping import Field, IndexMapping

STREAM = "data_stream"  # the setting of a backing index that says of which data stream; no request can change it
CLOSED = "verified_before_close"  # the setting that marks a closed index, which no request can change
ML_CONFIG: Final = ".ml-config"
# Indices that the engine alone writes, and that a role reaches only if it says so (`allow_restricted_indices`).
RESTRICTED: Final = frozenset({ML_CONFIG})
_FORBIDDEN = set('\\/*?"<>| ,')
_LONGEST_NAME = 255  # bytes of UTF-8


@dataclass(frozen=True, slots=True)
class Part:
    """A table for documents of one shape, beside the main one of their index (`parts.py`).

    Attributes:
        table: its name.
        columns: the columns of fields that it has.
    """

    table: str
    columns: frozenset[str]


@dataclass(frozen=True, slots=True)
class Index:
    """One index as a snapshot saw it.

    Attributes:
        name: its name.
        table: the SQL table that its documents are read from; with parts a view of the tables that store them.
        mapping: its fields.
        settings: index settings that differ from the defaults, as text, by their name below `index.`.
        aliases: alias name to its properties (`filter`, `is_write_index`, `is_hidden`), in no order.
        created_ms: time of creation, epoch milliseconds.
        uuid: identity that a re-created index does not share.
        filters: queries that every document must satisfy, because the index was named by a filtered alias.
        parts: tables that hold documents of one shape.
    """

    name: str
    table: str
    mapping: IndexMapping
    settings: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, dict[str, Any]] = field(default_factory=dict)
    created_ms: int = 0
    uuid: str = ""
    filters: tuple[dict[str, Any], ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def main(self) -> str:
        """The table that stores documents of every shape."""
        return f"{self.table}_main" if self.parts else self.table

    @property
    def stored(self) -> tuple[str, ...]:
        """The tables that store its documents, each in one of them."""
        return (self.main, *(part.table for part in self.parts))

    def stored_with(self, column: str) -> tuple[str, ...]:
        """Return those of them that have a column of a field."""
        return (self.main, *(part.table for part in self.parts if column in part.columns))

    @property
    def hidden(self) -> bool:
        """Whether patterns pass it by, as `index.hidden` says; a name that begins with a dot does not."""
        return self.settings.get("hidden") == "true"

    @property
    def restricted(self) -> bool:
        """Whether only the engine writes it."""
        return self.name in RESTRICTED

    @property
    def closed(self) -> bool:
        """Whether its documents are neither read nor written until it is opened again."""
        return self.settings.get(CLOSED) == "true"

    @property
    def stream(self) -> str | None:
        """The data stream that it is a backing index of, None where it is an index for itself."""
        return self.settings.get(STREAM)

    @property
    def generation(self) -> int:
        """The number of a backing index within its data stream."""
        return int(self.name.rpartition("-")[2])

    def get(self, name: str) -> Field | None:
        """Return the field of that name, None when unmapped."""
        return self.mapping.get(name)


def check_name(name: str) -> None:
    """Check the name of a new index.

    Raises:
        InvalidIndexNameError: it breaks Elasticsearch's naming rules.
    """
    why = "must be lowercase" if name != name.lower() else _wrong_name(name)
    if why is not None:
        raise InvalidIndexNameError(name, why)


def check_alias_name(alias: str, indices: Iterable[Index]) -> None:
    """Check the name of an alias; it may have capitals.

    Args:
        alias: the name.
        indices: every index.

    Raises:
        InvalidAliasNameError: it breaks Elasticsearch's naming rules, or an index has it.
    """
    why = _wrong_name(alias)
    if why is None and any(alias in {index.name, index.stream} for index in indices):
        why = "an index or data stream exists with the same name as the alias"
    if why is not None:
        raise InvalidAliasNameError(alias, why)


def _wrong_name(name: str) -> str | None:
    """Return what is wrong with a name, None when nothing is (`MetadataCreateIndexService`)."""
    if not name.strip():
        return "must not be empty"
    if set(name) & _FORBIDDEN:
        shown = ",".join(f"'{c}'" for c in sorted(_FORBIDDEN))
        return f"must not contain the following characters [{shown}]"
    for character in "#:":
        if character in name:
            return f"must not contain '{character}'"
    if name[0] in "-_+":
        return "must not start with '_', '-', or '+'"
    if len(name.encode()) > _LONGEST_NAME:
        return f"index name is too long, ({len(name.encode())} > {_LONGEST_NAME})"
    return "must not be '.' or '..'" if name in {".", ".."} else None


def write_target(indices: Iterable[Index], name: str) -> Index | None:
    """Return the index that a write to a name or alias goes to, None when nothing has that name.

    Raises:
        AmbiguousTargetError: the alias stands for several indices and none is its write index.
    """
    listed = list(indices)
    for index in listed:
        if index.name == name:
            return index
    backing = [index for index in listed if index.stream == name]
    if backing:
        return max(backing, key=lambda index: index.generation)
    behind = [index for index in listed if name in index.aliases]
    writers = [index for index in behind if index.aliases[name].get("is_write_index")]
    if len(writers) == 1 or len(behind) == 1:
        return (writers or behind)[0]
    if behind:
        raise AmbiguousTargetError(
            f"no write index is defined for alias [{name}]. The write index may be explicitly disabled using "
            "is_write_index=false or the alias points to multiple indices without one being designated as a write index"
        )
    return None
