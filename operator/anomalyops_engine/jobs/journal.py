"""The model of a job in the store: a checkpoint of what it has learnt, and a journal of what it learnt from since.

A step writes its results, its position and its inputs together; that costs as much as the step's data, however large
the model is. Now and then the whole model is written, outside the store's writer but for the moment of the commit, and
the journal begins anew. A model is restored by learning the journal's inputs again, which is exact: an analysis depends
on its inputs alone, wherever it is cut into steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from anomalyops_engine.scoring import JobAnalysis, SnapshotError, StepInputs

if TYPE_CHECKING:
    from anomalyops_engine.jobs.registry import JobEntry, JobRun, Registry
    from anomalyops_engine.store import Writer

MODEL_STATE: Final = "model_state"
MODEL_JOURNAL: Final = "model_journal"

_MOST_BYTES: Final = 64 << 20
_MOST_ENTRIES: Final = 512
# A checkpoint of a model that learns little from one minute to the next would cost more than the steps it replaces.
_FEWEST_ENTRIES: Final = 16
_CHECKPOINT_MS: Final = 180_000


@dataclass(slots=True, kw_only=True)
class JournalRun:
    """How far checkpoint and journal are; stored with every step.

    Attributes:
        steps: entries written since the job was created or reset.
        checkpoint: how many of them the checkpoint holds; the others are in the journal.
        since_ms: when the first entry was written that is in the journal, epoch milliseconds.
        size: bytes of the entries that are in the journal.
    """

    steps: int = 0
    checkpoint: int = 0
    since_ms: int = 0
    size: int = 0

    @property
    def pending(self) -> int:
        """Entries in the journal."""
        return self.steps - self.checkpoint

    def is_due(self, now_ms: int) -> bool:
        """Return whether it is time for a checkpoint."""
        if self.size >= _MOST_BYTES or self.pending >= _MOST_ENTRIES:
            return True
        return self.pending >= _FEWEST_ENTRIES and now_ms - self.since_ms >= _CHECKPOINT_MS

    def count(self, size: int, *, now_ms: int) -> int:
        """Count an entry of `size` bytes and return its number, which nothing else has: before the next step begins."""
        if not self.pending:
            self.since_ms = now_ms
        self.steps += 1
        self.size += size
        return self.steps


def _entry_id(job_id: str, number: int) -> str:
    return f"{job_id}/{number}"


def _pending_ids(job_id: str, journal: JournalRun) -> list[str]:
    return [_entry_id(job_id, number) for number in range(journal.checkpoint + 1, journal.steps + 1)]


def load_analysis(registry: Registry, entry: JobEntry) -> JobAnalysis:
    """Return the analysis of a job as of its last committed bucket, from memory or from the store.

    Raises:
        SnapshotError: the checkpoint or the journal is damaged, or of another version.
    """
    if entry.analysis is None:
        with registry.store.read() as reader:
            state = reader.state(MODEL_STATE, entry.job_id)
            pending = _pending_ids(entry.job_id, entry.run.journal)
            journal = reader.states(MODEL_JOURNAL, pending)
        if state == b"":
            raise SnapshotError(
                f"model snapshot [{entry.config.model_snapshot_id}] of job [{entry.job_id}] has no model state in this "
                "engine; revert to another snapshot or reset the job"
            )
        filters = registry.filters_of(entry.config)
        if state is None:
            analysis = JobAnalysis(entry.config, filters)
        else:
            analysis = JobAnalysis.restore(entry.config, state, filters)
        for name in pending:
            if name not in journal:
                raise SnapshotError(f"entry [{name}] of the journal of job [{entry.job_id}] is missing")
            analysis.replay(StepInputs.unpack(journal.pop(name)))
        entry.analysis = analysis
    return entry.analysis


def current_state(registry: Registry, entry: JobEntry) -> bytes | None:
    """Return what a job has learnt up to its last committed bucket; None when it has learnt nothing yet.

    Raises:
        SnapshotError: as for `load_analysis`.
    """
    if entry.run.journal.pending:
        return load_analysis(registry, entry).snapshot()
    with registry.store.read() as reader:
        return reader.state(MODEL_STATE, entry.job_id)


def pending_state(registry: Registry, entry: JobEntry) -> bytes | None:
    """Return what a checkpoint has to hold before the job's configuration changes; None when no step is pending.

    The journal is learnt again under the configuration that the job has then, so no entry may outlive a change of it. A
    model that cannot be read any more stays as it is.
    """
    if not entry.run.journal.pending:
        return None
    try:
        return load_analysis(registry, entry).snapshot()
    except SnapshotError:
        return None


def write_entry(writer: Writer, job_id: str, number: int, inputs: bytes) -> None:
    """Add the inputs of a step to the journal, under the number that `JournalRun.count` gave it."""
    writer.put_state(MODEL_JOURNAL, _entry_id(job_id, number), inputs)


def write_checkpoint(writer: Writer, job_id: str, run: JobRun, state: bytes) -> None:
    """Write a checkpoint of everything that the journal holds, and empty the journal."""
    writer.delete_states(MODEL_JOURNAL, _pending_ids(job_id, run.journal))
    writer.put_state(MODEL_STATE, job_id, state)
    run.journal = JournalRun(steps=run.journal.steps, checkpoint=run.journal.steps)


def put_model(writer: Writer, job_id: str, run: JobRun, state: bytes | None) -> None:
    """Write the model of a job that has none (any more): a checkpoint, and an empty journal.

    Args:
        writer: the transaction.
        job_id: the job.
        run: its run; told of the checkpoint.
        state: what the model has learnt; None for nothing, empty when that is not known: then the job cannot be opened.
    """
    if state is not None:
        writer.put_state(MODEL_STATE, job_id, state)
    run.journal = JournalRun(steps=run.journal.steps, checkpoint=run.journal.steps)


def erase_model(writer: Writer, job_id: str) -> None:
    """Delete checkpoint and journal of a job."""
    writer.delete_state(MODEL_STATE, job_id)
    prefix = f"{job_id}/"
    writer.delete_states(MODEL_JOURNAL, [name for name in writer.state_ids(MODEL_JOURNAL) if name.startswith(prefix)])
