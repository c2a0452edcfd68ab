"""Date formats: what is read by them, and how it is written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from random import Random

from judge.cases import Case, Request
from judge.generate.families import case, family
from judge.generate.worlds import index

AREA = "date formats"
_PER_BATCH = 6
_ORDINARY = {
    "yyyy-MM-dd HH:mm:ss": "%Y-%m-%d %H:%M:%S",
    "yyyy-MM-dd": "%Y-%m-%d",
    "dd/MM/yyyy": "%d/%m/%Y",
    "yyyy/MM/dd HH:mm:ss": "%Y/%m/%d %H:%M:%S",
    "dd/MMM/yyyy:HH:mm:ss Z": "%d/%b/%Y:%H:%M:%S +0200",
    "MMM d, yyyy": "%b {day}, %Y",
    "yyyyMMdd": "%Y%m%d",
    "yyyyMMddHHmmss": "%Y%m%d%H%M%S",
    "epoch_millis": "{millis}",
    "epoch_second": "{seconds}",
    "strict_date_optional_time": "%Y-%m-%dT%H:%M:%SZ",
    "strict_date_optional_time||epoch_millis": "{millis}",
    "date_optional_time": "%Y-%m-%d",
    "basic_date": "%Y%m%d",
    "yyyy-MM-dd'T'HH:mm:ss.SSSZ": "%Y-%m-%dT%H:%M:%S.123+0000",
    "yyyy-MM-dd'T'HH:mm:ssXXX": "%Y-%m-%dT%H:%M:%S+02:00",
    "yyyy-MM-dd HH:mm:ss,SSS": "%Y-%m-%d %H:%M:%S,250",
    "EEE MMM dd HH:mm:ss yyyy": "%a %b %d %H:%M:%S %Y",
    "M/d/yyyy h:mm a": "{month}/{day}/%Y {hour12}:%M %p",
    "yy-MM-dd": "%y-%m-%d",
}
_NAMED = [
    *("basic_date_time", "basic_date_time_no_millis", "basic_ordinal_date", "basic_time", "basic_week_date", "date"),
    *("date_hour", "date_hour_minute", "date_hour_minute_second", "date_hour_minute_second_fraction", "date_time"),
    *("date_time_no_millis", "hour", "hour_minute", "ordinal_date", "time", "week_date", "weekyear", "weekyear_week"),
    *("year", "year_month", "year_month_day", "strict_year", "strict_year_month", "strict_date", "strict_date_time"),
    *("strict_date_hour_minute", "strict_week_date", "strict_ordinal_date", "strict_date_time_no_millis", "iso8601"),
    *("strict_date_optional_time_nanos", "strict_hour_minute_second", "strict_date_hour_minute_second_millis"),
]
_PATTERNS = [
    *(
        "yyyy",
        "uuuu",
        "YYYY",
        "yyyy-MM",
        "yyyy-M-d",
        "dd.MM.yy",
        "MMM yyyy",
        "MMMM d yyyy",
        "EEEE",
        "DDD yyyy",
        "yyyy-DDD",
    ),
    *(
        "HH:mm",
        "hh:mm a",
        "yyyy-MM-dd HH",
        "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
        "yyyy-MM-dd'T'HH:mm:ss.n",
        "QQQ yyyy",
        "yyyy-'W'ww",
    ),
    *(
        "yyyy-MM-dd VV",
        "yyyy-MM-dd zzz",
        "yyyy-MM-dd Z",
        "yyyy-MM-dd X",
        "yyyy-MM-dd xxx",
        "yyyy-MM-dd[ HH:mm]",
        "epoch_millis||yyyy",
    ),
    *(
        "nonsense",
        "",
        "yyyy||",
        "'",
        "yyyy-MM-dd''",
        "G yyyy",
        "A",
        "yyyy-MM-dd||yyyy-MM-dd HH:mm:ss",
        "d/M/yyyy",
        "ww-YYYY",
    ),
]
_TEXTS = [
    *(
        "2024",
        "2024-05",
        "2024-05-06",
        "2024-5-6",
        "2024-05-06T10:20:30Z",
        "2024-05-06 10:20:30",
        "20240506",
        "06.05.24",
    ),
    *(
        "10:20",
        "2024-127",
        "2024-W19-1",
        "2024-W19",
        "May 2024",
        "2024-05-06T10:20:30.123456Z",
        "2024-05-06T10:20:30+02:00",
    ),
    *(
        "20240506T102030Z",
        "20240506T102030.123Z",
        "102030Z",
        "2024-05-06T10",
        "2024-05-06T10:20",
        "-2024-05-06",
        "12024-05-06",
    ),
    *(
        "2024-02-30",
        "2024-05-06T24:00:00",
        "2024-05-06T10:20:30.5",
        "1714979289",
        "1714979289123",
        "-1",
        "0",
        "1714979289.5",
    ),
]


def written(pattern: str, moment: dt.datetime) -> str:
    """Return a time in one of the ordinary forms."""
    parts = {
        "millis": str(int(moment.timestamp() * 1000)),
        "seconds": str(int(moment.timestamp())),
        "day": str(moment.day),
        "month": str(moment.month),
        "hour12": str(moment.hour % 12 or 12),
    }
    text = moment.strftime(_ORDINARY[pattern])
    for name, value in parts.items():
        text = text.replace("{" + name + "}", value)
    return text


def asked(pattern: str, texts: list[object], kind: str = "date") -> Case:
    """Return the case of a mapping with a format: documents by it, and what is shown of them."""
    lines: list[object] = []
    for number, text in enumerate(texts):
        lines += [{"index": {"_id": str(number)}}, {"d": text}]
    search = {"sort": [{"d": "asc"}], "fields": ["d", {"field": "d", "format": "strict_date_optional_time"}]}
    buckets = {"size": 0, "aggs": {"t": {"terms": {"field": "d"}}, "m": {"max": {"field": "d"}}}}
    return case(
        (index("i"),),
        Request("PUT", "/i/_mapping", {"properties": {"d": {"type": kind, "format": pattern}}}),
        Request("POST", "/i/_bulk?refresh=true", lines=lines),
        Request("POST", "/i/_search", search),
        Request("POST", "/i/_search", buckets),
        Request("POST", "/i/_count", {"query": {"range": {"d": {"gte": texts[0]}}}}),
        changes=True,
    )


def _moment(rng: Random) -> dt.datetime:
    return dt.datetime(2024, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=rng.randrange(31_000_000))


@family(AREA, ordinary=True)
def usual_formats(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        pattern = rng.choice(sorted(_ORDINARY))
        yield asked(pattern, [written(pattern, _moment(rng)) for _ in range(3)])


@family(AREA, ordinary=True)
def formats_of_output(rng: Random) -> Iterator[Case]:
    moments = [int(_moment(rng).timestamp() * 1000) for _ in range(3)]
    lines = [line for n, moment in enumerate(moments) for line in ({"index": {"_id": str(n)}}, {"d": moment})]
    setup = (index("i", {"properties": {"d": {"type": "date"}}}), Request("POST", "/i/_bulk?refresh=true", lines=lines))
    for _ in range(_PER_BATCH):
        pattern = rng.choice(sorted(_ORDINARY))
        histogram = {"field": "d", "calendar_interval": "month", "format": pattern, "min_doc_count": 1}
        body = {
            "sort": [{"d": {"order": "desc", "format": pattern}}],
            "docvalue_fields": [{"field": "d", "format": pattern}],
            "aggs": {"h": {"date_histogram": histogram}, "m": {"min": {"field": "d", "format": pattern}}},
        }
        yield case(setup, Request("POST", "/i/_search", body))


@family(AREA, ordinary=False)
def named_formats(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        pattern = rng.choice(_NAMED)
        yield asked(pattern, [rng.choice(_TEXTS)], rng.choice(["date", "date", "date_nanos"]))


@family(AREA, ordinary=False)
def odd_patterns(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        texts = [rng.choice([*_TEXTS, 2024, 1714979289, 1714979289123, 20240506, 1.5])]
        yield asked(rng.choice(_PATTERNS), texts)


@family(AREA, ordinary=False)
def named_output(rng: Random) -> Iterator[Case]:
    moments = [1714979289123, 0, 1709210096789, -1]
    lines = [line for n, moment in enumerate(moments) for line in ({"index": {"_id": str(n)}}, {"d": moment})]
    setup = (index("i", {"properties": {"d": {"type": "date"}}}), Request("POST", "/i/_bulk?refresh=true", lines=lines))
    for _ in range(_PER_BATCH):
        body = {"sort": ["_doc"], "docvalue_fields": [{"field": "d", "format": rng.choice([*_NAMED, *_PATTERNS])}]}
        yield case(setup, Request("POST", "/i/_search", body))


@family(AREA, ordinary=False, held_out=True)
def default_format(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        text = rng.choice([*_TEXTS, written(rng.choice(sorted(_ORDINARY)), _moment(rng))])
        setup = (index("i", {"properties": {"d": {"type": rng.choice(["date", "date_nanos"])}}}),)
        steps = (
            Request("PUT", "/i/_doc/1?refresh=true", {"d": text}),
            Request("POST", "/i/_search", {"fields": ["d"], "sort": ["d"]}),
            Request("POST", "/i/_count", {"query": {"term": {"d": text}}}),
        )
        yield case(setup, *steps, changes=True)
