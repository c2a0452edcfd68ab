"""What is known about a record, or about a moment without one, in words. Pure: values in, words out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from anomalyops_insight.explaining.context import Around, Part, late, of_record
from anomalyops_insight.explaining.rules import applying, rule_words
from anomalyops_insight.query.rows import time_of
from anomalyops_insight.tools.configuration import Configured, detector_words
from anomalyops_insight.tools.correlation import SUSTAINED
from anomalyops_insight.tools.faults import absent
from anomalyops_insight.tools.model import Bounds
from anomalyops_insight.tools.records import Record

WEEKLY = timedelta(weeks=3)
DAILY = timedelta(days=3)
_NOTABLE_DRIFT = 10.0
_LOUD = 50.0  # from here on a score is asked about for being high
_LEAST_BUCKETS = 8
_LEAST_TIME = timedelta(hours=2)
_BANDS = ((75.0, "critical"), (50.0, "major"), (25.0, "minor"), (3.0, "warning"), (0.0, "low"))


def band(score: float) -> str:
    """The name of a score's severity."""
    return next(name for least, name in _BANDS if score >= least)


@dataclass(frozen=True, slots=True)
class Subject:
    """All that is known.

    Attributes:
        config: The job.
        at: The moment that is asked about.
        record: The record, None where nothing was flagged.
        nearest: A bucket's result at the moment: score, event count, scheduled events; None without a bucket.
        span_seconds: The bucket span.
        first_record: When the job's data begin, by its counts.
        latest_bucket: The start of the newest bucket.
        stronger: A record of the same series that is less probable and later.
        plot: The model's bounds around the moment, in order of time.
        memory_status: As the job's counts have it.
        events: Scheduled events of the job around the moment.
        around: What else bears on it.
    """

    config: Configured
    at: datetime
    record: Record | None = None
    nearest: Mapping[str, Any] | None = None
    span_seconds: int = 300
    first_record: datetime | None = None
    latest_bucket: datetime | None = None
    stronger: Record | None = None
    plot: tuple[Bounds, ...] = ()
    memory_status: str | None = None
    events: tuple[Mapping[str, Any], ...] = ()
    around: Around = field(default_factory=Around)


@dataclass(frozen=True, slots=True)
class Explanation:
    """An answer.

    Attributes:
        job_id: The job.
        at: The bucket or moment.
        flagged: Whether there is a record.
        verdict: One sentence.
        parts: What speaks for it, in order.
        subject: What it is made of.
    """

    job_id: str
    at: datetime
    flagged: bool
    verdict: str
    parts: tuple[Part, ...]
    subject: Subject = field(repr=False)

    def document(self) -> dict[str, Any]:
        """The answer as JSON values."""
        return {
            "job": self.job_id,
            "at": self.at.isoformat(),
            "flagged": self.flagged,
            "verdict": self.verdict,
            "parts": [{"about": part.about, "effect": part.effect, "text": part.text} for part in self.parts],
        }


def explanation(subject: Subject) -> Explanation:
    """The explanation of a record, or of why there is none."""
    parts = _of_record(subject, subject.record) if subject.record is not None else _of_nothing(subject)
    return Explanation(
        subject.config.job_id, subject.at, subject.record is not None, parts[0].text, tuple(parts[1:]), subject
    )


def _of_record(subject: Subject, record: Record) -> list[Part]:
    shares = factor_shares(record)
    parts = [_verdict(record, shares), _scores(record)]
    parts += _drift(subject, record)
    parts += [Part("factors", words, "raises") for words in _factor_words(record, shares)]
    parts += _penalties(record)
    parts += _values(record)
    parts += _history(subject, record.timestamp)
    parts += _rules(subject, record.detector_index)
    parts += of_record(record, subject.config, subject.around, subject.span_seconds)
    return parts + _memory(subject)


