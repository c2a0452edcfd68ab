"""From what is asked for and what an index holds to manifests: a few drafts, the likeliest first."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import Any, Final

from anomalyops.drafting.errors import DraftError
from anomalyops.drafting.fields import (
    DATES,
    NUMBERS,
    PLACES,
    TEXTS,
    VALUES,
    Held,
    candidates,
    failures,
    time_field,
    usable,
)
from anomalyops.drafting.sentence import Intent, Kind, Side
from anomalyops.resources import API_VERSION, AnomalyJob, Datafeed
from anomalyops.resources.detectors import DetectorFunction

MOST_DRAFTS: Final = 3
_CATEGORY: Final = "mlcategory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is said beside the sentence; None leaves it to the sentence and the index.

    Attributes:
        index: Where to look.
        name: Of the manifests, and so of the job.
        function: Of the detector.
        field: That the function looks at.
        by: A field of series.
        over: A field of peers.
        partition: A field of models of their own.
        influencers: Beside those that the detector splits by.
        bucket_span: The interval of analysis.
        time_field: The time of documents.
        query: Which documents.
        query_delay: How far behind the present is read.
        start: From when on; None for the first document.
        end: Until when; None to go on.
    """

    index: str
    name: str | None = None
    function: str | None = None
    field: str | None = None
    by: str | None = None
    over: str | None = None
    partition: str | None = None
    influencers: tuple[str, ...] = ()
    bucket_span: str | None = None
    time_field: str | None = None
    query: Mapping[str, Any] | None = None
    query_delay: str = "60s"
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A job and its datafeed as manifests.

    Attributes:
        job: The job.
        feed: Its datafeed.
        notes: How words became fields.
    """

    job: AnomalyJob
    feed: Datafeed
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Detector:
    function: str
    field: str | None
    by: str | None = None
    over: str | None = None
    partition: str | None = None
    messages: str | None = None

    def body(self) -> dict[str, str]:
        parts = {
            "function": self.function,
            "fieldName": self.field,
            "byFieldName": self.by,
            "overFieldName": self.over,
            "partitionFieldName": self.partition,
        }
        return {name: value for name, value in parts.items() if value is not None}


def drafts(sentence: str, intent: Intent, held: Held, wishes: Wishes) -> list[Draft]:
    """At most three drafts, the likeliest first; each differs from the one before in a field.

    Raises:
        DraftError: The index has no field for what is asked for; the message names what it has.
        ManifestError: What was wished for is not acceptable.
    """
    time = wishes.time_field or time_field(held)
    if time is None:
        raise DraftError(f"{wishes.index} has no date field: give --time-field")
    if held.types.get(time) not in DATES:
        raise DraftError(f"--time-field {time}: {_is(held, time)}, and has to be a date{_there(held, DATES)}")
    query = wishes.query
    if query is None and intent.errors:
        query = next(failures(held), None)
        if query is None:
            raise DraftError(
                f"no field of {wishes.index} tells failures from the rest (looked for status codes, levels and outcomes"
                ' in its newest documents): give --query, such as \'{"term": {"result": "failed"}}\''
            )
    made = [
        _manifests(sentence, intent, detector, time=time, query=query, wishes=wishes, held=held)
        for detector in islice(dict.fromkeys(_detectors(intent, held, wishes)), MOST_DRAFTS)
    ]
    if not made:
        raise DraftError(f"no field of {wishes.index} fits {sentence!r}: give --function and --field, --by or --over")
    return made


def _detectors(intent: Intent, held: Held, wishes: Wishes) -> Iterator[_Detector]:
    """Detectors, the likeliest first."""
    splits = _splits(intent, held, wishes)
    if wishes.function is not None:
        yield _wished(wishes.function, intent, held, wishes, splits)
        return
    match intent.kind:
        case Kind.COUNT:
            yield _of(f"{intent.side}count", None, splits)
        case Kind.RARE:
            yield from _rare(intent, held, wishes, splits)
        case Kind.MESSAGES:
            yield from _messages(intent, held, wishes, splits)
        case Kind.METRIC | Kind.OPEN:
            yield from _metric_or_rare(intent, held, wishes, splits)
        case _:
            yield from _special(intent, held, wishes, splits)


def _special(intent: Intent, held: Held, wishes: Wishes, splits: Mapping[str, str | None]) -> Iterator[_Detector]:
    """Values of which the number or the information counts, times and places."""
    match intent.kind:
        case Kind.DISTINCT:
            for name in _meant(intent, held, wishes, VALUES | NUMBERS, "values"):
                yield _of(f"{intent.side}distinct_count", name, splits)
        case Kind.INFORMATION:
            for name in _meant(intent, held, wishes, VALUES, "values", also=("query", "domain", "question")):
                yield _of("high_info_content", name, splits)
        case Kind.TIME:
            yield _of(intent.statistic if intent.statistic.startswith("time") else "time_of_day", None, splits)
        case Kind.PLACE:
            for name in _meant(intent, held, wishes, PLACES, "places", only=True):
                yield _of("lat_long", name, splits)


def _of(function: str, name: str | None, splits: Mapping[str, str | None]) -> _Detector:
    return _Detector(function, name, splits["by"], splits["over"], splits["partition"])


def _wished(function: str, intent: Intent, held: Held, wishes: Wishes, splits: Mapping[str, str | None]) -> _Detector:
    known = [str(one) for one in DetectorFunction]
    if function not in known:
        close = ", ".join(get_close_matches(function, known, n=3, cutoff=0.5)) or ", ".join(known)
        raise DraftError(f"--function {function}: there is no function {function}: did you mean {close}?")
    plain = function.removeprefix("high_").removeprefix("low_")
    if plain in {"count", "non_zero_count", "c", "nzc", "time_of_day", "time_of_week"}:
        return _of(function, wishes.field, splits)
    if plain in {"rare", "freq_rare"}:
        by = wishes.by or wishes.field or next(_meant(intent, held, wishes, VALUES, "values"), None)
        return _Detector(function, None, by, splits["over"], splits["partition"] or splits["by"])
    types = {"lat_long": PLACES, "distinct_count": VALUES | NUMBERS, "dc": VALUES | NUMBERS, "info_content": VALUES}
    return _of(function, next(_meant(intent, held, wishes, types.get(plain, NUMBERS), "values"), None), splits)


def _splits(intent: Intent, held: Held, wishes: Wishes) -> dict[str, str | None]:
    """The fields that the sentence splits by: the first thing makes series, the second models of their own."""
    peers = wishes.over or (_split(intent.over, held, wishes) if intent.over else None)
    things = [_split(words, held, wishes) for words in intent.per]
    apart = [_split(words, held, wishes) for words in intent.apart]
    by = wishes.by or (things[0] if things else None)
    rest = [*things[1:], *apart]
    if len(rest) > 1:
        named = ", ".join(" ".join(words) for words in (*intent.per, *intent.apart))
        raise DraftError(f"a detector splits by at most two things and compares within a third, found {named}")
    partition = wishes.partition or (rest[0] if rest else None)
    if by is not None and by in {peers, partition}:
        by = None
    return {"by": by, "over": peers, "partition": partition if partition != peers else None}


def _split(words: tuple[str, ...], held: Held, wishes: Wishes) -> str:
    found = candidates(held, words, VALUES) or candidates(held, words, NUMBERS)
    if not found:
        raise DraftError(
            f"no field of {wishes.index} is called like {' '.join(words)!r}{_there(held, VALUES)}: name it with --by,"
            " --over or --partition"
        )
    return found[0]


def _rare(intent: Intent, held: Held, wishes: Wishes, splits: Mapping[str, str | None]) -> Iterator[_Detector]:
    """The four variants: of all, against peers, for each segment, and both."""
    for name in _meant(intent, held, wishes, VALUES, "values"):
        segment = splits["partition"] or (splits["by"] if splits["by"] != name else None)
        over = splits["over"] if splits["over"] != name else None
        yield _Detector("rare", None, wishes.by or name, over, segment if segment != over else None)


def _messages(intent: Intent, held: Held, wishes: Wishes, splits: Mapping[str, str | None]) -> Iterator[_Detector]:
    texts = [wishes.field] if wishes.field else []
    texts = texts or candidates(held, ("message",), TEXTS | VALUES) or usable(held, held.of_types(TEXTS))
    if not texts:
        raise DraftError(f"{wishes.index} has no text field with messages: give --field")
    segment = splits["partition"] or splits["by"]
    for text in texts:
        function = "rare" if intent.statistic == "rare" else f"{intent.side}count"
        yield _Detector(function, None, _CATEGORY, None, segment, messages=text)


def _metric_or_rare(
    intent: Intent, held: Held, wishes: Wishes, splits: Mapping[str, str | None]
) -> Iterator[_Detector]:
    """A number is measured; a value, of which only something unusual can be asked, is rare."""
    numbers = [wishes.field] if wishes.field else candidates(held, intent.subject, NUMBERS)
    for name in numbers:
        yield _of(f"{intent.side}{intent.statistic}", name, splits)
    if not numbers and intent.side is Side.BOTH and candidates(held, intent.subject, VALUES):
        yield from _rare(intent, held, wishes, splits)
    elif not numbers:
        raise DraftError(
            f"no number of {wishes.index} is called like {' '.join(intent.subject) or 'that'!r}{_there(held, NUMBERS)}:"
            " name it with --field"
        )


def _meant(
    intent: Intent,
    held: Held,
    wishes: Wishes,
    types: frozenset[str],
    what: str,
    *,
    also: tuple[str, ...] = (),
    only: bool = False,
) -> Iterator[str]:
    """The fields that the subject means."""
    if wishes.field is not None:
        yield wishes.field
        return
    words = intent.subject + also
    found = candidates(held, words, types)
    if not found and only:
        found = usable(held, held.of_types(types))
    if not found and wishes.by is not None:
        found = [wishes.by]
    if not found:
        named = " ".join(intent.subject) or what
        raise DraftError(
            f"no field of {wishes.index} with {what} is called like {named!r}{_there(held, types)}: name it with"
            " --field"
        )
    yield from found


def _there(held: Held, types: frozenset[str]) -> str:
    names = [name for name in held.of_types(types) if not name.endswith(".keyword") or name[:-8] not in held.types]
    names = usable(held, [*names, *(name for name in held.of_types(types) if name.endswith(".keyword"))])
    shown = ", ".join(names[:8])
    return f" (it has {shown}{', ...' if len(names) > 8 else ''})" if names else " (it has none of such a type)"


def _is(held: Held, name: str) -> str:
    return f"it is {held.types[name]}" if name in held.types else "there is no such field"


def _manifests(
    sentence: str,
    intent: Intent,
    detector: _Detector,
    *,
    time: str,
    query: Mapping[str, Any] | None,
    wishes: Wishes,
    held: Held,
) -> Draft:
    options = (
        ("--by", wishes.by),
        ("--over", wishes.over),
        ("--partition", wishes.partition),
        ("--field", wishes.field),
    )
    for option, name in (*options, *(("--influencer", one) for one in wishes.influencers)):
        if name is not None and name not in held.types:
            raise DraftError(f"{option} {name}: no index of {wishes.index} has this field{_there(held, VALUES)}")
    name = wishes.name or _name(sentence)
    splits = [one for one in (detector.by, detector.over, detector.partition) if one]
    analysis: dict[str, Any] = {
        "bucketSpan": wishes.bucket_span or intent.bucket_span or "15m",
        "detectors": [detector.body()],
        "influencers": list(dict.fromkeys([*splits, *wishes.influencers])),
    }
    if detector.messages is not None:
        analysis["categorizationFieldName"] = detector.messages
    job = {"description": sentence.strip(), "analysisConfig": analysis, "dataDescription": {"timeField": time}}
    feed: dict[str, Any] = {
        "jobRef": {"name": name},
        "datafeedId": f"datafeed-{name}",
        "indices": wishes.index.split(","),
        "queryDelay": wishes.query_delay,
    }
    feed |= {} if query is None else {"query": dict(query)}
    feed |= {key: value for key, value in (("start", wishes.start), ("end", wishes.end)) if value is not None}
    return Draft(
        job=AnomalyJob.from_object(_object("AnomalyJob", name, job)),
        feed=Datafeed.from_object(_object("Datafeed", name, feed)),
        notes=tuple(_notes(detector, held, time, query)),
    )


def _object(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _notes(detector: _Detector, held: Held, time: str, query: Mapping[str, Any] | None) -> Iterator[str]:
    named = (detector.field, detector.by, detector.over, detector.partition, detector.messages, time)
    for name in dict.fromkeys(one for one in named if one and one != _CATEGORY):
        share = held.filled(name)
        if share < 1:
            yield f"{name} is in {share:.0%} of the newest {held.documents} documents"
    if query is not None:
        yield f"only documents that match {json.dumps(query)}"
    if detector.over:
        yield "a population: it cannot be forecast"


def _name(sentence: str) -> str:
    """A name of the sentence's own words."""
    words = [word for word in re.findall(r"[a-z0-9]+", sentence.lower()) if word not in _LEFT_OUT]
    name = ""
    for word in words:
        if len(name) + len(word) + 1 > 50:
            break
        name = f"{name}-{word}" if name else word[:50]
    return name or "new-job"


_LEFT_OUT: Final = frozenset(
    (
        "a",
        "an",
        "the",
        "of",
        "in",
        "on",
        "at",
        "to",
        "for",
        "from",
        "with",
        "and",
        "or",
        "is",
        "are",
        "my",
        "our",
        "please",
    )
)
