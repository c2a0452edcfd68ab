"""A seeded generator of sample web logs with planted incidents, in the shape of the well-known sample data.

Two months of requests to four hosts: 230 documents a day, the same every day of the week, bell-shaped over
the hours of the day (UTC), with independent response codes, clients, operating systems and tags. Into it five
incidents are planted, of which three are meant to be found: an outage of two hours, a client that scans for
URLs that do not exist, and the same scan seen as a flood of 404s. `planted()` returns their labels.

The dates hang on a *marker*, a Wednesday: the data runs from 10 days before it to 50 days after it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


INDEX: Final = "kibana_sample_data_logs"
TIME_FIELD: Final = "timestamp"
DATASET: Final = "sample_web_logs"

FIRST_DAY: Final = -10  # days from the marker
LAST_DAY: Final = 50
DOCUMENTS_PER_DAY: Final = 230
HOUR_MEAN, HOUR_SPREAD = 11.98, 3.61  # the bell of the day, hours UTC

SCANNER: Final = "30.156.16.164"
DOWNLOADER: Final = "177.120.218.48"

_TEXT: Final = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}
_KEYWORD: Final = {"type": "keyword"}

MAPPING: Final[dict[str, Any]] = {
    "properties": {
        "agent": _TEXT,
        "bytes": {"type": "long"},
        "clientip": {"type": "ip"},
        "event": {"properties": {"dataset": _KEYWORD}},
        "extension": _TEXT,
        "geo": {
            "properties": {
                "coordinates": {"type": "geo_point"},
                "dest": _KEYWORD,
                "src": _KEYWORD,
                "srcdest": _KEYWORD,
            }
        },
        "host": _TEXT,
        "index": _TEXT,
        "ip": {"type": "ip"},
        "machine": {"properties": {"os": _TEXT, "ram": {"type": "long"}}},
        "memory": {"type": "double"},
        "message": _TEXT,
        "phpmemory": {"type": "long"},
        "referer": _KEYWORD,
        "request": _TEXT,
        "response": _TEXT,
        "tags": _TEXT,
        "timestamp": {"type": "date"},
        "url": _TEXT,
        "utc_time": {"type": "date"},
    }
}

_AGENTS: Final = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:6.0a1) Gecko/20110421 Firefox/6.0a1",
    "Mozilla/5.0 (X11; Linux i686) AppleWebKit/534.24 (KHTML, like Gecko) Chrome/11.0.696.50 Safari/534.24",
    "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1; .NET CLR 1.1.4322)",
)
_SYSTEMS: Final = ("win xp", "win 7", "win 8", "osx", "ios")
_REFERER_SITES: Final = ("www.elastic-elastic-elastic.com", "twitter.com", "facebook.com", "nytimes.com")
_FIRST_NAMES: Final = _words(
    "alan anna boris carla dmitri eileen fei gennady helen ivan jerry kalpana liwei mae norman olga paolo"
    " reinhold sally tracy ulf valery william yuri"
)
_LAST_NAMES: Final = _words(
    "anders brand cernan duke ellison feustel garriott helms irwin jernigan korolev lucid musgrave nyberg"
    " onizuka polansky ride shepherd titov usachov voss whitson yang zhai"
)
# Share of requests by country: a few large ones, then a long tail.
_LARGE_COUNTRIES: Final = {"CN": 186, "IN": 165, "US": 80, "ID": 32, "BR": 28, "PK": 27, "NG": 22, "BD": 21}
_TAIL_COUNTRIES: Final = _words(
    "RU JP MX PH VN ET EG DE IR TR CD FR TH GB IT ZA MM KR CO UA ES TZ AR KE PL SD CA DZ MA UG IQ PE AF"
    " MY UZ VE NP SA YE GH MZ KP RO AU MG LK CM TW CI AO SY CL NL BF KZ NE MW EC KH GT ML ZM SN RW TN GR"
    " CU BE SO CZ BO GN PT DO HU SE BY AZ AE AT CH RS HN IL TJ BG HK PG LY JO PY TG LA NI SV SG DK KG FI"
    " SK NO IE CR GE NZ HR LB BA PA MD LR UY MR KW PR MN AM CG AL LT JM OM NA LV MK XK SI LS BW GM QA GW"
    " TT GA EE MU SZ BH TL CY FJ DJ GY KM BT ME SB LU SR CV MV BN BS MT BZ IS BB VU WS LC TO GD"
)
_SCANNED_PATHS: Final = (
    *(f"/{folder}/wp-login.php" for folder in ("blog", "wp", "wordpress", "site", "cms", "news", "old", "test")),
    *(f"/{'../' * depth}etc/passwd" for depth in range(1, 13)),
    *(f"/nmaplowercheck{number}" for number in range(1536000000, 1536000024)),
    *(f"/{name}.php" for name in _words("admin login shell upload config setup install phpinfo info test db")),
    *(f"/{name}/" for name in _words("phpmyadmin pma mysql manager cgi-bin backup .git .svn .env webdav console")),
    *(f"/{name}.{kind}" for name in ("backup", "dump", "site", "www") for kind in ("zip", "tar.gz", "sql", "bak")),
    *(f"/scripts/probe{number}.asp" for number in range(6)),
)
_SCAN_DISTINCT: Final = 88
_SCAN_REQUESTS: Final = 100


@dataclass(frozen=True, slots=True)
class Page:
    """One URL of the catalogue with its share of the requests."""

    host: str
    path: str
    extension: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A planted incident: `[start, end)`, what it is, and the entity that stands out in it, if any."""

    name: str
    start: datetime
    end: datetime
    entity: str | None
    description: str


