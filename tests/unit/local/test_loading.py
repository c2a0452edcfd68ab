"""Loading: every row is either in the index or accounted for with line and reason."""

import asyncio
import json

import pytest

from anomalyops.elastic.errors import Rejected
from anomalyops.local.ingesting import inspect
from anomalyops.local.loading import Loader
from anomalyops.local.rows import RowFile


class Index:
    """A target that refuses documents whose value is above a limit."""

    def __init__(self, limit=10**9, pause=0.0):
        self.limit = limit
        self.documents = []
        self.now = 0
        self.most = 0
        self.pause = pause

    async def bulk(self, index, documents):
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(self.pause)
        parsed = [json.loads(document) for document in documents]
        refused = [(at, "too large") for at, d in enumerate(parsed) if d["value"] > self.limit]
        self.documents += [d for d in parsed if d["value"] <= self.limit]
        self.now -= 1
        return refused


def load(path, target, **options):
    source = inspect(path, time_field="time")
    rejected = []
    with RowFile(path) as file:
        loader = Loader(
            target,
            index="i",
            columns=source.columns,
            file_format=file.format,
            time_field="time",
            on_rejected=rejected.append,
            **options,
        )
        return asyncio.run(loader.load(file)), rejected


def test_rows_are_converted_and_none_is_lost(tmp_path):
    path = tmp_path / "a.csv"
    lines = [f"2014-07-01 00:{n % 60:02}:00,{n}" for n in range(1_500)]
    lines[1_200] = "2014-07-01 00:00:00,many"
    lines[1_300] = ",5"
    lines[1_400] = "noon,5"
    lines[1_450] = "2014-07-01 00:00:00"
    path.write_text("time,value\n" + "\n".join(lines) + "\n")
    target = Index(limit=1_490)
    report, rejected = load(path, target, batch_size=100)
    assert report.loaded == len(target.documents) == 1_500 - 4 - 9
    assert report.rejected == len(rejected) == 13
    assert target.documents[0] == {"time": "2014-07-01T00:00:00Z", "value": 0}
    reasons = {rejection.line: rejection.reason for rejection in rejected}
    assert reasons[1_202] == "value: 'many' is not a whole number of 64 bits"
    assert reasons[1_302] == "time: no value"
    assert reasons[1_402] == "time: 'noon' is not an ISO-8601 timestamp"
    assert reasons[1_452] == "1 cells, the header has 2"
    assert {line for line, reason in reasons.items() if reason == "too large"} == set(range(1_493, 1_502))
    assert len(report.first) == 10


def test_json_goes_as_it_is_but_for_the_time(tmp_path):
    path = tmp_path / "a.ndjson"
    rows = [{"time": 1404172800 + n, "value": n, "deep": {"x": [1, None]}} for n in range(5)]
    rows.append({"value": 1})
    path.write_text("\n".join(map(json.dumps, rows)))
    target = Index()
    report, rejected = load(path, target)
    assert target.documents[2] == {"time": 1404172802000, "value": 2, "deep": {"x": [1, None]}}
    assert report.loaded == 5
    assert [(r.line, r.reason) for r in rejected] == [(6, "time: no value")]


def test_bytes_that_are_not_utf8_reject_their_row_alone(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"time,value,name\n2014-07-01,1,ok\n2014-07-01,2,\xff\xfe\n2014-07-01,3,ok\n")
    target = Index()
    report, rejected = load(path, target)
    assert (report.loaded, [r.line for r in rejected]) == (2, [3])


def test_several_requests_are_in_flight_but_not_more_than_asked_for(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("time,value\n" + "2014-07-01,1\n" * 200)
    target = Index(pause=0.01)
    load(path, target, batch_size=5, in_flight=3)
    assert target.most == 3
    assert len(target.documents) == 200


def test_a_failed_request_ends_the_loading_with_its_error(tmp_path):
    class Broken(Index):
        async def bulk(self, index, documents):
            raise Rejected("no such index", call="POST /i/_bulk", status=400)

    path = tmp_path / "a.csv"
    path.write_text("time,value\n2014-07-01,1\n")
    with pytest.raises(ExceptionGroup) as caught:
        load(path, Broken())
    assert caught.group_contains(Rejected, match="no such index")
