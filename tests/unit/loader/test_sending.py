"""Documents go out in requests of a bounded size; each row is loaded or rejected, whatever the server says."""

from hypothesis import given
from hypothesis import strategies as st

from anomalyops.loader.encoding import Documents
from anomalyops.loader.sending import BATCH_BYTES, SHOWN_REJECTIONS, SendSettings, send
from anomalyops_reading.rows import Unreadable


class Server:
    """Refuses documents that say so."""

    def __init__(self):
        self.requests = []
        self.taken = []

    async def bulk(self, index, documents, ids=()):
        self.requests.append(len(documents))
        refused = [(place, "no") for place, document in enumerate(documents) if b"refuse" in document]
        self.taken += [document for document in documents if b"refuse" not in document]
        return refused


def batches(sizes, refuse, broken):
    line = 1
    for size in sizes:
        batch = Documents()
        for _ in range(size):
            line += 1
            if line % 5 == broken:
                batch.unreadable.append(Unreadable(line, "broken", ""))
            else:
                batch.documents.append(f"{line} {'refuse' if line % 7 == refuse else ''}".encode())
                batch.lines.append(line)
        yield batch


@given(st.lists(st.integers(0, 40), max_size=6), st.integers(0, 9), st.integers(0, 9), st.integers(1, 50))
async def test_rows_are_loaded_or_rejected(sizes, refuse, broken, batch_size):
    server, rejected = Server(), []
    settings = SendSettings(batch_size=batch_size, in_flight=3, on_rejected=rejected.append)
    report = await send(server, "i", batches(sizes, refuse, broken), settings)
    assert report.rows == sum(sizes)
    assert report.loaded == len(server.taken) == len(set(server.taken))
    assert report.rejected == len(rejected)
    assert [row.line for row in report.first] == sorted(row.line for row in rejected)[:SHOWN_REJECTIONS]
    assert max(server.requests, default=0) <= batch_size


async def test_large_documents_go_in_smaller_requests():
    server = Server()
    large = Documents([b"x" * (BATCH_BYTES // 3)] * 10, list(range(10)))
    report = await send(server, "i", iter([large]), SendSettings())
    assert report.loaded == 10
    assert max(server.requests) == 3
