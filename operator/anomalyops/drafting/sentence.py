"""What a sentence asks for: a function, what it is about, and by what it is split. English words, no more than that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from anomalyops.drafting.errors import DraftError


class Kind(StrEnum):
    """What sort of thing is unusual."""

    COUNT = "count"
    METRIC = "metric"
    RARE = "rare"
    DISTINCT = "distinct_count"
    INFORMATION = "info_content"
    TIME = "time"
    PLACE = "lat_long"
    MESSAGES = "messages"
    OPEN = "open"  # the type of the field decides: a number is a metric, a value is rare


class Side(StrEnum):
    """Which direction is of interest."""

    BOTH = ""
    HIGH = "high_"
    LOW = "low_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What a sentence asks for.

    Attributes:
        kind: What sort of thing is unusual.
        side: Which direction counts.
        statistic: Of a metric: mean, sum, median, min, max; or the function of a time.
        subject: The words of what is looked at, those that matter first.
        per: The words of each thing that it is split by.
        over: The words of the peers that it is compared with; empty for none.
        apart: The words of each thing that is a model of its own.
        errors: Whether only failures count.
        bucket_span: As the sentence says it; None where it does not.
    """

    kind: Kind
    side: Side = Side.BOTH
    statistic: str = "mean"
    subject: tuple[str, ...] = ()
    per: tuple[tuple[str, ...], ...] = ()
    over: tuple[str, ...] = ()
    apart: tuple[tuple[str, ...], ...] = ()
    errors: bool = False
    bucket_span: str | None = None


_SPANS: Final = (
    (re.compile(r"\b(?:every|each|per)\s+(\d{1,3})\s*(?:minutes?|mins?|m)\b"), "m"),
    (re.compile(r"\b(?:every|each|per)\s+(\d{1,3})\s*(?:hours?|h)\b"), "h"),
    (re.compile(r"\b(?:every|each|per)\s+minute\b|\bby the minute\b"), "1m"),
    (re.compile(r"\bhourly\b|\b(?:every|each|per|an)\s+hour\b"), "1h"),
    (re.compile(r"\bdaily\b|\b(?:every|each|per|a)\s+day\b(?! of)"), "1d"),
)
_STOP: Final = r"(?=\s+(?:per|by|for|in|within|on|from|over|across|compared|versus|vs|than|relative|separately|and|among|unlike|to|with|at|that|which)\b|[,.;]|$)"
_WORDS: Final = r"([a-z0-9_.@-]+(?:\s+[a-z0-9_.@-]+){0,2}?)"
_OVER: Final = re.compile(
    r"\b(?:(?:compared|relative) (?:to|with)|versus|vs\.?|than|unlike|among)\s+(?:all\s+|the\s+|its\s+|their\s+)*(?:other|others|peer|peers)?\s*"
    + _WORDS + _STOP
)  # fmt: skip
_APART: Final = re.compile(
    r"\b(?:separately (?:per|for each|for every|for|by|in each)|independently (?:per|for each|by)|within each|in each|in every)\s+"
    + _WORDS + _STOP
)  # fmt: skip
_PER: Final = re.compile(r"\b(?:per|by|for each|for every|of each|of every|across)\s+" + _WORDS + _STOP)
_AND: Final = re.compile(r"\band\s+(?:per\s+|by\s+)?" + _WORDS + _STOP)
_PLACE_OF_DATA: Final = re.compile(
    r"\b(?:on|in|from|of)\s+(?:the\s+|our\s+|my\s+)?([a-z0-9_-]+\s+){0,3}(?:logs?|data|index|indices|events|metrics|documents)\b"
)