def marker_before(end: date) -> date:
    """The latest Wednesday whose data (up to 50 days after it) is over when `end` begins."""
    latest = end - timedelta(days=LAST_DAY + 1)
    return latest - timedelta(days=(latest.weekday() - 2) % 7)


def planted(*, end: date | None = None) -> tuple[Incident, ...]:
    """Labels of the incidents that `generate(end=end)` plants."""
    marker = marker_before(end or datetime.now(UTC).date())
    return (
        Incident(
            name="outage",
            start=_at(marker, 20, "10:59:52"),
            end=_at(marker, 20, "13:01:52"),
            entity=None,
            description="no request for two hours around noon",
        ),
        Incident(
            name="scan",
            start=_at(marker, 31, "12:43:41"),
            end=_at(marker, 31, "12:46:07"),
            entity=SCANNER,
            description="one client asks for 88 URLs that do not exist, 100 requests in 146 seconds",
        ),
        Incident(
            name="repeated download",
            start=_at(marker, -7, "12:36:30"),
            end=_at(marker, -7, "12:36:31"),
            entity=DOWNLOADER,
            description="one client downloads the same file seven times at once",
        ),
        Incident(
            name="duplicates",
            start=_at(marker, -10, "03:00:00"),
            end=_at(marker, -10, "07:00:00"),
            entity=None,
            description="20 documents twice, on the first day",
        ),
        Incident(
            name="many 404s",
            start=_at(marker, 10, "00:00:00"),
            end=_at(marker, 11, "00:00:00"),
            entity=None,
            description="a day with more than twice the usual number of 404s",
        ),
    )


def generate(*, seed: int = 42, end: date | None = None) -> Iterator[dict[str, Any]]:
    """Web log documents in order of time; the same seed and `end` give the same documents.

    Args:
        seed: Of the random generator.
        end: A day (UTC) before which all documents lie; today if omitted.
    """
    marker = marker_before(end or datetime.now(UTC).date())
    return _Generator(random.Random(seed), marker).documents()  # noqa: S311 - sample data, not a secret


def _at(marker: date, day: int, clock: str) -> datetime:
    return datetime.combine(marker + timedelta(days=day), time.fromisoformat(clock), tzinfo=UTC)


