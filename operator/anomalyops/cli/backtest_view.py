"""What a backtest comes to, as text, as Markdown for a pull request, and as JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from anomalyops.cli.findings_view import anomaly_table
from anomalyops.local.backtest_figures import Alarm, Backtest, Comparison, compared
from anomalyops.local.findings import Anomaly
from anomalyops.resources import format_memory

Versions = Sequence[tuple[Backtest, Backtest | None]]
_SHOWN: Final = 10
_UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "m"))


def backtest_text(pairs: Versions, min_score: float, *, width: int) -> Group:
    """Each job: figures, alarms, the worst anomalies; with another version, both beside each other."""
    parts: list[RenderableType] = []
    for old, new in pairs:
        if parts:
            parts.append(Text())
        last = new or old
        parts.append(Text(_title(old), style="bold"))
        parts += [Text(f"  {name:<20}{'  '.join(f'{value:<24}' for value in values).rstrip()}") for name, *values in
                  _rows(old, new, min_score)]  # fmt: skip
        parts += [Text(f"  {line}") for line in _words(old, new)]
        if last.anomalies:
            parts += [Text(), anomaly_table(last.anomalies, width=width)]
    return Group(*parts)


def backtest_markdown(pairs: Versions, min_score: float) -> str:
    """The same for a comment on a pull request."""
    lines = ["### anomalyops backtest", ""]
    for old, new in pairs:
        last = new or old
        lines += [f"#### {_cell(_title(old))}", ""]
        lines += ["| | as it is |" if new is None else "| | before | after |", "|---|---|" + ("---|" if new else "")]
        lines += [f"| {name} | {' | '.join(map(_cell, values))} |" for name, *values in _rows(old, new, min_score)]
        lines += ["", *(f"- {_cell(line)}" for line in _words(old, new)), ""]
        if last.anomalies:
            lines += ["| time (UTC) | entity | what | actual | typical | score |", "|---|---|---|---|---|---|"]
            lines += [_anomaly_row(one) for one in last.anomalies]
            lines.append("")
    return "\n".join(lines)


def backtest_document(pairs: Versions, min_score: float) -> dict[str, Any]:
    """The same as JSON values."""
    return {
        "minScore": min_score,
        "jobs": [
            {
                "job": old.job_id,
                "before" if new else "found": _document(old),
                **({"after": _document(new), "comparison": _comparison(compared(old, new))} if new else {}),
            }
            for old, new in pairs
        ],
    }


def _document(one: Backtest) -> dict[str, Any]:
    return {
        "start": one.start.isoformat(),
        "end": one.end.isoformat(),
        "documents": one.documents,
        "refused": one.refused,
        "buckets": one.buckets,
        "alarms": [_alarm(alarm) for alarm in one.alarms],
        "alarmsPerWeek": round(one.alarms_a_week, 2),
        "alarmsByWeek": list(one.by_week),
        "peakModelBytes": one.peak_bytes,
        "memoryStatus": one.memory_status,
        "modelMemoryLimit": format_memory(one.estimate.limit),
        "advisedMemoryLimit": _memory(one.estimate.advised_limit),
        "bucketSpan": span_words(one.span_seconds),
        "advisedBucketSpan": None if one.advised_span is None else span_words(one.advised_span),
        "queryDelaySeconds": one.estimate.delay,
        "advisedQueryDelaySeconds": one.estimate.advised_delay,
        "anomalies": [asdict(anomaly) | {"timestamp": anomaly.timestamp.isoformat()} for anomaly in one.anomalies],
    }


def _comparison(made: Comparison) -> dict[str, Any]:
    return {name: [_alarm(one) for one in getattr(made, name)] for name in ("kept", "lost", "gained")}


def _alarm(alarm: Alarm) -> dict[str, Any]:
    return {"start": alarm.start.isoformat(), "end": alarm.end.isoformat(), "score": round(alarm.score, 2)}


def _memory(size: int | None) -> str | None:
    return None if size is None else format_memory(size)


def _title(one: Backtest) -> str:
    return f"{one.job_id}: {one.start:%Y-%m-%d %H:%M} to {one.end:%Y-%m-%d %H:%M} UTC, {one.documents:,} documents"


def _rows(old: Backtest, new: Backtest | None, min_score: float) -> list[tuple[str, ...]]:
    """Figures by name, of each version."""
    versions = [old] if new is None else [old, new]
    figures = {
        f"alarms from {min_score:g}": [str(len(one.alarms)) for one in versions],
        "alarms a week": [f"{one.alarms_a_week:.1f}" for one in versions],
        "by week": [" ".join(map(str, one.by_week)) for one in versions],
        "memory used": [f"{format_memory(_whole(one.peak_bytes))} ({one.memory_status})" for one in versions],
        "memory limit": [_limit(one) for one in versions],
        "bucket span": [_span(one) for one in versions],
        "query delay": [_delay(one) for one in versions],
    }
    return [(name, *values) for name, values in figures.items()]


def _whole(size: int) -> int:
    return -(-size // 2**20) * 2**20


def _limit(one: Backtest) -> str:
    advised = one.estimate.advised_limit
    if one.estimate.raise_limit and advised is not None:
        return f"{format_memory(one.estimate.limit)}, needs {format_memory(advised)}"
    return f"{format_memory(one.estimate.limit)}, suffices"


def _span(one: Backtest) -> str:
    own = span_words(one.span_seconds)
    if one.advised_span is None:
        return f"{own}, sparse at any span"
    return f"{own}, data fill {span_words(one.advised_span)}"


def _delay(one: Backtest) -> str:
    own = "the server's" if one.estimate.delay is None else f"{one.estimate.delay:g}s"
    if one.estimate.advised_delay is None:
        return f"{own}, lateness unknown"
    return f"{own}, data ask for {one.estimate.advised_delay}s"


def _words(old: Backtest, new: Backtest | None) -> list[str]:
    lines = []
    if old.refused:
        lines.append(f"{old.refused:,} documents could not be taken: they do not fit the mapping")
    if new is None:
        lines += _listed("alarm", old.alarms)
        return lines
    made = compared(old, new)
    lines.append(f"{len(made.kept)} alarms in both, {len(made.lost)} no more, {len(made.gained)} new")
    return [*lines, *_listed("no more:", made.lost), *_listed("new:", made.gained)]


def _listed(word: str, alarms: Sequence[Alarm]) -> list[str]:
    worst = sorted(alarms, key=lambda alarm: -alarm.score)[:_SHOWN]
    lines = [
        f"{word} {alarm.start:%Y-%m-%d %H:%M} to {alarm.end:%Y-%m-%d %H:%M}, score {alarm.score:.0f}"
        for alarm in sorted(worst, key=lambda alarm: alarm.start)
    ]
    return lines if len(alarms) <= _SHOWN else [*lines, f"and {len(alarms) - _SHOWN} of lower scores"]


def span_words(seconds: int) -> str:
    """A bucket span as manifests have it."""
    for size, unit in _UNITS:
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _anomaly_row(one: Anomaly) -> str:
    actual, typical = (", ".join(f"{value:.4g}" for value in values) for values in (one.actual, one.typical))
    cells = (f"{one.timestamp:%Y-%m-%d %H:%M}", one.entity or "-", one.function, actual, typical, f"{one.score:.0f}")
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    """Text that neither ends a cell nor becomes markup."""
    flat = " ".join(text.split())
    for sign in "\\`*_[]<>|":
        flat = flat.replace(sign, f"\\{sign}")
    return flat
