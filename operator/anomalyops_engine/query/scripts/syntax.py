"""The tree of a script, as the parser gives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, a text, a truth value or `null`."""

    value: int | float | str | bool | None


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, or the name of a class or function."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """`target.name`, without a call."""

    target: Node
    name: str


@dataclass(frozen=True, slots=True)
class Item:
    """`target[key]`."""

    target: Node
    key: Node


@dataclass(frozen=True, slots=True)
class Invocation:
    """A call of a method, or of a function where there is no target."""

    target: Node | None
    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Unary:
    """`!`, `-` or `+` before an operand, or a cast to a type."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Infix:
    """Two operands with their operator."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Choice:
    """`condition ? one : other`."""

    condition: Node
    one: Node
    other: Node


Node: TypeAlias = Constant | Name | Member | Item | Invocation | Unary | Infix | Choice


@dataclass(frozen=True, slots=True)
class Assignment:
    """A variable gets a value; `declared` when it is new."""

    name: str
    value: Node
    declared: bool


@dataclass(frozen=True, slots=True)
class Branch:
    """`if`, with what is done otherwise."""

    condition: Node
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Return:
    """The end of the script, with its value if there is one."""

    value: Node | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An expression for itself: a call of `emit`, or the value of the script."""

    node: Node


Statement: TypeAlias = Assignment | Branch | Return | Evaluation
