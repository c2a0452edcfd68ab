"""Composing: a stretch's anomalies become scored documents, bucket by bucket."""

# ruff: noqa: PLR0917 - private steps of one computation

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from anomalyops_engine.scoring.detection import Anomaly
from anomalyops_engine.scoring.documents import (
    bucket_document,
    bucket_influencer,
    influencer_document,
    quiet_buckets,
    record_document,
)
from anomalyops_engine.scoring.normaliser import NOTEWORTHY, Entry, Normaliser, bucket_surprise, pooled_surprise
from anomalyops_engine.scoring.results import Results
from anomalyops_engine.scoring.step import Stamp, Step

IntArray = npt.NDArray[np.int64]


class Composer:
    """Turns the anomalies of a stretch into results, and dims earlier ones."""

    def __init__(self, step: Step, normaliser: Normaliser, results: Results) -> None:
        self._step = step
        self._normaliser = normaliser
        self._results = results
        self._new: dict[str, dict[str, Any]] = {}

    def compose(self, anomalies: Sequence[Anomaly], *, begin: int, events: IntArray, scored: IntArray) -> None:
        """Make the results of every bucket, then renormalise.

        Args:
            anomalies: All of the stretch.
            begin: Position of the first bucket that has results.
            events: Events of each bucket of the stretch.
            scored: Series that were scored in each bucket.
        """
        by_bucket: dict[int, list[Anomaly]] = {}
        for anomaly in sorted(anomalies, key=lambda a: (a.bucket, a.detector.index, a.key)):
            by_bucket.setdefault(anomaly.bucket, []).append(anomaly)
        names = self._step.marks.names
        quiet = np.ones(len(events), dtype=np.bool_)
        quiet[:begin] = False
        for position in names.keys() - by_bucket.keys():
            if quiet[position]:
                quiet[position] = False
                self._quiet(position, int(events[position]))
        crowds, before = self._normaliser.crowds, self._normaliser.crowds.buckets
        for position, found in by_bucket.items():
            quiet[position] = False
            crowds.buckets = before + max(position - begin, 0)
            self._bucket(position, found, int(scored[position]), int(events[position]))
        crowds.buckets = before + len(events) - begin
        if quiet.any():
            self._results.frames.append(("bucket", quiet_buckets(self._step, np.flatnonzero(quiet), events)))
        self._results.bucket_count = len(events) - begin
        if self._results.bucket_count:
            self._results.latest_bucket_ms = self._step.end_ms - self._step.span_ms
        self._renormalise(self._step.end_ms)

    def _quiet(self, position: int, events: int) -> None:
        """Make the result of a bucket in which nothing is found, of a scheduled event."""
        stamp = self._step.stamp(position)
        document = bucket_document(stamp, events) | {"scheduled_events": self._step.marks.names[position]}
        self._results.add(stamp.document_id("bucket"), document)

    def _bucket(self, position: int, anomalies: list[Anomaly], scored: int, events: int) -> None:
        stamp = self._step.stamp(position)
        document_id = stamp.document_id("bucket")
        document = bucket_document(stamp, events)
        if position in self._step.marks.names:
            document["scheduled_events"] = self._step.marks.names[position]
        self._results.add(document_id, document)
        self._new[document_id] = document
        for number, anomaly in enumerate(anomalies):
            self._record(stamp, number, anomaly)
        self._influencers(stamp, anomalies, document, document_id)
        surprise = bucket_surprise([anomaly.surprise for anomaly in anomalies], scored, self._normaliser.crowds)
        score = self._normaliser.initial("bucket", surprise, stamp.timestamp_ms)
        document["anomaly_score"] = document["initial_anomaly_score"] = score
        self._remember("bucket", document_id, "anomaly_score", stamp, surprise, score)
        self._bucket_influencer(stamp, document, document_id, "bucket_time", surprise)

    def _record(self, stamp: Stamp, number: int, anomaly: Anomaly) -> None:
        detector = anomaly.detector
        scope = f"record/{detector.index}/{anomaly.split(detector.partition) or ''}"
        score = self._normaliser.initial(scope, anomaly.surprise, stamp.timestamp_ms)
        document = record_document(stamp, anomaly, score)
        document_id = stamp.document_id("record", number)
        self._results.add(document_id, document)
        self._new[document_id] = document
        self._remember(scope, document_id, "record_score", stamp, anomaly.surprise, score)

    def _influencers(self, stamp: Stamp, anomalies: list[Anomaly], bucket: dict[str, Any], bucket_id: str) -> None:
        pooled: dict[tuple[str, str], list[float]] = {}
        for anomaly in anomalies:
            for name, values in anomaly.influences.items():
                for value, share in values.items():
                    pooled.setdefault((name, value), []).append(anomaly.surprise * share)
        strongest: dict[str, float] = {}
        number = 0
        for (name, value), surprises in pooled.items():
            surprise = pooled_surprise(surprises, len(surprises))
            if surprise < NOTEWORTHY:
                continue
            scope = f"influencer/{name}"
            score = self._normaliser.initial(scope, surprise, stamp.timestamp_ms)
            document_id = stamp.document_id("influencer", name, number)
            document = influencer_document(stamp, name, value, surprise, score)
            self._results.add(document_id, document)
            self._new[document_id] = document
            self._remember(scope, document_id, "influencer_score", stamp, surprise, score)
            strongest[name] = max(strongest.get(name, 0.0), surprise)
            number += 1
        for name, surprise in strongest.items():
            self._bucket_influencer(stamp, bucket, bucket_id, name, surprise)

    def _bucket_influencer(
        self, stamp: Stamp, bucket: dict[str, Any], bucket_id: str, name: str, surprise: float
    ) -> None:
        scope = f"bucket_influencer/{name}"
        score = self._normaliser.initial(scope, surprise, stamp.timestamp_ms)
        bucket["bucket_influencers"].append(bucket_influencer(stamp, name, surprise, score))
        self._remember(scope, bucket_id, f"bucket_influencers/{name}", stamp, surprise, score)

    def _remember(self, scope: str, document_id: str, fields: str, stamp: Stamp, surprise: float, score: float) -> None:
        if score > 0.0:
            entry = Entry(document_id, fields, stamp.timestamp_ms, surprise, score)
            self._normaliser.remember(scope, entry)

    def _renormalise(self, now_ms: int) -> None:
        """Dim what is small beside what came later: in new documents at once, in stored ones by a list of changes."""
        changed: dict[str, dict[str, Any]] = {}
        for entry in self._normaliser.dimmed(now_ms):
            document = self._new.get(entry.document_id)
            if document is None:
                change = changed.setdefault(entry.document_id, {})
                change[entry.fields] = entry.score
            elif entry.fields.startswith("bucket_influencers/"):
                name = entry.fields.partition("/")[2]
                for influencer in document["bucket_influencers"]:
                    if influencer["influencer_field_name"] == name:
                        influencer["anomaly_score"] = entry.score
            else:
                document[entry.fields] = entry.score
        self._results.renormalised = [(name, change) for name, change in changed.items() if change]
