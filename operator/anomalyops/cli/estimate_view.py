"""Estimates as a table and as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from anomalyops.local.estimating import Estimate
from anomalyops.resources import format_memory

_NONE = "-"


def estimate_table(estimates: Sequence[Estimate]) -> Table:
    """A line a job: what it has, what it needs, and what to write into the manifest."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("Job", "Limit", "Estimate", "In use", "Delay", "Late p50/p95/p99", "Values", "Advice"):
        table.add_column(name, justify="left" if name in {"Job", "Values", "Advice"} else "right", overflow="fold")
    for one in estimates:
        late = one.latency
        table.add_row(
            one.job_id,
            format_memory(one.limit),
            _NONE if one.estimate is None else format_memory(one.estimate),
            _NONE if one.used is None else format_memory(one.used),
            _NONE if one.delay is None else f"{one.delay:g}s",
            _NONE if late is None else f"{late.p50:.0f}/{late.p95:.0f}/{late.p99:.0f}s",
            ", ".join(f"{field} {count:,}" for field, count in one.cardinalities.items()) or _NONE,
            _advice(one),
        )
    return table


def estimate_notes(estimates: Sequence[Estimate]) -> list[str]:
    """What was not known, a sentence a job: for below the table, whose columns would break the names of fields."""
    return [
        f"{one.job_id}: how late documents come is not known: {one.undated}"
        for one in estimates
        if one.undated and one.estimate is not None
    ]


def estimate_document(estimates: Sequence[Estimate]) -> list[dict[str, Any]]:
    """Plain values: bytes and seconds as they are, and the advice in the manifest's own words."""
    return [
        asdict(one)
        | {
            "advice": {
                "model_memory_limit": None if one.advised_limit is None else format_memory(one.advised_limit),
                "query_delay": None if one.advised_delay is None else f"{one.advised_delay}s",
                "raise_limit": one.raise_limit,
                "raise_delay": one.raise_delay,
                "too_large": one.too_large,
            }
        }
        for one in estimates
    ]


def _advice(one: Estimate) -> Text:
    if one.estimate is None:
        return Text("no documents to look at", style="yellow")
    lines = []
    if one.too_large and one.largest is not None:
        lines.append(f"needs more than the server allows ({format_memory(one.largest)})")
    if one.raise_limit and one.advised_limit is not None:
        lines.append(f"modelMemoryLimit: {format_memory(one.advised_limit)}")
    if one.raise_delay or (one.delay is None and one.advised_delay is not None):
        lines.append(f"queryDelay: {one.advised_delay}s")
    style = "bold red" if one.too_large else "yellow" if lines else "green"
    return Text("\n".join(lines) or "suffices", style=style)