class _Generator:
    def __init__(self, rng: random.Random, marker: date) -> None:
        self._rng = rng
        self._marker = marker
        self._pages = _catalogue(rng)
        self._page_weights = [page.weight for page in self._pages]
        self._clients = [_address(rng) for _ in range(999)] + [SCANNER, DOWNLOADER]
        self._countries = [*_LARGE_COUNTRIES, *_TAIL_COUNTRIES]
        tail = 439 / len(_TAIL_COUNTRIES)
        self._country_weights = [*_LARGE_COUNTRIES.values(), *(tail for _ in _TAIL_COUNTRIES)]
        self._slugs = [f"{first}-{last}" for first in _FIRST_NAMES for last in _LAST_NAMES][:557]

    def documents(self) -> Iterator[dict[str, Any]]:
        for day in range(FIRST_DAY, LAST_DAY + 1):
            yield from sorted(self._day(day), key=lambda document: str(document[TIME_FIELD]))

    def _day(self, day: int) -> list[dict[str, Any]]:
        documents = [self._request(moment) for moment in self._moments(day)]
        if day == FIRST_DAY:
            documents += self._duplicates(day)
        elif day == -7:
            documents += self._repeated_download(day)
        elif day == 10:
            self._turn_into_404s(documents)
        elif day == 31:
            documents += self._scan(day)
        return documents

    def _moments(self, day: int) -> list[datetime]:
        wanted = DOCUMENTS_PER_DAY + self._rng.choice((-1, 0, 1))
        midnight = _at(self._marker, day, "00:00:00")
        moments: list[datetime] = []
        while len(moments) < wanted:
            hour = self._rng.gauss(HOUR_MEAN, HOUR_SPREAD)
            if 0 <= hour < 24:
                moments.append(midnight + timedelta(milliseconds=round(hour * 3_600_000)))
        if day == 20:  # the outage: what would have come is lost, it does not come later
            start, end = _at(self._marker, day, "10:59:52"), _at(self._marker, day, "13:01:52")
            moments = [moment for moment in moments if not start <= moment < end]
        if day == LAST_DAY:  # the recording ends in the evening
            moments = [moment for moment in moments if moment < _at(self._marker, day, "21:45:27")]
        return sorted(moments)

    def _request(self, moment: datetime) -> dict[str, Any]:
        rng = self._rng
        page = rng.choices(self._pages, self._page_weights)[0]
        response = rng.choices((200, 404, 503), (91.9, 5.0, 3.1))[0]
        client = rng.choice(self._clients)
        level = rng.choices(("success", "warning", "error"), (85, 9, 6))[0]
        referer = f"http://{rng.choice(_REFERER_SITES)}/{level}/{rng.choice(self._slugs)}"
        size = 0 if response == 503 else self._size(page)
        destination = rng.choices(self._countries, self._country_weights)[0]
        document = self._document(
            moment=moment,
            page=page,
            response=response,
            client=client,
            size=size,
            agent=rng.choices(_AGENTS, (38, 33, 29))[0],
            destination=destination,
        )
        document |= {
            "ip": client,
            "machine": {"os": rng.choice(_SYSTEMS), "ram": 1_073_741_824 * rng.randint(2, 30)},
            "referer": referer,
            "tags": [level, rng.choices(("info", "security", "login"), (80, 15, 5))[0]],
        }
        if page.host == "elastic-elastic-elastic.org":
            memory = rng.randrange(80_000, 400_000, 40)
            document |= {"memory": float(memory), "phpmemory": memory}
        return document

    def _size(self, page: Page) -> int:
        large = page.host in {"artifacts.elastic.co", "www.elastic.co"} and self._rng.random() < 0.05
        return self._rng.randint(10_000, 19_990) if large else self._rng.randint(1_500, 9_990)

    def _document(
        self,
        *,
        moment: datetime,
        page: Page,
        response: int,
        client: str,
        size: int,
        agent: str,
        destination: str,
    ) -> dict[str, Any]:
        stamp = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        url = f"https://{page.host}{page.path}"
        return {
            "agent": agent,
            "bytes": size,
            "clientip": client,
            "event": {"dataset": DATASET},
            "extension": page.extension,
            "geo": {
                "coordinates": {
                    "lat": round(self._rng.uniform(25.0, 49.0), 5),
                    "lon": round(self._rng.uniform(-124.0, -67.0), 5),
                },
                "dest": destination,
                "src": "US",
                "srcdest": f"US:{destination}",
            },
            "host": page.host,
            "index": INDEX,
            "message": f'{client} - - [{stamp}] "GET {page.path} HTTP/1.1" {response} {size} "-" "{agent}"',
            "request": page.path,
            "response": response,
            "timestamp": stamp,
            "url": url,
            "utc_time": stamp,
        }

    def _duplicates(self, day: int) -> list[dict[str, Any]]:
        """20 copies whose URLs end in `_1`, among them four failures in the quiet of the night."""
        copies: list[dict[str, Any]] = []
        for hour, number, failures in ((3, 9, 4), (6, 11, 0)):
            for position in range(number):
                clock = f"{hour:02d}:{self._rng.randrange(60):02d}:{self._rng.randrange(60):02d}"
                document = self._request(_at(self._marker, day, clock))
                document["url"] += "_1"
                if position < failures:
                    _set_response(document, 503, 0)
                copies.append(document)
        return copies

    def _repeated_download(self, day: int) -> list[dict[str, Any]]:
        moment = _at(self._marker, day, "12:36:30") + timedelta(milliseconds=443)
        document = self._request(moment)
        document |= {"clientip": DOWNLOADER, "ip": DOWNLOADER}
        _set_response(document, 200, 15_035)
        return [dict(document) for _ in range(7)]

    def _turn_into_404s(self, documents: list[dict[str, Any]]) -> None:
        morning = [document for document in documents if "T10:" in document[TIME_FIELD]]
        others = [document for document in documents if "T10:" not in document[TIME_FIELD]]
        for document in morning[:7] + self._rng.sample(others, 13):
            _set_response(document, 404, document["bytes"])

    def _scan(self, day: int) -> list[dict[str, Any]]:
        start = _at(self._marker, day, "12:43:41")
        paths = list(_SCANNED_PATHS[:_SCAN_DISTINCT])
        paths += self._rng.choices(paths, k=_SCAN_REQUESTS - len(paths))
        offsets = sorted(self._rng.randrange(146_000) for _ in paths)
        referer = f"http://www.elastic-elastic-elastic.com/success/{self._slugs[0]}"
        documents = []
        for offset, path in zip(offsets, paths, strict=True):
            document = self._document(
                moment=start + timedelta(milliseconds=offset),
                page=Page("elastic-elastic-elastic.org", path, "", 0.0),
                response=404,
                client=SCANNER,
                size=1_831,
                agent=_AGENTS[1],
                destination="IN",
            )
            document |= {
                "ip": "30.156.16.163",  # the only documents in which it is not the client's address
                "machine": {"os": "win xp", "ram": 9_663_676_416},
                "referer": referer,
                "tags": ["success", "info"],
                "memory": 194_600.0,
                "phpmemory": 194_600,
            }
            documents.append(document)
        return documents


