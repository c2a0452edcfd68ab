"""Documents of ordinary weeks with one incident, for each job of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp()) * 1000  # a Monday

Document = dict[str, Any]


@dataclass(frozen=True)
class Incident:
    """When something happens, and who it is that the record must name (None: nobody)."""

    start: int
    end: int
    entity: str | None = None


@dataclass(frozen=True)
class World:
    """Random numbers, a length in days, and when the incident is: some working day of the last ones, at an hour."""

    rng: np.random.Generator
    days: int

    @property
    def end(self) -> int:
        return START + self.days * DAY

    def moment(self, hour: float) -> int:
        """A full quarter of an hour on a working day among the last five days."""
        last = [day for day in range(self.days - 5, self.days - 1) if day % 7 < 5]
        return START + int(self.rng.choice(last)) * DAY + round(hour * 4) * HOUR // 4

    def times(self, per_hour: float, swing: float = 0.6) -> np.ndarray:
        """Times of events at random, more of them by day than by night."""
        hours = np.arange(self.days * 24)
        rate = per_hour * (1 + swing * np.sin((hours % 24 - 8) / 24 * 2 * np.pi))
        counts = self.rng.poisson(rate)
        return np.sort(START + np.repeat(hours, counts) * HOUR + self.rng.integers(0, HOUR, counts.sum()))

    def within(self, incident: Incident, count: int) -> np.ndarray:
        """Times of so many events of the incident."""
        return np.sort(self.rng.integers(incident.start, incident.end, count))

    def grid(self, minutes: int) -> range:
        """Times of regular measurements."""
        return range(START, self.end, minutes * MINUTE)

    def pick(self, values: list[str], size: int, weights: list[float] | None = None) -> np.ndarray:
        share = None if weights is None else np.array(weights) / sum(weights)
        return self.rng.choice(np.array(values, dtype=object), size, p=share)


Made = tuple[list[Document], Incident]
CASES: dict[str, tuple[int, Callable[[World], Made]]] = {}
"""For each entry: the days of data that it gets, and what makes them."""


def case(name: str, days: int = 12) -> Callable[[Callable[[World], Made]], Callable[[World], Made]]:
    def keep(make: Callable[[World], Made]) -> Callable[[World], Made]:
        CASES[name] = (days, make)
        return make

    return keep


def made(name: str, seed: int) -> tuple[list[Document], Incident, int]:
    """The documents of a case, its incident, and the end of the data."""
    days, make = CASES[name]
    world = World(np.random.default_rng([seed, *name.encode()]), days)
    documents, incident = make(world)
    return documents, incident, world.end


def _documents(times: np.ndarray, **columns: Any) -> list[Document]:
    """A document a time; a column is a sequence, or one value for all."""
    said = {name.replace("__", "."): value for name, value in columns.items()}
    return [
        {"@timestamp": int(at)}
        | {
            name: (value if isinstance(value, str | int | float | bool) else _plain(value[n]))
            for name, value in said.items()
        }
        for n, at in enumerate(times)
    ]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _clients(count: int) -> list[str]:
    return [f"10.0.{n // 250}.{n % 250 + 1}" for n in range(count)]


# -- web -------------------------------------------------------------------------------------------------------------


@case("web-low-request-rate")
def _(world: World) -> Made:
    incident = Incident(at := world.moment(13), at + 2 * HOUR)
    times = world.times(70)
    return _documents(times[(times < incident.start) | (times >= incident.end)], source__ip="10.0.0.1"), incident


@case("web-status-code-rate")
def _(world: World) -> Made:
    incident = Incident(at := world.moment(14), at + HOUR, "500")
    times = world.times(50)
    codes = world.pick(["200", "404", "500"], len(times), [0.93, 0.06, 0.01])
    ips = world.pick(_clients(40), len(times))
    burst = world.within(incident, 60)
    return [
        *_documents(times, http__response__status_code=codes, source__ip=ips),
        *_documents(burst, http__response__status_code="500", source__ip=world.pick(_clients(40), len(burst))),
    ], incident


@case("web-visitor-rate")
def _(world: World) -> Made:
    incident = Incident(at := world.moment(11), at + HOUR)
    times = world.times(70)
    crowd = world.within(incident, 400)
    return [
        *_documents(times, source__ip=world.pick(_clients(2000), len(times))),
        *_documents(crowd, source__ip=world.pick(_clients(2000), len(crowd))),
    ], incident


@case("web-scanning-clients")
def _(world: World) -> Made:
    incident = Incident(at := world.moment(15), at + HOUR, "203.0.113.7")
    times = world.times(60)
    paths = [f"/page/{n}" for n in range(60)]
    scan = world.within(incident, 120)
    return [
        *_documents(times, source__ip=world.pick(_clients(60), len(times)), url__path=world.pick(paths, len(times))),
        *_documents(scan, source__ip="203.0.113.7", url__path=[f"/admin/{n}.php" for n in range(len(scan))]),
    ], incident


@case("web-busy-clients")
def _(world: World) -> Made:
    incident = Incident(at := world.moment(10), at + HOUR, "203.0.113.9")
    times, flood = world.times(60), world.within(incident, 400)
    return [
        *_documents(times, source__ip=world.pick(_clients(60), len(times))),
        *_documents(flood, source__ip="203.0.113.9"),
    ], incident


# -- metrics of hosts and pods ---------------------------------------------------------------------------------------


def _measured(
    world: World,
    field: str,
    entity: str,
    levels: dict[str, float],
    noise: float,
    incident: Incident,
    high: float,
    **more: str,
) -> list[Document]:
    """A series for each entity about a level of its own that swings with the day, and one of them high for a while."""
    documents: list[Document] = []
    for name, level in levels.items():
        for at in world.grid(5):
            value = level * (1 + 0.2 * np.sin((at - START) / DAY * 2 * np.pi)) + world.rng.normal(0, noise)
            if name == incident.entity and incident.start <= at < incident.end:
                value = high + world.rng.normal(0, noise)
            documents.append({"@timestamp": at, entity: name, field: float(np.clip(value, 0, 1))} | more)
    return documents


@case("system-cpu", days=10)
def _(world: World) -> Made:
    incident = Incident(at := world.moment(3), at + 90 * MINUTE, "db-1")
    levels = {"web-1": 0.2, "web-2": 0.25, "db-1": 0.3, "batch-1": 0.55}
    return _measured(world, "system.cpu.total.norm.pct", "host.name", levels, 0.03, incident, 0.95), incident


@case("system-cpu-iowait", days=10)
def _(world: World) -> Made:
    incident = Incident(at := world.moment(2), at + HOUR, "db-1")
    levels = {"web-1": 0.02, "db-1": 0.08, "batch-1": 0.3}
    return _measured(world, "system.cpu.iowait.pct", "host.name", levels, 0.02, incident, 0.7), incident


@case("system-memory", days=10)
def _(world: World) -> Made:
    incident = Incident(at := world.moment(16), at + 2 * HOUR, "web-1")
    levels = {"web-1": 0.4, "web-2": 0.42, "db-1": 0.7}
    return _measured(world, "system.memory.actual.used.pct", "host.name", levels, 0.01, incident, 0.97), incident


@case("system-disk", days=10)
def _(world: World) -> Made:
    incident = Incident(at := world.moment(18), at + 3 * HOUR, "/var")
    documents = []
    for mount, level in {"/": 0.4, "/var": 0.5}.items():
        for host in ("web-1", "db-1"):
            for at in world.grid(5):
                value = level + world.rng.normal(0, 0.004)
                if (mount, host) == ("/var", "db-1") and incident.start <= at < incident.end:
                    value = 0.5 + 0.45 * min(1.0, (at - incident.start) / HOUR)
                document = {"@timestamp": at, "host.name": host, "system.filesystem.mount_point": mount}
                documents.append(document | {"system.filesystem.used.pct": value})
    return documents, incident


@case("system-silent-hosts", days=10)
def _(world: World) -> Made:
    incident = Incident(at := world.moment(4), at + 2 * HOUR, "web-2")
    return [
        {"@timestamp": at + int(world.rng.integers(0, 10_000)), "host.name": host}
        for host in ("web-1", "web-2", "db-1")
        for at in world.grid(3)
        if not (host == incident.entity and incident.start <= at < incident.end)
    ], incident


@case("kubernetes-pod-memory", days=10)
def _(world: World) -> Made:
    incident = Incident(at := world.moment(9), at + 2 * HOUR, "shop")
    more = {"kubernetes.node.name": "node-1", "kubernetes.pod.name": "pod-1"}
    levels = {"shop": 0.12, "monitoring": 0.2, "kube-system": 0.05}
    field = "kubernetes.pod.memory.usage.node.pct"
    return _measured(world, field, "kubernetes.namespace", levels, 0.005, incident, 0.6, **more), incident


@case("kubernetes-pod-cpu", days=10)
def _(world: World) -> Made:
    incident = Incident(at := world.moment(22), at + HOUR, "shop")
    more = {"kubernetes.node.name": "node-1", "kubernetes.pod.name": "pod-1"}
    levels = {"shop": 0.15, "monitoring": 0.05, "jobs": 0.3}
    field = "kubernetes.pod.cpu.usage.node.pct"
    return _measured(world, field, "kubernetes.namespace", levels, 0.02, incident, 0.9, **more), incident


@case("kubernetes-warnings")
def _(world: World) -> Made:
    incident = Incident(at := world.moment(12), at + HOUR, "BackOff")
    times = world.times(6)
    reasons = world.pick(["BackOff", "Unhealthy", "FailedScheduling"], len(times), [1, 6, 2])
    storm = world.within(incident, 80)
    normal = world.times(10)
    return [
        *_documents(
            times,
            kubernetes__event__type="Warning",
            kubernetes__event__reason=reasons,
            kubernetes__namespace=world.pick(["shop", "jobs"], len(times)),
        ),
        *_documents(
            storm, kubernetes__event__type="Warning", kubernetes__event__reason="BackOff", kubernetes__namespace="shop"
        ),
        *_documents(
            normal, kubernetes__event__type="Normal", kubernetes__event__reason="Pulled", kubernetes__namespace="shop"
        ),
    ], incident


# -- uptime ----------------------------------------------------------------------------------------------------------


@case("uptime-latency", days=10)
def _(world: World) -> Made:
    incident = Incident(at := world.moment(15), at + HOUR, "Sydney")
    documents = []
    for place, level in {"Oslo": 40_000, "Sydney": 180_000}.items():
        for monitor in ("shop", "api"):
            for at in world.grid(3):
                slow = 6 if place == incident.entity and incident.start <= at < incident.end else 1
                duration = level * slow * world.rng.lognormal(0, 0.15)
                said = {"observer.geo.name": place, "monitor.id": monitor, "monitor.duration.us": round(duration)}
                documents.append({"@timestamp": at} | said)
    return documents, incident


@case("uptime-failing-checks", days=10)
def _(world: World) -> Made:
    incident = Incident(at := world.moment(21), at + HOUR, "shop")
    documents = []
    for monitor in ("shop", "api", "mail"):
        for at in world.grid(1):
            down = (monitor == incident.entity and incident.start <= at < incident.end) or world.rng.random() < 0.01
            if down or at % (5 * MINUTE) == 0:  # few of those that are up, which are not read
                status = {"monitor.status": "down" if down else "up"}
                documents.append({"@timestamp": at, "monitor.id": monitor, "observer.geo.name": "Oslo"} | status)
    return documents, incident


# -- logs ------------------------------------------------------------------------------------------------------------

_MESSAGES = {
    "shop": ["order %d accepted from customer %d", "payment %d settled after %d ms", "cart %d updated with %d items"],
    "proxy": ["upstream connection %d opened towards backend %d", "request %d finished with %d bytes"],
}


def _lines(world: World, times: np.ndarray, dataset: str) -> list[Document]:
    patterns = _MESSAGES[dataset]
    numbers = world.rng.integers(1, 10_000, (len(times), 2))
    which = world.rng.integers(0, len(patterns), len(times))
    messages = [patterns[n] % tuple(pair) for n, pair in zip(which, numbers.tolist(), strict=True)]
    return _documents(times, event__dataset=dataset, message=messages)


@case("logs-entry-rate")
def _(world: World) -> Made:
    incident = Incident(at := world.moment(12), at + HOUR, "proxy")
    flood = world.within(incident, 300)
    return [
        *_lines(world, world.times(40), "proxy"),
        *_lines(world, world.times(20), "shop"),
        *_lines(world, flood, "proxy"),
    ], incident


@case("logs-categories")
def _(world: World) -> Made:
    incident = Incident(at := world.moment(10), at + HOUR, "shop")
    burst = world.within(incident, 120)
    return [
        *_lines(world, world.times(30), "shop"),
        *_lines(world, world.times(20), "proxy"),
        *_documents(burst, event__dataset="shop", message=[f"payment {n} settled after {9 * n} ms" for n in burst]),
    ], incident


@case("logs-rare-messages")
def _(world: World) -> Made:
    incident = Incident(at := world.moment(17), at + HOUR // 4, "shop")
    rare = world.within(incident, 3)
    panic = "kernel panic while writing superblock to damaged volume"
    return [
        *_lines(world, world.times(30), "shop"),
        *_lines(world, world.times(20), "proxy"),
        *_documents(rare, event__dataset="shop", message=panic),
    ], incident


# -- authentication --------------------------------------------------------------------------------------------------

_USERS = ["ada", "grace", "alan", "edsger", "barbara", "donald", "frances", "john"]
_OFFICES = dict(zip(_USERS, _clients(len(_USERS)), strict=True))


def _logons(world: World, times: np.ndarray, outcome: float = 0.05) -> list[Document]:
    users = world.pick(_USERS, len(times))
    outcomes = np.where(world.rng.random(len(times)) < outcome, "failure", "success").astype(object)
    sources = [_OFFICES[user] for user in users]
    return _documents(
        times, event__category="authentication", user__name=users, source__ip=sources, event__outcome=outcomes
    )


@case("auth-failed-logons")
def _(world: World) -> Made:
    incident = Incident(at := world.moment(23), at + HOUR)
    guesses = world.within(incident, 150)
    return [
        *_logons(world, world.times(40), 0.1),
        *_documents(
            guesses,
            event__category="authentication",
            event__outcome="failure",
            source__ip="203.0.113.66",
            user__name=world.pick(_USERS, len(guesses)),
        ),
    ], incident


@case("auth-logons-of-a-source")
def _(world: World) -> Made:
    source = _OFFICES["alan"]
    incident = Incident(at := world.moment(14), at + HOUR, source)
    many = world.within(incident, 150)
    return [
        *_logons(world, world.times(40)),
        *_documents(
            many,
            event__category="authentication",
            event__outcome="success",
            source__ip=source,
            user__name=world.pick(_USERS, len(many)),
        ),
    ], incident


@case("auth-rare-user")
def _(world: World) -> Made:
    incident = Incident(at := world.moment(20), at + HOUR // 4, "backup-old")
    used = world.within(incident, 3)
    return [
        *_logons(world, world.times(80)),
        *_documents(
            used,
            event__category="authentication",
            event__outcome="success",
            source__ip="203.0.113.5",
            user__name="backup-old",
        ),
    ], incident


@case("auth-rare-source-of-a-user")
def _(world: World) -> Made:
    incident = Incident(at := world.moment(20), at + HOUR // 4, "203.0.113.5")
    used = world.within(incident, 2)
    return [
        *_logons(world, world.times(80)),
        *_documents(
            used,
            event__category="authentication",
            event__outcome="success",
            source__ip="203.0.113.5",
            user__name="grace",
        ),
    ], incident


@case("auth-unusual-hour", days=21)
def _(world: World) -> Made:
    incident = Incident(at := world.moment(3), at + HOUR // 4, "ada")
    documents = []
    for number, user in enumerate(_USERS[:4]):
        for day in range(world.days):
            for hour in world.rng.normal([8 + number, 13], 0.4, (8, 2)).ravel():
                at = START + day * DAY + int(hour * HOUR)
                documents.append({"@timestamp": at, "user.name": user, "source.ip": _OFFICES[user]})
    documents += [
        {"@timestamp": int(at), "user.name": "ada", "source.ip": "203.0.113.8"} for at in world.within(incident, 4)
    ]
    return [one | {"event.category": "authentication", "event.outcome": "success"} for one in documents], incident


# -- network ---------------------------------------------------------------------------------------------------------


@case("network-denied")
def _(world: World) -> Made:
    incident = Incident(at := world.moment(1), at + HOUR)
    times, scan, allowed = world.times(20), world.within(incident, 200), world.times(20)
    return [
        *_documents(
            times, event__type="denied", source__ip=world.pick(_clients(30), len(times)), destination__ip="10.1.0.1"
        ),
        *_documents(
            scan, event__type="denied", source__ip="203.0.113.4", destination__ip=world.pick(_clients(200), len(scan))
        ),
        *_documents(allowed, event__type="allowed", source__ip="10.0.0.3", destination__ip="10.1.0.2"),
    ], incident


def _flows(world: World, times: np.ndarray) -> list[Document]:
    countries = world.pick(["Norway", "Germany", "France", "United States"], len(times), [4, 3, 2, 2])
    return _documents(times, destination__geo__country_name=countries, source__ip=world.pick(_clients(20), len(times)))


@case("network-country-rate")
def _(world: World) -> Made:
    incident = Incident(at := world.moment(19), at + HOUR, "France")
    leak = world.within(incident, 200)
    sent = _documents(leak, destination__geo__country_name="France", source__ip="10.0.0.9")
    return [*_flows(world, world.times(60)), *sent], incident


@case("network-rare-country")
def _(world: World) -> Made:
    incident = Incident(at := world.moment(6), at + HOUR // 4, "Elbonia")
    calls = world.within(incident, 3)
    sent = _documents(calls, destination__geo__country_name="Elbonia", source__ip="10.0.0.9")
    return [*_flows(world, world.times(80)), *sent], incident


@case("network-dns-tunnel")
def _(world: World) -> Made:
    incident = Incident(at := world.moment(13), at + HOUR, "evil.example")
    times = world.times(60)
    domains = world.pick([f"site{n}.example" for n in range(25)], len(times))
    hosts = world.pick(["www", "api", "cdn", "mail"], len(times))
    tunnel = world.within(incident, 240)
    names = [f"{world.rng.bytes(20).hex()}.evil.example" for _ in tunnel]
    return [
        *_documents(
            times,
            dns__question__name=(hosts + "." + domains).tolist(),
            dns__question__registered_domain=domains,
            source__ip=world.pick(_clients(20), len(times)),
        ),
        *_documents(
            tunnel, dns__question__name=names, dns__question__registered_domain="evil.example", source__ip="10.0.0.66"
        ),
    ], incident


@case("network-host-traffic", days=10)
def _(world: World) -> Made:
    incident = Incident(at := world.moment(2), at + HOUR, "db-1")
    documents = []
    for host, level in {"web-1": 8e6, "db-1": 2e6, "mail-1": 1e6}.items():
        for at in world.grid(5):
            swing = 1 + 0.5 * np.sin((at - START) / DAY * 2 * np.pi)
            sent, received = level * swing * world.rng.lognormal(0, 0.15, 2)
            if host == incident.entity and incident.start <= at < incident.end:
                sent += 4e7
            said = {"host.network.egress.bytes": round(sent), "host.network.ingress.bytes": round(received)}
            documents.append({"@timestamp": at, "host.name": host} | said)
    return documents, incident


# -- processes -------------------------------------------------------------------------------------------------------

_PROGRAMS = {
    "web-1": ["nginx", "logrotate", "cron", "sshd"],
    "build-1": ["gcc", "make", "git", "cron"],
    "db-1": ["postgres", "cron", "pg_dump", "sshd"],
}


def _starts(world: World, per_hour: float) -> Iterator[Document]:
    for host, programs in _PROGRAMS.items():
        times = world.times(per_hour, swing=0.2)
        picked = world.pick(programs, len(times))
        yield from _documents(times, host__name=host, process__name=picked, user__name="root")


@case("process-rare")
def _(world: World) -> Made:
    incident = Incident(at := world.moment(4), at + HOUR // 4, "mimikatz")
    used = world.within(incident, 2)
    return [
        *_starts(world, 25),
        *_documents(used, host__name="web-1", process__name="mimikatz", user__name="www"),
    ], incident


@case("process-rare-on-a-host")
def _(world: World) -> Made:
    incident = Incident(at := world.moment(4), at + HOUR // 4, "gcc")
    used = world.within(incident, 3)
    return [*_starts(world, 25), *_documents(used, host__name="db-1", process__name="gcc", user__name="www")], incident


@case("process-start-rate")
def _(world: World) -> Made:
    incident = Incident(at := world.moment(16), at + HOUR, "web-1")
    loop = world.within(incident, 300)
    started = _documents(loop, host__name="web-1", process__name="cron", user__name="www")
    return [*_starts(world, 15), *started], incident


def mapping(documents: list[Document], values: frozenset[str]) -> dict[str, Any]:
    """The mapping of the documents: dates, texts, and the rest as dynamic mapping would not have it: keywords."""
    types: dict[str, str] = {"@timestamp": "date"}
    for name, value in {name: value for document in documents for name, value in document.items()}.items():
        if name == "@timestamp":
            continue
        number = "double" if isinstance(value, float) else "long"
        types[name] = number if isinstance(value, int | float) else "keyword" if name in values else "text"
    return {"properties": {name: {"type": kind} for name, kind in types.items()}}
