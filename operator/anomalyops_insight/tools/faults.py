"""Kinds of faults: what an anomaly of a detector says about what is broken."""

from __future__ import annotations

import re
from enum import StrEnum


class Fault(StrEnum):
    """A kind of fault."""

    ABSENCE = "absence"
    RESOURCE = "resource"
    NETWORK = "network"
    APPLICATION = "application"
    SECURITY = "security"
    UNKNOWN = "unknown"


_WORDS: tuple[tuple[Fault, tuple[str, ...]], ...] = (
    (Fault.SECURITY, ("login", "logon", "auth", "sudo", "passw", "privilege", "malware", "threat")),
    (Fault.SECURITY, (r"dns\.question", r"process\.(name|executable|args)")),
    (Fault.RESOURCE, ("cpu", "mem(ory)?", "disk", "heap", "gc", "swap", "iowait", "load", "filesystem", "inode")),
    (Fault.RESOURCE, ("threads?", "queue", "pool", "fd", "descriptors?")),
    (Fault.NETWORK, ("net(work)?", "bytes", "packets?", "tcp", "udp", "dns", "rtt", "conn(ection)?s?")),
    (Fault.NETWORK, (r"retrans\w*", "bandwidth", "socket")),
    (Fault.APPLICATION, (r"latenc\w*", "duration", "response", "status", r"error\w*", r"exception\w*", r"fail\w*")),
    (Fault.APPLICATION, ("requests?", "throughput", "mlcategory", "transaction", "http", "ms", "took", "time")),
    (Fault.APPLICATION, ("count", "events?")),
)
_PATTERNS = tuple((fault, re.compile(rf"(?<![a-z])(?:{'|'.join(words)})(?![a-z])")) for fault, words in _WORDS)
_ABSENCES = frozenset(
    {
        "count",
        "low_count",
        "non_zero_count",
        "low_non_zero_count",
        "low_mean",
        "low_sum",
        "low_median",
        "low_distinct_count",
        "distinct_count",
    }
)
_FAR_BELOW = 4  # times
_SECURITY = frozenset({"rare", "freq_rare", "info_content", "high_info_content", "time_of_day", "time_of_week"})


def absent(function: str | None, actual: float | None, typical: float | None) -> bool:
    """Whether a value says that something stopped: far below what is typical, of a function whose value then falls.

    Args:
        function: The detector's function.
        actual: What came.
        typical: What was expected.
    """
    if function not in _ABSENCES or actual is None or typical is None:
        return False
    return typical > 0 and actual < typical / _FAR_BELOW


def fault_of(
    function: str | None,
    field_name: str | None = None,
    by_field_name: str | None = None,
    *,
    job_id: str = "",
    is_absent: bool = False,
) -> Fault:
    """What kind of fault an anomaly of a detector points to.

    Far less than typical of a count is an absence, whatever is counted. Else the metric says what it is, then the
    detector's kind, then the words of the job's id.

    Args:
        function: The detector's function.
        field_name: The field that it measures.
        by_field_name: `mlcategory` speaks of log messages.
        job_id: What the job is called, for where the detector says nothing.
        is_absent: Whether its values say that something stopped, see `absent`.
    """
    if is_absent:
        return Fault.ABSENCE
    if by_field_name == "mlcategory":
        return Fault.APPLICATION
    named = _by_words(field_name or "")
    if named is not Fault.UNKNOWN:
        return named
    if function in _SECURITY:
        return Fault.SECURITY
    called = _by_words(job_id)
    return Fault.APPLICATION if called is Fault.UNKNOWN and "count" in (function or "") else called


def _by_words(text: str) -> Fault:
    lowered = re.sub(r"[_\-]", " ", text.lower())
    return next((fault for fault, pattern in _PATTERNS if pattern.search(lowered)), Fault.UNKNOWN)
