"""The demo: sample web logs go into an engine, three sample jobs look at them, and what they find comes out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from anomalyops.demo import weblogs
from anomalyops.elastic.documents import Documents
from anomalyops.local.applying import Applied, Listener, apply
from anomalyops.local.connections import Login, Target, open_gateway, targets
from anomalyops.local.findings import (
    Anomaly,
    Influencer,
    ModelPlot,
    Window,
    top_anomalies,
    top_influencers,
    worst_series,
)
from anomalyops.local.manifests import read_manifests
from anomalyops.reconciler import Pair

MANIFESTS: Final = Path(__file__).parent / "manifests"
_BATCH: Final = 2_000  # documents
_LIMIT_SECONDS: Final = 300.0
_EVERY_ANOMALY: Final = Window(min_score=3.0, limit=500)  # from severity "warning" on


class DemoListener(Listener, Protocol):
    """Who wants to know how the demo goes on."""

    def loading(self, loaded: int, total: int) -> None:
        """So many of the documents are in the index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """What came of the demo.

    Attributes:
        documents: How many were loaded.
        applied: The pairs with their final status.
        anomalies: All of at least severity warning, highest first.
        influencers: Highest first.
        plots: The series around the worst anomaly, and around the worst of another job.
    """

    documents: int
    applied: Sequence[Applied]
    anomalies: Sequence[Anomaly]
    influencers: Sequence[Influencer]
    plots: Sequence[ModelPlot]


async def run_demo(url: str, listener: DemoListener, *, seed: int = 42) -> DemoResult:
    """Loads the logs, applies the manifests, waits for the lookbacks, reads the findings.

    Args:
        url: An engine, or any server that has no index of the sample logs yet.
        listener: Told about progress.
        seed: Of the log generator.

    Raises:
        GatewayError: The server does not answer or refuses.
    """
    documents = list(weblogs.generate(seed=seed))
    target = demo_target(url, end_of(documents))
    await _load(target, documents, listener)
    applied = await apply(target, listener, seconds=_LIMIT_SECONDS)
    jobs = [pair.job.server_id for pair in target.pairs if pair.job is not None]
    async with open_gateway(target.connection, target.credentials) as gateway:
        anomalies = await top_anomalies(gateway, jobs, _EVERY_ANOMALY)
        return DemoResult(
            documents=len(documents),
            applied=applied,
            anomalies=anomalies,
            influencers=await top_influencers(gateway, jobs, _EVERY_ANOMALY),
            plots=await worst_series(gateway, anomalies, jobs=2),
        )


def demo_target(url: str, end: str) -> Target:
    """The sample manifests for this server, each datafeed with an end: the recording is over.

    Args:
        url: The server.
        end: Where the datafeeds end, ISO 8601.
    """
    (target,) = targets(read_manifests([str(MANIFESTS)], owner="anomalyops demo"), Login(url=url))
    bounded = tuple(_bounded(pair, end) for pair in target.pairs)
    return Target(connection=target.connection, credentials=target.credentials, pairs=bounded)


def end_of(documents: Sequence[dict[str, Any]]) -> str:
    """The full hour after the last document, ISO 8601 in UTC."""
    last = datetime.fromisoformat(str(documents[-1][weblogs.TIME_FIELD]))
    hour = last.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return f"{hour:%Y-%m-%dT%H:%M:%S}Z"


def _bounded(pair: Pair, end: str) -> Pair:
    feed = pair.datafeed
    if feed is None:
        return pair
    return Pair(
        job=pair.job,
        datafeed=feed.model_copy(update={"spec": feed.spec.model_copy(update={"end": end})}),
    )


async def _load(target: Target, documents: Sequence[dict[str, Any]], listener: DemoListener) -> None:
    async with open_gateway(target.connection, target.credentials) as gateway:
        index = Documents(gateway.rest)
        await index.create(weblogs.INDEX, weblogs.MAPPING)
        loaded = 0
        for batch in _batches(documents):
            refused = await index.bulk(weblogs.INDEX, [json.dumps(document).encode() for document in batch])
            if refused:
                raise RuntimeError(f"{len(refused)} sample documents were refused: {refused[0][1]}")
            loaded += len(batch)
            listener.loading(loaded, len(documents))
        await index.refresh(weblogs.INDEX)


def _batches(documents: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    for start in range(0, len(documents), _BATCH):
        yield documents[start : start + _BATCH]
