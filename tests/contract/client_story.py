"""A short story told through an official client, sync and async: `python client_story.py URL PREFIX`.

It is run by the tests in virtual environments with different major versions of the client, so it uses nothing else.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from elasticsearch import ApiError, AsyncElasticsearch, Elasticsearch, __version__
from elasticsearch.helpers import async_bulk, bulk


def documents(index: str) -> list[dict[str, Any]]:
    return [
        {"_index": index, "_id": str(n), "_source": {"time": f"2024-01-01T00:{n:02d}:00Z", "host": f"h{n % 3}", "n": n}}
        for n in range(30)
    ]


def refusal(call: Callable[..., Any], index: str) -> tuple[int, str]:
    try:
        call(index=index)
    except ApiError as error:
        return error.status_code, error.error
    raise AssertionError(f"{index} was not refused")


def tell(url: str, index: str) -> None:
    with Elasticsearch(url, request_timeout=60) as client:
        assert client.info()["version"]["number"].startswith("8.")
        assert client.ping()
        assert not client.indices.exists(index=index)
        client.indices.create(index=index, mappings={"properties": {"time": {"type": "date"}}})
        assert bulk(client, documents(index), refresh=True) == (30, [])
        assert client.count(index=index)["count"] == 30
        answer = client.search(
            index=index,
            query={"bool": {"filter": [{"term": {"host.keyword": "h1"}}, {"range": {"n": {"lt": 15}}}]}},
            sort=[{"time": {"order": "desc"}}],
            aggs={"t": {"date_histogram": {"field": "time", "fixed_interval": "10m"}}},
            size=2,
        )
        assert answer["hits"]["total"] == {"value": 5, "relation": "eq"}
        assert [hit["_id"] for hit in answer["hits"]["hits"]] == ["13", "10"]
        assert [bucket["doc_count"] for bucket in answer["aggregations"]["t"]["buckets"]] == [3, 2]
        assert client.get(index=index, id="3")["_source"]["n"] == 3
        client.update(index=index, id="3", doc={"n": 300})
        assert client.get_source(index=index, id="3")["n"] == 300
        client.delete(index=index, id="3")
        assert not client.exists(index=index, id="3")
        assert client.indices.get_mapping(index=index)[index]["mappings"]["properties"]["n"] == {"type": "long"}
        assert refusal(client.search, f"{index}-absent") == (404, "index_not_found_exception")
        assert refusal(client.indices.create, index) == (400, "resource_already_exists_exception")
        job = f"{index}-job"
        analysis = {"bucket_span": "1m", "detectors": [{"function": "count"}]}
        created = client.ml.put_job(job_id=job, analysis_config=analysis, data_description={"time_field": "time"})
        assert created["job_id"] == job
        client.ml.put_datafeed(datafeed_id=f"{job}-feed", job_id=job, indices=[index])
        assert client.ml.open_job(job_id=job)["opened"]
        assert client.ml.get_job_stats(job_id=job)["jobs"][0]["state"] == "opened"
        assert client.ml.close_job(job_id=job)["closed"]
        client.ml.delete_datafeed(datafeed_id=f"{job}-feed")
        client.ml.delete_job(job_id=job)
        client.indices.delete(index=index)
        assert not client.indices.exists(index=index)


async def tell_async(url: str, index: str) -> None:
    async with AsyncElasticsearch(url) as client:
        assert (await client.info()).meta.headers["x-elastic-product"] == "Elasticsearch"
        assert (await async_bulk(client, documents(index)))[0] == 30
        answers = await asyncio.gather(*(client.count(index=index, query={"term": {"n": n}}) for n in range(10)))
        assert [answer["count"] for answer in answers] == [1] * 10
        assert (await client.ml.get_jobs(job_id=f"{index}*"))["count"] == 0
        await client.indices.delete(index=index)


if __name__ == "__main__":
    tell(sys.argv[1], f"{sys.argv[2]}-sync")
    asyncio.run(tell_async(sys.argv[1], f"{sys.argv[2]}-async"))
    print(".".join(map(str, __version__)))