_RARE: Final = re.compile(
    r"\b(rare|rarely|uncommon|infrequent|infrequently|seldom|never[- ]seen|never seen before|new|novel|first[- ]time|unknown)\b"
)
_UNUSUAL: Final = re.compile(
    r"\b(unusual|unusually|anomal\w*|abnormal\w*|strange|odd|unexpected|suspicious|outliers?|weird)\b"
)
_HIGH: Final = re.compile(
    r"\b(high|higher|too many|spikes?|spiking|surges?|bursts?|floods?|increas\w*|large|larger|huge|excessive|slow|slower|long|too much|more|heavy|peaks?|growth|jumps?|big)\b"
)
_LOW: Final = re.compile(
    r"\b(low|lower|too few|drops?|dropping|decreas\w*|missing|absence|absent|silent|silence|stops?|stopped|fewer|less|small|smaller|outages?|no)\b"
)
_COUNTED: Final = re.compile(
    r"\b(rates?|counts?|number of|volume of (?:requests|logs|events|documents|messages)|requests?|events?|hits?|calls|attempts|logins?|traffic|errors?|failures?|documents?|log volume|too many|too few|frequency)\b"
)
_DISTINCT: Final = re.compile(r"\b(distinct|different|unique|variety of|how many different|cardinality)\b")
_INFORMATION: Final = re.compile(r"\b(exfil\w*|tunnel\w*|entropy|random[- ]looking|information content|dga)\b")
_TIME_OF: Final = re.compile(
    r"\b(time of day|times of day|hours?|time of (?:the )?week|weekends?|day of (?:the )?week|at night)\b"
)
_LOCATION: Final = re.compile(r"\b(locations?|geo\w*|places?|countr(?:y|ies) (?:of|they)|positions?)\b")
_MESSAGE: Final = re.compile(
    r"\b(log messages?|messages?|log patterns?|log categor(?:y|ies)|log lines?|categor(?:y|ies) of (?:logs?|messages?))\b"
)
_ERROR: Final = re.compile(r"\b(errors?|failures?|failed|failing|5xx|4xx|exceptions?|denied|rejected)\b")
_STATISTICS: Final = (
    ("median", re.compile(r"\bmedian\b")),
    ("max", re.compile(r"\b(maximum|max|peaks?)\b")),
    ("min", re.compile(r"\b(minimum|min)\b")),
    ("varp", re.compile(r"\b(variance|variation|jitter)\b")),
    (
        "sum",
        re.compile(r"\b(total|sum|sums|amounts?|transferred|downloads?|uploads?|bytes|volume|sent|received|traffic)\b"),
    ),
)
_FILLER: Final = frozenset(
    "a an the of in on at to for from with and or is are was be being that which who where when do does did monitor watch detect find"
    " alert me us tell show look looking if my our their its any all very unusually unusual anomalous anomalies anomaly abnormal strange"
    " odd unexpected suspicious outlier outliers weird rare rarely uncommon infrequent infrequently seldom never seen before new novel"
    " first time unknown high higher low lower too many few much spike spikes spiking surge surges burst bursts flood floods increase"
    " increases increased increasing large larger huge excessive slow slower long more heavy peak peaks growth jump jumps drop drops"
    " dropping decrease decreases decreased decreasing missing absence absent silent silence stop stops stopped fewer less small smaller"
    " no big rate rates count counts number volume frequency value values distinct different unique variety how usage use"
    " error errors failure failures failed failing mean average avg median maximum max minimum min sum total over set up job behaviour"
    " behavior change changes changed log logs data events event metrics values create please want need i we there".split()
)
_ALIKE: Final = frozenset(
    {"request", "requests", "hits", "hit", "documents", "document", "traffic", "attempts", "calls"}
)


