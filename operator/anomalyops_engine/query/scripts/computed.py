"""Fields that are computed from others: runtime fields and script fields.

They are columns that a subquery adds to the table of an index. An index with computed fields has them in its mapping
and a name of its own for the table; `ComputedFields.complete` puts the subquery in its place once a relation is built.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from anomalyops_engine.query.date_options import date_format
from anomalyops_engine.query.errors import IllegalQueryError, QueryParsingError, UnsupportedQueryError
from anomalyops_engine.query.expr import Cast, Column, Expr, Named, Relation, Select, Star, Table, call, when
from anomalyops_engine.query.fields import shown_address, shown_addresses
from anomalyops_engine.query.scripts.errors import ScriptError
from anomalyops_engine.query.scripts.lowering import DocField, Surroundings, lower
from anomalyops_engine.query.scripts.script import Script, finite, read_script
from anomalyops_engine.query.scripts.values import SQL, UNKNOWN, Kind, Value, converted
from anomalyops_engine.store import Field, Index

_KINDS: Final[dict[str, Kind]] = {
    "boolean": "boolean",
    "date": "date",
    "double": "double",
    "keyword": "keyword",
    "long": "long",
}
_ELSEWHERE: Final = frozenset({"composite", "geo_point", "geo_shape", "ip", "lookup"})
_DOC_KINDS: Final[dict[str, Kind]] = {"BIGINT": "long", "DOUBLE": "double", "BOOLEAN": "boolean", "VARCHAR": "keyword"}


@dataclass(frozen=True, slots=True)
class Computed:
    """A field that is computed.

    Attributes:
        name: its name.
        script: gives its value; None for the field of the same name in the index.
        type: its type; None for whatever the script gives.
        format: formats of its dates.
    """

    name: str
    script: Script | None
    type: str | None
    format: str | None = None


def runtime_fields(body: object) -> tuple[Computed, ...]:
    """Return the fields of a `runtime_mappings` object.

    Raises:
        QueryParsingError: malformed.
        ScriptError: a script is none, or outside of what the engine has of the language.
        UnsupportedQueryError: a type that this engine does not compute.
    """
    if not isinstance(body, dict):
        raise QueryParsingError("[runtime_mappings] must be an object")
    return tuple(_runtime_field(name, definition) for name, definition in body.items())


def _runtime_field(name: str, definition: object) -> Computed:
    if not name or not isinstance(definition, dict):
        raise QueryParsingError(f"Expected map for runtime field [{name}] definition but got a {_type(definition)}")
    kind = definition.get("type")
    if kind is None:
        raise QueryParsingError(f"No type specified for runtime field [{name}]")
    if not isinstance(kind, str):
        raise QueryParsingError(f"[type] of runtime field [{name}] must be a text")
    if kind in _ELSEWHERE:
        raise UnsupportedQueryError(
            f"runtime fields of type [{kind}] are not supported by this engine, found [{name}]; supported: "
            f"[{', '.join(_KINDS)}]"
        )
    if kind not in _KINDS:
        raise QueryParsingError(f"The mapper type [{kind}] declared on runtime field [{name}] does not exist")
    known = {"type", "script", "on_script_error", *(["format"] if kind == "date" else [])}
    unknown = sorted(set(definition) - known)
    if unknown:
        raise QueryParsingError(f"unknown parameter [{unknown[0]}] on runtime field [{name}] of type [{kind}]")
    if definition.get("on_script_error", "fail") not in ("fail", "continue"):
        raise QueryParsingError(f"Unknown value [{definition['on_script_error']}] for field [on_script_error]")
    script = read_script(definition["script"], name) if "script" in definition else None
    form = None if definition.get("format") is None else date_format(definition["format"])
    return Computed(name, script, kind, form)


def script_fields(body: object) -> tuple[Computed, ...]:
    """Return the fields of a `script_fields` object.

    Raises:
        QueryParsingError: malformed.
        ScriptError: a script is none, or outside of what the engine has of the language.
    """
    if not isinstance(body, dict):
        raise QueryParsingError("[script_fields] must be an object")
    found = []
    for name, definition in body.items():
        if not isinstance(definition, dict) or "script" not in definition:
            raise QueryParsingError(f"[script_fields] [{name}] must be an object with a [script]")
        unknown = sorted(set(definition) - {"script", "ignore_failure"})
        if unknown:
            raise QueryParsingError(f"Unknown key for a field in [script_fields.{name}]: [{unknown[0]}].")
        found.append(Computed(name, read_script(definition["script"], name), None))
    return tuple(found)


def check_fields(fields: Sequence[Computed], *, emits: bool) -> None:
    """Check scripts as far as that can be done without indices: fields may be of any type.

    Raises:
        ScriptError: a script is outside of what the engine has of the language.
    """
    anything = DocField(UNKNOWN, Value("long", UNKNOWN.expression))
    for field in fields:
        if field.script is None:
            continue
        see = Surroundings(lambda _: anything, lambda _: True, field.script.params, emits=emits)
        try:
            _fitting(lower(field.script.statements, see), field.type)
        except ScriptError as error:
            raise error.within(field.name) from error


class ComputedFields:
    """Indices with computed fields.

    Args:
        indices: where the fields are computed.
        fields: what is computed; a field that the index maps too is hidden by it.
        emits: whether scripts give their values to `emit`.

    Raises:
        IllegalQueryError: a script reads a field that there is not, or does not go with the types of fields.
    """

    def __init__(self, indices: Sequence[Index], fields: Sequence[Computed], *, emits: bool) -> None:
        self._tables: dict[str, Relation] = {}
        self.indices = [self._extended(index, fields, emits=emits) for index in indices] if fields else list(indices)

    def _extended(self, index: Index, fields: Sequence[Computed], *, emits: bool) -> Index:
        compiler = _Compiler(index, {field.name: field for field in fields}, emits=emits)
        leaves: dict[str, Field] = {}
        columns: list[Named] = []
        for number, field in enumerate(fields):
            kind, value = compiler.compiled(field.name)
            column = f"computed_{'runtime' if emits else 'script'}_{number}"
            definition: dict[str, Any] = {"type": kind} | ({} if field.format is None else {"format": field.format})
            leaves[field.name] = Field(field.name, kind, column, definition=definition)
            columns.append(value.named(column))
        table = f"{index.table}_{'runtime' if emits else 'script'}"
        self._tables[table] = Select((Star(), *columns), Table(index.table))
        mapping = index.mapping
        hidden = set(leaves)
        extended = replace(
            mapping,
            fields={**mapping.fields, **leaves},
            multi_fields={path: leaf for path, leaf in mapping.multi_fields.items() if path not in hidden},
            aliases={path: target for path, target in mapping.aliases.items() if path not in hidden},
        )
        return replace(index, table=table, mapping=extended, parts=())

    def complete(self, relation: Relation) -> Relation:
        """Return a relation over the indices with what computes their fields."""
        return cast("Relation", _replaced(relation, self._tables)) if self._tables else relation


def _replaced(node: object, tables: Mapping[str, Relation]) -> object:
    if isinstance(node, Table):
        return tables.get(node.name, node)
    if isinstance(node, tuple):
        return tuple(_replaced(part, tables) for part in node)
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        parts = {field.name: getattr(node, field.name) for field in dataclasses.fields(node)}
        made = {name: _replaced(part, tables) for name, part in parts.items()}
        return node if all(made[name] is parts[name] for name in parts) else replace(node, **made)
    return node


class _Compiler:
    """Computes each field of an index once; one script may read what another gives."""

    def __init__(self, index: Index, fields: Mapping[str, Computed], *, emits: bool) -> None:
        self._index = index
        self._fields = fields
        self._emits = emits
        self._made: dict[str, tuple[str, Expr]] = {}
        self._making: list[str] = []

    def compiled(self, name: str) -> tuple[str, Expr]:
        """Return the type and the value of a computed field."""
        if name in self._made:
            return self._made[name]
        if name in self._making:
            path = " -> ".join([*self._making, name])
            raise IllegalQueryError(f"Cyclic dependency detected while resolving runtime fields: {path}")
        self._making.append(name)
        try:
            made = self._made[name] = self._compile(self._fields[name])
        except ScriptError as error:
            raise error.within(name) if "in the script of" not in error.reason else error from error
        finally:
            self._making.pop()
        return made

    def _compile(self, field: Computed) -> tuple[str, Expr]:
        if field.script is None:
            return str(field.type), self._of_source(field)
        field_of: Callable[[str], DocField] = self._field
        see = Surroundings(field_of, self._is_mapped, field.script.params, emits=self._emits)
        value = _fitting(lower(field.script.statements, see), field.type)
        made = Cast(call("try", value.expression), SQL[value.kind])
        return value.kind, finite(made) if value.kind == "double" else made

    def _of_source(self, field: Computed) -> Expr:
        kind = _KINDS[str(field.type)]
        leaf = self._index.get(field.name)
        if leaf is None:
            raise UnsupportedQueryError(
                f"runtime field [{field.name}] has no script, and index [{self._index.name}] does not map it: values "
                "from [_source] alone are not supported by this engine"
            )
        if leaf.is_date != (kind == "date"):
            raise UnsupportedQueryError(
                f"runtime field [{field.name}] has no script: reading [{leaf.type}] as [{kind}] is not supported"
            )
        return Cast(_first(leaf), SQL[kind], lenient=True)

    def _is_mapped(self, name: str) -> bool:
        return name in self._fields or self._index.get(name) is not None

    def _field(self, name: str) -> DocField:
        if name in self._fields and (self._emits or self._index.get(name) is None):
            kind, value = self.compiled(name)
            return DocField(Value(_KINDS[kind], value), _size(value))
        leaf = self._index.get(name)
        if leaf is None:
            raise IllegalQueryError(f"No field found for [{name}] in mapping")
        if leaf.is_text or not leaf.aggregatable:
            raise ScriptError(f"field [{name}] of type [{leaf.type}] has no doc values; scripts cannot read it")
        return DocField(Value(_doc_kind(leaf), _first(leaf)), _size(Column(leaf.column), many=leaf.multi))


def _fitting(value: Value, wanted: str | None) -> Value:
    """Return what a script gives as the type of its field.

    Raises:
        ScriptError: it is of another type.
    """
    kind = _KINDS[wanted] if wanted is not None else _shown_kind(value)
    if kind == "date" and value.kind == "long":
        return Value("date", value.expression)
    if value.kind == "double" and kind == "long":
        raise ScriptError("Cannot cast from [double] to [long].")
    return converted(value, kind)


def _doc_kind(leaf: Field) -> Kind:
    if leaf.is_date:
        return "date"
    kind = _DOC_KINDS.get(leaf.sql_type.removesuffix("[]"))
    if kind is None or leaf.is_range or leaf.type == "geo_point":
        raise ScriptError(f"fields of type [{leaf.type}] are not supported in scripts by this engine")
    return kind


def _first(leaf: Field) -> Expr:
    """Return the first value of a field in the order of doc values, the least."""
    column: Expr = Column(leaf.column)
    if leaf.type == "ip":
        column = shown_addresses(column) if leaf.multi else shown_address(column)
    return call("list_min", column) if leaf.multi else column


def _size(value: Expr, *, many: bool = False) -> Value:
    if many:
        return Value("long", call("coalesce", call("len", value), 0))
    return Value("long", when(value.is_null(), 0, 1))


def _shown_kind(value: Value) -> Kind:
    if value.kind in {"null", "unknown"}:
        return "keyword"
    if value.kind not in _KINDS.values():
        raise ScriptError(f"a value of type [{value.kind}] cannot be a field")
    return value.kind


def _type(value: object) -> str:
    return "String" if isinstance(value, str) else type(value).__name__