def _set_response(document: dict[str, Any], response: int, size: int) -> None:
    document["response"] = response
    document["bytes"] = size
    document["message"] = (
        f'{document["clientip"]} - - [{document["timestamp"]}] "GET {document["request"]} HTTP/1.1"'
        f' {response} {size} "-" "{document["agent"]}"'
    )


def _address(rng: random.Random) -> str:
    return ".".join(str(rng.randint(1, 254)) for _ in range(4))


def _catalogue(rng: random.Random) -> list[Page]:
    """Some 350 pages: downloads and product pages with most of the traffic, then a long tail of profiles."""
    pages: list[Page] = []
    for product in ("elasticsearch", "kibana", "filebeat", "metricbeat", "apm-server"):
        for kind, weight in (("gz", 528), ("zip", 335), ("deb", 321), ("rpm", 113)):
            path = f"/{product}/{product}-6.3.2.{'tar.gz' if kind == 'gz' else kind}"
            pages.append(Page("artifacts.elastic.co", path, kind, weight))
    pages += [
        Page("www.elastic.co", f"/{path}", "", 478)
        for path in (
            "downloads",
            "downloads/beats",
            "downloads/elasticsearch",
            "downloads/kibana",
            "products",
            "products/beats",
            "solutions/logging",
            "guide",
            "blog",
            "enterprise",
        )
    ]
    pages += [Page("cdn.elastic-elastic-elastic.org", f"/styles/{name}.css", "css", 564) for name in
              ("main", "app", "ads", "semantic-ui")]  # fmt: skip
    pages += [
        Page("elastic-elastic-elastic.org", f"/people/type:astronauts/name:{first}-{last}/profile", "", 1.45)
        for first in _FIRST_NAMES
        for last in rng.sample(_LAST_NAMES, 13)
    ]
    return pages