def read(sentence: str) -> Intent:
    """What a sentence asks for.

    Raises:
        DraftError: It says nothing that a detector could look for.
    """
    text = " ".join(re.sub(r"[^\w\s.@,;/-]", " ", sentence.lower()).split())
    if not text:
        raise DraftError('say what is to be found, such as "unusual error rates per host"')
    span, text = _span(text)
    over, text = _first(_OVER, text)
    apart, text = _all(_APART, text)
    per, text = _all(_PER, text)
    text = _PLACE_OF_DATA.sub(" ", text)
    side = _side(text)
    kind, statistic = _kind(text)
    errors = bool(_ERROR.search(text)) and kind in {Kind.COUNT, Kind.OPEN}
    if errors and kind is Kind.OPEN:
        kind = Kind.COUNT
    if errors and side is Side.BOTH:
        side = Side.HIGH
    subject = tuple(word for word in re.split(r"[\s,;/]+", text) if word and word not in _FILLER)
    said = any(pattern.search(text) for pattern in (_UNUSUAL, _COUNTED, _HIGH, _LOW))
    if kind in {Kind.OPEN, Kind.COUNT} and not subject and not said:
        raise DraftError(
            f"{sentence!r} does not say what is unusual: name it (rates, a field such as cpu, rare values of a field)"
        )
    return Intent(
        kind=kind, side=side, statistic=statistic, subject=subject, per=per, over=over, apart=apart, errors=errors,
        bucket_span=span,
    )  # fmt: skip


def _span(text: str) -> tuple[str | None, str]:
    for pattern, unit in _SPANS:
        found = pattern.search(text)
        if found is not None:
            span = f"{int(found[1])}{unit}" if pattern.groups else unit
            return (span if not span.startswith("0") else None), _spaced(text[: found.start()] + text[found.end() :])
    return None, text


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _first(pattern: re.Pattern[str], text: str) -> tuple[tuple[str, ...], str]:
    found = pattern.search(text)
    if found is None:
        return (), text
    return _named(found[1]), _spaced(f"{text[: found.start()]} {text[found.end() :]}")


def _all(pattern: re.Pattern[str], text: str) -> tuple[tuple[tuple[str, ...], ...], str]:
    found: list[tuple[str, ...]] = []
    while (match := pattern.search(text)) is not None:
        found.append(_named(match[1]))
        rest = text[match.end() :]
        while (more := _AND.match(rest.lstrip())) is not None:
            found.append(_named(more[1]))
            rest = rest.lstrip()[more.end() :]
        text = _spaced(f"{text[: match.start()]} {rest}")
    return tuple(words for words in found if words), text


def _named(words: str) -> tuple[str, ...]:
    return tuple(
        word for word in words.split() if word not in {"the", "each", "every", "other", "all", "a", "an", "its"}
    )


def _side(text: str) -> Side:
    high, low = _HIGH.search(text), _LOW.search(text)
    if high is not None and (low is None or high.start() < low.start()):
        return Side.HIGH
    return Side.LOW if low is not None else Side.BOTH


def _kind(text: str) -> tuple[Kind, str]:
    """The first that fits, the most special first."""
    if _INFORMATION.search(text):
        return Kind.INFORMATION, "info_content"
    if _MESSAGE.search(text):
        return Kind.MESSAGES, "rare" if _RARE.search(text) else "count"
    if _RARE.search(text):
        return Kind.RARE, "rare"
    if (time := _TIME_OF.search(text)) is not None and (_UNUSUAL.search(text) or "night" in time[0]):
        return Kind.TIME, "time_of_week" if "week" in time[0] else "time_of_day"
    if _UNUSUAL.search(text) and _LOCATION.search(text):
        return Kind.PLACE, "lat_long"
    if _DISTINCT.search(text):
        return Kind.DISTINCT, "distinct_count"
    statistic = next((name for name, pattern in _STATISTICS if pattern.search(text)), "mean")
    words = {word for word in text.split() if word not in _FILLER}
    if _COUNTED.search(text) and words <= _ALIKE | {"errors", "login", "logins"}:
        return Kind.COUNT, "count"
    if _ERROR.search(text) and _COUNTED.search(text):
        return Kind.COUNT, "count"
    if not words:
        return Kind.COUNT, "count"
    return Kind.OPEN, statistic
