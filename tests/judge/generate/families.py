"""Families of cases: generators by area, and the drawing of as many cases as are wanted."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random

from judge.cases import Case, Request

Batch = Callable[[Random], Iterator[Case]]

# Area of the table, its module here, and the part of the engine that answers for it.
AREAS = {
    "indices and aliases": ("indices", "http"),
    "field types": ("field_types", "store"),
    "date formats": ("dates", "store"),
    "dynamic mapping": ("dynamic_mapping", "store"),
    "mapping options": ("mapping_options", "store"),
    "bulk": ("bulk", "http"),
    "documents": ("documents", "http"),
    "queries": ("queries", "query"),
    "relevance": ("relevance", "query"),
    "sort and paging": ("sorting", "query"),
    "source and fields": ("fetching", "query"),
    "aggregations": ("aggregations", "aggs"),
    "configurations": ("configurations", "config"),
}


@dataclass(frozen=True)
class Family:
    """A generator of cases of one kind.

    Attributes:
        area: the area it belongs to.
        name: what its cases are about.
        ordinary: sensible use; otherwise edges.
        held_out: left for measuring; what is cured is never looked for here.
        batch: yields some cases in one world.
    """

    area: str
    name: str
    ordinary: bool
    held_out: bool
    batch: Batch


_FAMILIES: list[Family] = []


def family(area: str, *, ordinary: bool, held_out: bool = False) -> Callable[[Batch], Batch]:
    """Register a generator: its name is the family's, its cases get the area and the seed."""

    def register(batch: Batch) -> Batch:
        _FAMILIES.append(Family(area, batch.__name__.replace("_", " "), ordinary, held_out, batch))
        return batch

    return register


def families(area: str) -> list[Family]:
    """Return the families of an area."""
    importlib.import_module(f"judge.generate.{AREAS[area][0]}")
    return [known for known in _FAMILIES if known.area == area]


def draw(area: str, seed: int, count: int, *, held_out: bool = False) -> Iterator[Case]:
    """Yield about `count` cases of an area, the same for the same seed, equally many of each family.

    Args:
        area: a key of `AREAS`.
        seed: any number.
        count: how many.
        held_out: the families that are kept for measuring, instead of the others.
    """
    chosen = [known for known in families(area) if known.held_out == held_out]
    for known in chosen:
        wanted, batch = -(-count // len(chosen)), 0
        while wanted > 0:
            name = f"{seed}:{known.name}:{batch}"
            for number, case in enumerate(known.batch(Random(name))):
                if wanted == 0:
                    break
                wanted -= 1
                yield replace(case, area=area, family=known.name, ordinary=known.ordinary, seed=f"{name}:{number}")
            batch += 1


def case(setup: tuple[Request, ...], *steps: Request, changes: bool = False) -> Case:
    """Return a case; area, family and seed are filled in when it is drawn."""
    return Case("", "", False, setup, steps, "", changes)