def _verdict(record: Record, shares: Mapping[str, float]) -> Part:
    what = f"{function_words(record)}{entity_words(record)}"
    amount = _times(record)
    main = max(shares, key=lambda name: shares[name]) if shares else ""
    why = f", mostly for its {_FACTORS[main]}" if main else ""
    return Part("verdict", f"{what} was {amount}: {band(record.record_score)} ({record.record_score:.1f}){why}")


def function_words(record: Record) -> str:
    """The function and field of a record."""
    name = record.function or "the detector"
    return f"{name}({record.field_name})" if record.field_name else name


def entity_words(record: Record) -> str:
    """The entity of a record, with a space before; empty without one."""
    named = (
        (record.partition_field_name, record.partition_field_value),
        (record.by_field_name, record.by_field_value),
        (record.over_field_name, record.over_field_value),
    )
    words = [f"{name}={value}" for name, value in named if name]
    return f" of {', '.join(words)}" if words else ""


def _times(record: Record) -> str:
    if not record.actual or not record.typical:
        return "unusual"
    actual, typical = record.actual[0], record.typical[0]
    if is_absence(record):
        return f"absent: {actual:.4g} where {typical:.4g} is typical"
    if typical > 0 and actual > 0:
        times = actual / typical if actual >= typical else typical / actual
        way = "higher" if actual >= typical else "lower"
        if times >= 1.1:
            return f"{times:.3g} times {way} than typical ({actual:.4g} instead of {typical:.4g})"
    return f"{actual:.4g} where {typical:.4g} is typical"


def is_absence(record: Record) -> bool:
    """Whether a count or a value fell to far below what is typical: an outage rather than a low value."""
    if not record.actual or not record.typical:
        return False
    return absent(record.function, record.actual[0], record.typical[0])


def _scores(record: Record) -> Part:
    initial = record.initial_record_score
    if initial is None:
        return Part("score", f"record_score is {record.record_score:.1f}")
    return Part(
        "score",
        f"record_score is {record.record_score:.1f}, initial_record_score was {initial:.1f}: it drifted by "
        f"{initial - record.record_score:+.1f} since"
        if abs(initial - record.record_score) >= 0.05
        else f"record_score is {record.record_score:.1f}, as it was initially: no renormalisation since",
    )


def _drift(subject: Subject, record: Record) -> list[Part]:
    initial = record.initial_record_score
    if initial is None or abs(initial - record.record_score) < 0.05:
        return []
    stronger = subject.stronger
    if initial < record.record_score:
        return [Part("score", "renormalisation has raised it: what came later was weaker than expected", "raises")]
    size = "much" if initial - record.record_score >= _NOTABLE_DRIFT else "a little"
    if stronger is None:
        words = f"renormalisation has lowered it {size}; the anomaly that did is not among the results any more"
    else:
        words = (
            f"renormalisation has lowered it {size}: at {_shown(stronger.timestamp)} the job saw"
            f" {function_words(stronger)}{entity_words(stronger)} with a probability of {stronger.probability:.2g}"
            f" (here {record.probability:.2g}); no configuration changed"
        )
    return [Part("score", words, "lowers")]


_FACTORS: Mapping[str, str] = {
    "single_bucket_impact": "improbability in this bucket",
    "multi_bucket_impact_factor": "improbability over the last buckets",
    "anomaly_characteristics_impact": "length and size compared with earlier anomalies",
}


def factor_shares(record: Record) -> dict[str, float]:
    """What each factor gives to the initial score, of 1; empty where the server has not said."""
    impacts = {name: float(getattr(record, name) or 0) for name in _FACTORS}
    total = sum(impacts.values())
    return {name: value / total for name, value in impacts.items() if value > 0} if total > 0 else {}


