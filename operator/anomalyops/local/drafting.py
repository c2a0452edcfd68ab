"""Drafts held against a server: what its indices hold, and whether it takes a draft and has data for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from anomalyops.drafting.draft import Draft, Wishes, drafts
from anomalyops.drafting.errors import DraftError
from anomalyops.drafting.fields import Held
from anomalyops.drafting.sentence import Intent
from anomalyops.elastic import Gateway, GatewayError, NotFound, Rejected
from anomalyops.resources.job import DEFAULT_TIME_FIELD

_SAMPLE: Final = 500
_ROWS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A draft that the server takes.

    Attributes:
        draft: The draft.
        rows: The first documents that its datafeed gives.
        attempts: What was wrong with those before it.
    """

    draft: Draft
    rows: tuple[Mapping[str, Any], ...]
    attempts: tuple[str, ...]


async def held(gateway: Gateway, index: str) -> Held:
    """What an index holds: its fields, and a sample of its newest documents.

    Raises:
        DraftError: There is no such index, or it is empty.
        GatewayError: The server refuses to tell.
    """
    if not all(part.strip() for part in index.split(",")):
        raise DraftError(f"--index {index!r}: expected an index, pattern, alias or data stream; several with commas")
    path = f"/{quote(index, safe=',*:-.')}"
    try:
        caps = await gateway.rest.read("POST", f"{path}/_field_caps", query={"fields": "*"})
    except NotFound as error:
        raise DraftError(f"--index {index}: {error.reason}") from error
    if not caps.get("indices"):
        raise DraftError(f"--index {index}: there is no such index")
    types = {name: kinds for name, found in caps["fields"].items() if (kinds := _type(found)) is not None}
    dates = [name for name, kind in types.items() if kind in {"date", "date_nanos"}]
    sort = [{"@timestamp" if "@timestamp" in dates else sorted(dates)[0]: {"order": "desc"}}] if dates else []
    body = {"size": _SAMPLE, "track_total_hits": False, "_source": False, "fields": ["*"], "sort": sort}
    hits = (await gateway.rest.read("POST", f"{path}/_search", body=body))["hits"]["hits"]
    if not hits:
        raise DraftError(f"--index {index}: it has no documents, so no job can be checked against them")
    examples: dict[str, list[Any]] = {}
    for hit in hits:
        for name, values in hit.get("fields", {}).items():
            examples.setdefault(name, []).append(values[0])
    return Held(types=types, examples=examples, documents=len(hits))


def _type(found: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The one type of a field; None where indices differ, or it cannot be read by a datafeed."""
    kinds = [kind for kind, facts in found.items() if kind not in {"unmapped", "object", "nested"}
             and not facts.get("metadata_field")]  # fmt: skip
    return kinds[0] if len(kinds) == 1 else None


async def draft(gateway: Gateway, sentence: str, intent: Intent, there: Held, wishes: Wishes) -> Checked:
    """The first draft that the server takes and has data for, of at most three.

    Raises:
        DraftError: None is; says what was wrong with each.
        ManifestError: What was wished for is not acceptable.
        GatewayError: The server does not answer.
    """
    wrong: list[str] = []
    for made in drafts(sentence, intent, there, wishes):
        try:
            rows = await _previewed(gateway, made)
        except (Rejected, NotFound) as error:
            wrong.append(f"{_detector(made)}: {error.reason}")
            continue
        if rows:
            await _within(gateway, made)
            return Checked(draft=made, rows=tuple(rows[:_ROWS]), attempts=tuple(wrong))
        wrong.append(f"{_detector(made)}: its datafeed gives no document")
    raise DraftError(f"no job for {sentence!r} that works: " + "; ".join(wrong))


async def _within(gateway: Gateway, made: Draft) -> None:
    """Sees that there are documents in the time that is asked for, where it has an end.

    Raises:
        DraftError: There are none, so the job would find nothing and end.
    """
    feed, at = made.feed.spec, made.job.spec.data_description.time_field or DEFAULT_TIME_FIELD
    if feed.end is None:
        return
    times = {"gte": feed.start, "lt": feed.end}
    path = f"/{quote(','.join(feed.indices), safe=',*:-.')}/_search"
    ends = {"first": {"min": {"field": at}}, "last": {"max": {"field": at}}}
    inside = {"range": {at: {name: _written(text) for name, text in times.items() if text is not None}}}
    body = {"size": 0, "track_total_hits": False, "aggs": ends | {"inside": {"filter": inside}}}
    found = (await gateway.rest.read("POST", path, body=body))["aggregations"]
    if not found["inside"]["doc_count"]:
        words = f"no document of {','.join(feed.indices)} lies in the time that is asked for"
        there = [found[name].get("value_as_string") for name in ends]
        raise DraftError(f"{words}; they reach from {there[0]} to {there[1]}" if all(there) else words)


def _written(text: str) -> str | int:
    """A time of a manifest as a search takes it."""
    return int(text) if text.isdigit() else text


async def _previewed(gateway: Gateway, made: Draft) -> Sequence[Mapping[str, Any]]:
    job, feed = bodies(made)
    await gateway.trial.job({"job_id": made.job.server_id, **job})
    trial = {name: value for name, value in feed.items() if name != "job_id"}
    body = {"datafeed_config": trial, "job_config": job}
    rows: Sequence[Mapping[str, Any]] = await gateway.rest.read_list("POST", "/_ml/datafeeds/_preview", body=body)
    return rows


def bodies(made: Draft) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the manifests are to the API: job and datafeed."""
    return made.job.spec.server_body(), {"job_id": made.job.server_id, **made.feed.spec.server_body()}


def calls(made: Draft) -> str:
    """The manifests as the exact calls of the API that they come to."""
    job, feed = bodies(made)
    name, feed_id = made.job.server_id, made.feed.server_id
    times = {key: value for key, value in (("start", made.feed.spec.start), ("end", made.feed.spec.end)) if value}
    steps = [
        f"PUT _ml/anomaly_detectors/{name}\n{json.dumps(job, indent=2)}",
        f"PUT _ml/datafeeds/{feed_id}\n{json.dumps(feed, indent=2)}",
        f"POST _ml/anomaly_detectors/{name}/_open",
        f"POST _ml/datafeeds/{feed_id}/_start{f' {json.dumps(times)}' if times else ''}",
    ]
    return "\n\n".join(steps)


def _detector(made: Draft) -> str:
    return json.dumps(bodies(made)[0]["analysis_config"]["detectors"][0])


__all__ = ["Checked", "GatewayError", "bodies", "calls", "draft", "held"]
