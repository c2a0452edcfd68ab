"""What a tool is: a name, typed parameters, a program and typed rows."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Generic, Self, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from anomalyops_insight.emptiness import Empty, Reason, why_empty
from anomalyops_insight.errors import BadRequestError, RefusedError
from anomalyops_insight.programs import Program, ask
from anomalyops_insight.query import Column, Condition, Equals, Matches, Pattern, Question, Window
from anomalyops_insight.query.question import Kind
from anomalyops_insight.query.rows import Row as Values
from anomalyops_insight.query.rows import Rows
from anomalyops_insight.times import Moment, in_order

RESULTS = ".ml-anomalies-*"
NOTIFICATIONS = ".ml-notifications-*"
ANNOTATIONS = ".ml-annotations-*"
CONFIGURATIONS = ".ml-config"


def _several(value: object) -> object:
    if value is None:
        return ()
    return value if isinstance(value, list | tuple) else (value,)


Texts = Annotated[tuple[str, ...], BeforeValidator(_several)]
Numbers = Annotated[tuple[float, ...], BeforeValidator(_several)]


class Parameters(BaseModel):
    """Parameters of a tool; unknown ones are refused, and windows that end before they start."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        in_order(getattr(self, "start", None), getattr(self, "end", None))
        return self


class Over(Parameters):
    """Which jobs and when."""

    job_id_pattern: str = Field(default="*", description="Job ids: exact, or patterns with *, comma separated.")
    start: Moment | None = Field(default=None, description="From this time on.")
    end: Moment | None = Field(default=None, description="Before this time.")

    @model_validator(mode="after")
    def _named(self) -> Self:
        Pattern.read(self.job_id_pattern, what="job_id_pattern")
        return self

    @property
    def jobs(self) -> Pattern:
        """The pattern of ids."""
        return Pattern.read(self.job_id_pattern, what="job_id_pattern")

    def window(self, field: str = "timestamp") -> Window:
        """The window over a field."""
        return Window(self.start, self.end, field)

    def results(self, kind: str) -> tuple[Condition, ...]:
        """Results of one kind of these jobs."""
        return (Equals("result_type", kind), *self.of_jobs())

    def of_jobs(self) -> tuple[Condition, ...]:
        """The condition on the job, none where all are meant."""
        return () if self.jobs.everything else (Matches("job_id", self.jobs),)


class Row(BaseModel):
    """One row of a result."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @classmethod
    def columns(cls) -> tuple[Column, ...]:
        """The fields of documents that its own are read from: those of the same name, or of their alias."""
        return tuple(Column(field.alias or name, kind_of(field.annotation)) for name, field in cls.model_fields.items())


def kind_of(annotation: Any) -> Kind:
    """The kind of value that a type of a row holds."""
    origin = get_origin(annotation)
    if origin is Annotated or origin is tuple:
        return kind_of(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return kind_of(next(part for part in get_args(annotation) if part is not type(None)))
    if annotation is datetime:
        return "time"
    if annotation is bool:
        return "flag"
    return "number" if annotation in (int, float) else "text"


P = TypeVar("P", bound=Parameters)
R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True)
class Found(Generic[R]):
    """What a tool found.

    Attributes:
        rows: In the tool's order.
        complete: Whether there is no more than this.
        empty: Why there are no rows, where there are none.
        notes: What should be known about the answer.
    """

    rows: tuple[R, ...]
    complete: bool = True
    empty: Empty | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tool(Generic[P, R]):
    """A tool.

    Attributes:
        name: As the operations guide names it, `ad_...`.
        category: Of the guide's tables.
        when: One sentence: when to use it.
        parameters: The type of its parameters.
        row: The type of its rows.
        example: Parameters of a typical use.
        program: What it does.
    """

    name: str
    category: str
    when: str
    parameters: type[P]
    row: type[R]
    example: Mapping[str, Any]
    program: Callable[[P], Program[Found[R]]]

    def read(self, values: Mapping[str, Any], *, now: datetime | None = None) -> P:
        """Parameters from plain values.

        Args:
            values: By name; texts are converted where the type asks for it.
            now: What `now` means in times; the present by default.

        Raises:
            BadRequestError: One is unknown, missing or out of its limits.
        """
        try:
            return self.parameters.model_validate(dict(values), context={"now": now})
        except ValidationError as error:
            raise BadRequestError(f"{self.name}: " + "; ".join(self._problems(error))) from None
        except BadRequestError as error:
            raise BadRequestError(f"{self.name}: {error}") from None

    def run(self, values: Mapping[str, Any], *, now: datetime | None = None) -> Program[Found[R]]:
        """The program with plain parameters.

        Raises:
            BadRequestError: A parameter is not acceptable.
        """
        return self._told(self.read(values, now=now))

    def _told(self, parameters: P) -> Program[Found[R]]:
        """The program; what the user may not read is an answer too."""
        try:
            return (yield from self.program(parameters))
        except RefusedError as error:
            if not error.forbidden:
                raise
            message = f"this user has no privilege to read what is asked for: {error.reason}"
            return Found((), empty=Empty(Reason.NO_PRIVILEGE, message))

    def _problems(self, error: ValidationError) -> list[str]:
        words = []
        for problem in error.errors(include_url=False):
            name = ".".join(str(part) for part in problem["loc"])
            if problem["type"] == "extra_forbidden":
                words.append(f"{name}: there is no such parameter; there are {', '.join(self.parameters.model_fields)}")
            elif problem["type"] == "missing":
                words.append(f"{name}: is needed")
            else:
                message = problem["msg"].removeprefix("Value error, ")
                given = "" if "found" in message or not name else f", found {problem['input']!r}"
                words.append(f"{name}: {message}{given}" if name else message)
        return words


def read_rows(row: type[R], rows: Iterable[Values]) -> tuple[R, ...]:
    """Rows of an answer as a tool's own."""
    return tuple(row.model_validate(values) for values in rows)


def only_rows(question: Question, row: type[R]) -> Program[tuple[R, ...]]:
    """Asks a question whose rows are the tool's; where there are none, it is not asked why.

    Raises:
        RefusedError: The server refuses the question.
    """
    return read_rows(row, (yield from ask(question)).rows)


def listed(question: Question, row: type[R]) -> Program[Found[R]]:
    """Asks a question whose rows are the tool's, and why there are none where there are none.

    Raises:
        RefusedError: The server refuses the question.
    """
    rows = yield from ask(question)
    return (yield from shaped(question, rows, read_rows(row, rows.rows)))


def shaped(question: Question, rows: Rows, shape: tuple[R, ...]) -> Program[Found[R]]:
    """What a tool found, with the reason where that is nothing.

    Raises:
        RefusedError: The server refuses to say why.
    """
    empty = None if shape else (yield from why_empty(question, index_missing=rows.index_missing))
    return Found(shape, rows.complete, empty)
