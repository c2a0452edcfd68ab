"""Jobs in many states with what `anomalyops troubleshoot` finds, recorded for the page's own tests.

`python tests/unit/console/diagnoses.py` (with `operator` on the path) writes the file anew.
"""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from anomalyops_insight.tools.configuration import Configured
from anomalyops_insight.tools.messages import Delay, JobMessage
from anomalyops_insight.troubleshooting.diagnosis import Facts, diagnose

RECORDED = Path(__file__).parents[3] / "console" / "tests" / "recorded" / "diagnoses.json"
_CASES = 120
_NOW = datetime(2026, 3, 1, tzinfo=UTC)
_MEGABYTE = 1024 * 1024


def recorded() -> list[dict[str, Any]]:
    """Cases: what the server tells, and the findings."""
    return [_case(random.Random(seed)) for seed in range(_CASES)]


def text() -> str:
    """The file as it is written: a case a line."""
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in recorded())
    return f"[\n{lines}\n]\n"


def _case(draw: random.Random) -> dict[str, Any]:
    known = _known(draw)
    notes = [
        JobMessage(
            timestamp=_time(note["timeMs"]), job_id="a", level=note["level"], message=note["text"], node_name=None
        )
        for note in known["notes"]
    ]
    delays = [
        Delay(timestamp=_NOW, end_timestamp=None, job_id="a", missed_documents=count, annotation="")
        for count in known["delays"]
    ]
    found = diagnose(
        Facts(
            config=Configured(known["config"], known["feed"]),
            job=known["stats"],
            datafeed=known["feedStats"] or {},
            now=_NOW,
            delays=tuple(delays),
            messages=tuple(notes),
        )
    )
    findings = [
        {"tree": one.tree, "level": str(one.severity), "text": one.text, "evidence": one.evidence}
        for one in found.findings
    ]
    return {"known": known, "findings": findings, "verdict": found.verdict}


def _time(milliseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def _known(draw: random.Random) -> dict[str, Any]:
    feed = draw.choice([None, {"datafeed_id": "f", "job_id": "a"}, {"datafeed_id": "f", "query_delay": "90s"}])
    stats: dict[str, Any] = {"state": draw.choice(["opened", "opened", "closed", "failed", "opening", "closing"])}
    if draw.random() < 0.2:
        stats["assignment_explanation"] = "no node has room"
    stats["data_counts"] = _counts(draw)
    stats["model_size_stats"] = _size(draw)
    states = ["started", "stopped", "stopped", "starting"]
    return {
        "config": {"job_id": "a", "analysis_config": _analysis(draw)},
        "feed": feed,
        "stats": stats,
        "feedStats": None if feed is None else {"state": draw.choice(states)},
        "notes": [_note(draw) for _ in range(draw.choice([0, 0, 1, 3]))],
        "delays": [draw.randint(1, 5000) for _ in range(draw.choice([0, 0, 0, 1, 4]))],
    }


def _note(draw: random.Random) -> dict[str, Any]:
    texts = ["Datafeed has been retrieving no data for a while", "Datafeed is encountering errors", "no permission"]
    return {
        "timeMs": draw.randint(1_771_700_000_000, 1_772_300_000_000),
        "level": draw.choice(["warning", "error"]),
        "text": draw.choice(texts),
    }


def _counts(draw: random.Random) -> dict[str, Any]:
    if draw.random() < 0.2:
        return {"processed_record_count": 0}
    last = draw.randint(1_700_000_000_000, 1_772_000_000_000)
    counts = {"processed_record_count": draw.randint(1, 10_000), "latest_record_timestamp": last}
    counts["earliest_record_timestamp"] = last - draw.randint(0, 40 * 86_400_000)
    for name in ("out_of_order_timestamp_count", "invalid_date_count", "missing_field_count"):
        if draw.random() < 0.25:
            counts[name] = draw.randint(0, 10_000)
    return counts


def _size(draw: random.Random) -> dict[str, Any]:
    if draw.random() < 0.1:
        return {}
    size: dict[str, Any] = {"memory_status": draw.choice(["ok", "ok", "ok", "soft_limit", "hard_limit"])}
    size["model_bytes"] = draw.randint(0, 20 * _MEGABYTE)
    if draw.random() < 0.8:
        size["peak_model_bytes"] = size["model_bytes"] + draw.randint(0, _MEGABYTE)
        size["model_bytes_memory_limit"] = 20 * _MEGABYTE
    if draw.random() < 0.2:
        size["bucket_allocation_failures_count"] = draw.randint(0, 3)
    if draw.random() < 0.2:
        size["categorization_status"] = draw.choice(["ok", "warn"])
    if draw.random() < 0.3:
        size["total_by_field_count"] = draw.choice([10, 100_000, 100_001])
        size["total_partition_field_count"] = draw.choice([10, 20_000])
        size["total_category_count"] = draw.choice([0, 20_000])
    return size


def _analysis(draw: random.Random) -> dict[str, Any]:
    detectors: list[dict[str, Any]] = [{"function": "count"} for _ in range(draw.randint(1, 3))]
    for detector in detectors:
        if draw.random() < 0.2:
            detector["use_null"] = draw.random() < 0.7
        if draw.random() < 0.2:
            detector["custom_rules"] = [{"actions": ["skip_result"]}] * draw.randint(0, 2)
    return {"bucket_span": draw.choice(["15m", "1h", "7m", "36h", "1d", "3600s", "900000ms"]), "detectors": detectors}


if __name__ == "__main__":
    RECORDED.write_text(text())
