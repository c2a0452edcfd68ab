"""Documents into an index: several bulk requests in flight, every row accounted for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from anomalyops.loader.encoding import Documents
from anomalyops_reading.rows import Unreadable

BATCH_BYTES: Final = 8 * 1024 * 1024  # an HTTP body well below the server's limit of 100 MB
SHOWN_REJECTIONS: Final = 10


class BulkIndex(Protocol):
    """Where documents go: one bulk request."""

    async def bulk(
        self, index: str, documents: Sequence[bytes], ids: Sequence[str | None] = ()
    ) -> list[tuple[int, str]]:
        """Index encoded documents; answer position and reason of those that the server refused."""
        ...


@dataclass(slots=True)
class Report:
    """What became of the rows.

    Attributes:
        loaded: rows that the server has taken.
        rejected: rows that it has not, because they could not be read or were refused.
        first: the first few rejections, by line.
        added: documents that the index has more than before; fewer than `loaded` where rows replaced others.
    """

    loaded: int = 0
    rejected: int = 0
    first: list[Unreadable] = field(default_factory=list)
    added: int = 0

    @property
    def rows(self) -> int:
        """Rows that are accounted for."""
        return self.loaded + self.rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSettings:
    """How to send.

    Attributes:
        batch_size: rows in a bulk request.
        in_flight: bulk requests at a time.
        on_progress: called with the report after each answered request.
        on_rejected: called with each rejected row.
    """

    batch_size: int = 5_000
    in_flight: int = 4
    on_progress: Callable[[Report], None] = field(default=lambda _report: None)
    on_rejected: Callable[[Unreadable], None] = field(default=lambda _row: None)


async def send(target: BulkIndex, index: str, batches: Iterator[Documents], settings: SendSettings) -> Report:
    """Send all documents; those that the server refuses are rejected rows.

    Args:
        target: the server.
        index: the index, which exists.
        batches: encoded rows; they are made beside the requests in flight.
        settings: how to send.

    Raises:
        GatewayError: a whole request failed.
    """
    report = Report()
    slots = asyncio.Semaphore(settings.in_flight)
    requests = _requests(batches, settings.batch_size)

    def reject(row: Unreadable) -> None:
        report.rejected += 1
        if len(report.first) < SHOWN_REJECTIONS or row.line < report.first[-1].line:
            report.first = sorted([*report.first, row], key=lambda rejected: rejected.line)[:SHOWN_REJECTIONS]
        settings.on_rejected(row)

    async def answer(part: Documents) -> None:
        refused = await target.bulk(index, part.documents, part.ids) if part.documents else []
        report.loaded += len(part.documents) - len(refused)
        rejected = [
            Unreadable(part.lines[position], reason, part.documents[position].decode()) for position, reason in refused
        ]
        for row in sorted([*rejected, *part.unreadable], key=lambda rejected: rejected.line):
            reject(row)
        settings.on_progress(report)

    async with asyncio.TaskGroup() as sending:
        while True:
            await slots.acquire()
            part = await asyncio.to_thread(next, requests, None)
            if part is None:
                break
            sending.create_task(answer(part)).add_done_callback(lambda _: slots.release())
    return report


def _requests(batches: Iterator[Documents], size: int) -> Iterator[Documents]:
    """Cut batches into requests of at most so many rows and bytes."""
    for batch in batches:
        waiting = batch.unreadable
        start = 0
        while start < len(batch.documents) or waiting:
            stop, length = start, 0
            while stop < min(start + size, len(batch.documents)):
                length += len(batch.documents[stop])
                if length > BATCH_BYTES and stop > start:
                    break
                stop += 1
            yield Documents(batch.documents[start:stop], batch.lines[start:stop], batch.ids[start:stop], waiting)
            start, waiting = stop, []
