"""Which jobs have to do with a service, and why. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from anomalyops_insight.investigating.calls import NOT_ENTITIES, is_target
from anomalyops_insight.tools.configuration import Configured

_SERVICE = re.compile(r"(?i)(?:^|[._-])(?:service|app(?:lication)?)(?:[._-]?name)?(?:\.keyword)?$")
_WORDS_OF_QUERY = re.compile(r'(?<!\S)(NOT\s+|[-!])?([\w.@-]+):\s*("[^"]*"|[^\s()]+)')
_MOST_SHARED = 20  # entities that lead to further jobs, the worst of them


@dataclass(frozen=True, slots=True)
class Named:
    """An entity that a job's results name.

    Attributes:
        job_id: The job.
        field: The field that names it.
        value: The entity.
        score: The worst score, 0 to 100.
    """

    job_id: str
    field: str
    value: str
    score: float


@dataclass(frozen=True, slots=True)
class Chosen:
    """The jobs that have to do with a service.

    Attributes:
        jobs: Each with why, in words; none where nothing has to do with it.
        related: The service, what it calls and who calls it; None where nobody's calls tell.
        services: The services that results name, sorted.
    """

    jobs: Mapping[str, str]
    related: frozenset[str] | None = None
    services: tuple[str, ...] = field(default=())

    def leaves_out(self, named_by: str, value: str) -> bool:
        """Whether an entity is another service, that has nothing to do with this one."""
        return self.related is not None and names_service(named_by) and value not in self.related


def names_service(name: str) -> bool:
    """Whether a field says which service something is of (`service.name`, `app.keyword`), and not whom it calls."""
    return _SERVICE.search(name) is not None and not is_target(name)


def choose(
    service: str,
    jobs: Collection[str],
    configs: Mapping[str, Configured],
    named: Iterable[Named],
    calls: Mapping[str, Collection[str]],
) -> Chosen:
    """The jobs that have to do with a service: its own, those of what it calls, and those that name what these name.

    Args:
        service: Its name.
        jobs: The jobs with results, of which to choose.
        configs: How they are set; of those that are missing only results tell.
        named: Who is named by results of which job.
        calls: Whom an entity calls, as far as that is known.
    """
    of: dict[str, list[Named]] = defaultdict(list)
    for one in named:
        if one.job_id in jobs:
            of[one.job_id].append(one)
    services = tuple(sorted({one.value for those in of.values() for one in those if names_service(one.field)}))
    way = _called(service, calls)
    why: dict[str, str] = {}
    for name in (service, *way):
        through = "" if name == service else f", which {way[name]} calls"
        for job in sorted(jobs):
            if job not in why and (said := _says(name, of[job], configs.get(job))) is not None:
                why[job] = said + through
        if not why:
            return Chosen({}, services=services)  # nothing of its own: its name may be misspelt
    shared = _shared(why, of)
    for job in sorted(jobs):
        common = [(one.field, one.value) for one in of[job] if (one.field, one.value) in shared]
        if job not in why and common:
            name, value = common[0]
            why[job] = f"its results name {value} ({name}), as those of {shared[name, value]} do"
    known = calls.get(service)
    related = {service, *way, *(name for name, those in calls.items() if service in those)} if known else None
    return Chosen(dict(sorted(why.items())), None if related is None else frozenset(related), services)


def _called(service: str, calls: Mapping[str, Collection[str]]) -> dict[str, str]:
    """What a service calls, also through others, each with who calls it; the nearest first."""
    found: dict[str, str] = {}
    reached = [service]
    for caller in reached:
        for name in sorted(calls.get(caller, ())):
            if name != service and name not in found:
                found[name] = caller
                reached.append(name)
    return found


def _says(service: str, named: Sequence[Named], config: Configured | None) -> str | None:
    """Why a job has to do with a service itself; None where nothing says so."""
    for one in named:
        if one.value == service and names_service(one.field):
            return f"its results name {service} ({one.field})"
    if config is not None:
        for name, value in required(config.query):
            if value == service and names_service(name):
                return f"its datafeed reads only documents with {name} = {service}"
        plain = re.sub(r"[^a-z0-9_-]", "-", service.lower())
        for group in config.job.get("groups", ()):
            if group in {plain, f"service-{plain}", f"service_{plain}"}:
                return f"it is of the group {group}"
    for one in named:
        if one.value == service and is_target(one.field):
            return f"its results complain about {service} ({one.field})"
    return None


def _shared(why: Mapping[str, str], of: Mapping[str, Sequence[Named]]) -> dict[tuple[str, str], str]:
    """What the chosen jobs name beside services, such as hosts, each with the first job that does; the worst ones."""
    worst: dict[tuple[str, str], float] = defaultdict(float)
    first: dict[tuple[str, str], str] = {}
    for job in why:
        for one in of[job]:
            if one.field in NOT_ENTITIES or one.field == "job_id" or names_service(one.field) or is_target(one.field):
                continue
            key = (one.field, one.value)
            worst[key] = max(worst[key], one.score)
            first.setdefault(key, job)
    kept = sorted(worst, key=lambda key: (-worst[key], key))[:_MOST_SHARED]
    return {key: first[key] for key in kept}


def required(query: Any) -> Iterator[tuple[str, str]]:
    """The pairs of field and value that a query of documents asks for; what it excludes is none."""
    if isinstance(query, list):
        for part in query:
            yield from required(part)
        return
    if not isinstance(query, Mapping):
        return
    for kind, inner in query.items():
        if kind in {"term", "match", "match_phrase", "terms"} and isinstance(inner, Mapping):
            for name, asked in inner.items():
                values = asked.get("value", asked.get("query")) if isinstance(asked, Mapping) else asked
                yield from ((name, str(value)) for value in (values if isinstance(values, list) else [values]))
        elif kind in {"query_string", "simple_query_string"} and isinstance(inner, Mapping):
            for negated, name, value in _WORDS_OF_QUERY.findall(str(inner.get("query", ""))):
                if not negated:
                    yield name, value.strip('"')
        elif kind != "must_not":
            yield from required(inner)