def _factor_words(record: Record, shares: Mapping[str, float]) -> list[str]:
    words = [f"{share:.0%} {_FACTORS[name]} ({name.removesuffix('_factor')})" for name, share in shares.items()]
    if (record.anomaly_length or 0) > 1:
        words.append(f"the anomaly lasts {record.anomaly_length} buckets so far (anomaly_length)")
    impact = record.multi_bucket_impact
    if impact is not None and impact >= SUSTAINED:
        words.append(f"multi_bucket_impact is {impact:+.1f} of -5 to +5: a sustained shift and not a spike")
    return words


def _penalties(record: Record) -> list[Part]:
    parts = []
    if record.high_variance_penalty:
        parts.append(Part("factors", "high_variance_penalty: the data are noisy, the bounds wide", "lowers"))
    if record.incomplete_bucket_penalty:
        parts.append(Part("factors", "incomplete_bucket_penalty: the bucket has fewer samples than usual", "lowers"))
    if record.is_interim:
        parts.append(Part("bucket", "the result is interim: the bucket is not finished, the score may still change"))
    return parts


def _values(record: Record) -> list[Part]:
    lower, upper = record.lower_confidence_bound, record.upper_confidence_bound
    parts = []
    if record.actual and lower is not None and upper is not None:
        actual = record.actual[0]
        where = "above" if actual > upper else "below" if actual < lower else "inside"
        parts.append(Part("bounds", f"the value {actual:.4g} is {where} the bounds {lower:.4g} to {upper:.4g} (95 %)"))
        if where == "inside":
            parts.append(Part("bounds", "inside the bounds a record is owed to the last buckets together"))
    if is_absence(record):
        parts.append(Part("bounds", "far fewer than typical: an outage or missing data rather than a low value"))
    return parts


def _history(subject: Subject, until: datetime) -> list[Part]:
    if subject.first_record is None:
        return []
    learned = until - subject.first_record
    days = learned.total_seconds() / 86_400
    if learned < DAILY:
        words = f"the job had seen {days:.1f} days: too little for a daily season"
        if subject.record is not None and subject.record.record_score >= _LOUD:
            return [Part("history", f"{words}; to a young model much looks unusual that is merely new", "raises")]
        return [Part("history", words, "lowers")]
    if learned < WEEKLY:
        return [Part("history", f"the job had seen {days:.1f} days: a weekly season needs three weeks", "lowers")]
    return [Part("history", f"the job had seen {days:.0f} days: enough for daily and weekly seasons")]


def _rules(subject: Subject, detector: int | None) -> list[Part]:
    detectors = subject.config.detectors
    chosen = [detectors[detector]] if detector is not None and detector < len(detectors) else list(detectors)
    parts = [
        Part("rules", f"{detector_words(one)} has the rule: {rule_words(rule)}", "lowers")
        for one in chosen
        for rule in one.get("custom_rules", ())
    ]
    parts += [
        Part(
            "rules", f"{detector_words(one)} has use_null: documents without the split field are a series of their own"
        )
        for one in chosen
        if one.get("use_null")
    ]
    return parts


def _memory(subject: Subject) -> list[Part]:
    if subject.memory_status in (None, "ok"):
        return []
    limit = "new entities are not modelled" if subject.memory_status == "hard_limit" else "old entities are pruned"
    return [Part("memory", f"memory_status is {subject.memory_status}: {limit}; scores cannot be trusted", "lowers")]


def _of_nothing(subject: Subject) -> list[Part]:
    """Why there is no record: the first reason that holds is the verdict."""
    found = [*_not_looked_at(subject), *_excused(subject), *_ordinary(subject)]
    context = [*_history(subject, subject.at), *_rules(subject, None), *late(subject.around.delays), *_memory(subject)]
    if not found:
        score = (subject.nearest or {}).get("anomaly_score", 0.0)
        words = f"the bucket was analysed and nothing stood out: its anomaly_score is {score:.1f}"
        hint = "" if subject.plot else "; with model_plot_config.enabled the bounds would be known"
        found = [Part("verdict", words + hint)]
    first = found[0]
    return [Part("verdict", first.text, first.effect), *found[1:], *context]


