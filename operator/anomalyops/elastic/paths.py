"""Ids as parts of paths."""

from __future__ import annotations

from urllib.parse import quote

from anomalyops.elastic.errors import Rejected


def quoted(identifier: str) -> str:
    """An id as one part of a path.

    Raises:
        Rejected: It is empty. Elasticsearch reads `/_ml/anomaly_detectors//_stats` as all jobs.
    """
    if not identifier:
        raise Rejected("an id is empty, which would mean every object of the kind; nothing was sent")
    return quote(identifier, safe="")
