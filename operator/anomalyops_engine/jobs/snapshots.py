"""Model snapshots in the store: a document beside the results, what was learnt, and the records that waited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from anomalyops_engine.config import Job
from anomalyops_engine.jobs.documents import STATE_INDEX, results_index
from anomalyops_engine.jobs.results import rendered
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.query import delete_by_id, delete_where, search
from anomalyops_engine.store import Reader, Writer

SNAPSHOT_STATE: Final = "model_snapshot_state"
SNAPSHOT_RECORDS: Final = "model_snapshot_records"
EMPTY: Final = "empty"
"""The snapshot of a job that has learnt nothing; every job has it."""
_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The document of a model snapshot.

    Attributes:
        document_id: its id in the index.
        body: the document, times in epoch milliseconds.
    """

    document_id: str
    body: JsonObject

    @property
    def snapshot_id(self) -> str:
        """The snapshot's id."""
        return str(self.body["snapshot_id"])

    @property
    def made_ms(self) -> int:
        """When it was made."""
        return int(self.body.get("timestamp", 0))

    @property
    def retained(self) -> bool:
        """Whether it is kept however old it is."""
        return bool(self.body.get("retain", False))

    def shown(self) -> JsonObject:
        """Return the snapshot as answers show it: complete, and without the normaliser's state."""
        defaults = {"snapshot_doc_count": 0, "retain": False}
        return {**defaults, **{name: value for name, value in self.body.items() if name != "quantiles"}}


def state_id(job_id: str, snapshot_id: str) -> str:
    """Return the id of what is stored for a snapshot."""
    return f"{job_id}/{snapshot_id}"


def find_snapshots(reader: Reader, job: Job, snapshot_id: str | None = None) -> list[Snapshot]:
    """Return the snapshots of a job, oldest first, or those of one id."""
    wanted: JsonObject = (
        {"exists": {"field": "snapshot_id"}} if snapshot_id is None else {"term": {"snapshot_id": snapshot_id}}
    )
    body: JsonObject = {
        "query": {"bool": {"filter": [{"term": {"job_id": job.job_id}}, wanted]}},
        "size": _MOST,
        "sort": [{"timestamp": {"order": "asc", "missing": "_first"}}],
    }
    indices = reader.resolve(results_index(job.results_index_name), ignore_unavailable=True)
    return [Snapshot(hit["_id"], rendered(hit)) for hit in search(reader, indices, body)["hits"]["hits"]]


def delete_snapshots(writer: Writer, job: Job, snapshot_ids: Sequence[str]) -> None:
    """Delete snapshots with all that is stored for them."""
    if not snapshot_ids:
        return
    for kind in (SNAPSHOT_STATE, SNAPSHOT_RECORDS):
        writer.delete_states(kind, [state_id(job.job_id, snapshot_id) for snapshot_id in snapshot_ids])
    wanted = [{"term": {"job_id": job.job_id}}, {"terms": {"snapshot_id": list(snapshot_ids)}}]
    delete_where(writer, results_index(job.results_index_name), {"bool": {"filter": wanted}})


def restore_quantiles(writer: Writer, job_id: str, snapshot: Snapshot) -> None:
    """Write the quantiles that somebody else brought with a snapshot where a job's quantiles are looked for."""
    quantiles = snapshot.body.get("quantiles")
    if isinstance(quantiles, dict) and writer.resolve(STATE_INDEX, ignore_unavailable=True):
        writer.append(STATE_INDEX, [quantiles], ids=[f"{job_id}_quantiles"])


def delete_state_documents(writer: Writer, job_id: str, snapshot: Snapshot) -> None:
    """Delete the state documents that somebody else brought with a snapshot."""
    count = int(snapshot.body.get("snapshot_doc_count", 0))
    names = [f"{job_id}_model_state_{snapshot.snapshot_id}#{number}" for number in range(1, min(count, _MOST) + 1)]
    if names:
        delete_where(writer, ".ml-state", {"ids": {"values": names}})


def delete_all_state_documents(writer: Writer, job_id: str) -> None:
    """Delete the state documents of a job, which all have its id and what they hold in their own ids."""
    kinds = ("quantiles", "model_state_", "categorizer_state")
    delete_by_id(writer, ".ml-state*", [f"{job_id}_{kind}" for kind in kinds])


def stored_ids(reader: Reader, job_id: str) -> list[str]:
    """Return the ids of a job's snapshots that a model state is stored for."""
    prefix = state_id(job_id, "")
    return [name.removeprefix(prefix) for name in reader.state_ids(SNAPSHOT_STATE) if name.startswith(prefix)]


def erase_states(writer: Writer, job_id: str) -> None:
    """Delete what is stored for all snapshots of a job."""
    names = [state_id(job_id, snapshot_id) for snapshot_id in stored_ids(writer, job_id)]
    for kind in (SNAPSHOT_STATE, SNAPSHOT_RECORDS):
        writer.delete_states(kind, names)