def _not_looked_at(subject: Subject) -> list[Part]:
    if subject.nearest is None:
        if subject.first_record is None:
            return [Part("bucket", "the job has not seen any data yet")]
        if subject.latest_bucket is not None and subject.at >= subject.latest_bucket:
            return [Part("bucket", f"the job has only come to {_shown(subject.latest_bucket)} yet")]
        if subject.at < subject.first_record:
            return [Part("bucket", f"the job's data begin at {_shown(subject.first_record)}: it never saw this moment")]
        return [Part("bucket", "there is no bucket at that time: results were deleted, or the datafeed left it out")]
    if subject.nearest.get("is_interim"):
        return [Part("bucket", "the bucket is not finished: its results are interim")]
    return []


def _excused(subject: Subject) -> list[Part]:
    named = (subject.nearest or {}).get("scheduled_events") or ()
    named = (named,) if isinstance(named, str) else tuple(named)
    names = named or tuple(str(event.get("description", "")) for event in subject.events if _covers(subject, event))
    if names:
        return [Part("calendar", f"the scheduled event {', '.join(names)} covers it: no anomalies are made in it")]
    learned = subject.at - subject.first_record if subject.first_record is not None else None
    least = max(_LEAST_TIME, timedelta(seconds=_LEAST_BUCKETS * subject.span_seconds))
    if learned is not None and timedelta() <= learned < least:
        return [Part("history", f"the job had seen {learned}: nothing is flagged before {least}", "lowers")]
    return []


def _covers(subject: Subject, event: Mapping[str, Any]) -> bool:
    return time_of(event["start_time"]) <= subject.at < time_of(event["end_time"])


def _ordinary(subject: Subject) -> list[Part]:
    """What the model's bounds say of the series in the bucket."""
    span = timedelta(seconds=subject.span_seconds)
    here = [row for row in subject.plot if row.timestamp <= subject.at < row.timestamp + span]
    if not here:
        return _uncounted(subject)
    outside = [row for row in here if row.outside]
    if not outside:
        wide = here[0]
        words = f"all {len(here)} series were inside their bounds"
        if len(here) == 1:
            words = f"{_series(wide)} was {_number(wide.actual)}, inside its bounds"
        return [Part("bounds", f"{words} ({wide.model_lower:.4g} to {wide.model_upper:.4g})")]
    parts = []
    for row in outside:
        parts += _outside(subject, row)
    return parts


def _outside(subject: Subject, row: Bounds) -> list[Part]:
    detectors = subject.config.detectors
    index = row.detector_index or 0
    detector = detectors[index] if index < len(detectors) else {}
    function = str(detector.get("function", ""))
    actual = row.actual if row.actual is not None else 0.0
    above = actual > row.model_upper
    value = f"{_series(row)} was {actual:.4g}, outside {row.model_lower:.4g} to {row.model_upper:.4g}"
    if (function.startswith("high_") and not above) or (function.startswith("low_") and above):
        side = "high" if function.startswith("high_") else "low"
        return [Part("rules", f"{value}, but {function} looks for {side} values alone", "lowers")]
    ruled = applying(detector.get("custom_rules", ()), actual=actual, typical=row.model_median, at=row.timestamp)
    if ruled:
        return [Part("rules", f"{value}, and this rule excuses it: {rule_words(ruled[0])}", "lowers")]
    return [Part("bounds", f"{value}: too little, or too common in this series, for a record", "lowers")]


def _uncounted(subject: Subject) -> list[Part]:
    events = (subject.nearest or {}).get("event_count")
    if events == 0:
        return [Part("bucket", "the bucket is empty, and no detector of the job models the absence of data")]
    return []


def _series(row: Bounds) -> str:
    named = [value for value in (row.partition_field_value, row.by_field_value, row.over_field_value) if value]
    return ", ".join(named) or "the series"


def _number(value: float | None) -> str:
    return "without a value" if value is None else f"{value:.4g}"


def _shown(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC")
