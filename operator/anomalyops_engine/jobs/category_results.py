"""Reading the categories of messages."""

from __future__ import annotations

from anomalyops_engine.jobs.documents import results_index
from anomalyops_engine.jobs.registry import Registry
from anomalyops_engine.jobs.results import check_page
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.query.search import search


class CategoryReader:
    """Reads the definitions of categories that jobs have written."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def page(self, job_id: str, *, number: int | None, partition: str | None, first: int, size: int) -> JsonObject:
        """Return `{count, categories}`: how many match, and one page of them in order of their numbers.

        Args:
            job_id: the job.
            number: the one category that is asked for; None for all.
            partition: the value of the partition field whose categories are asked for; None for all.
            first: categories to skip.
            size: the most to return.

        Raises:
            MlError: 404 for an unknown job, 400 for a page that cannot be.
        """
        job = self._registry.job(job_id).config
        check_page(first, size)
        filters: list[JsonObject] = [{"term": {"job_id": job_id}}, {"exists": {"field": "category_id"}}]
        if number is not None:
            filters.append({"term": {"category_id": number}})
        if partition is not None:
            filters.append({"term": {"partition_field_value": partition}})
        body: JsonObject = {
            "query": {"bool": {"filter": filters}},
            "from": first,
            "size": size,
            "sort": [{"category_id": {"order": "asc"}}],
            "track_total_hits": True,
        }
        with self._registry.store.read() as reader:
            indices = reader.resolve(results_index(job.results_index_name), ignore_unavailable=True)
            hits = search(reader, indices, body)["hits"]
        found = [hit["_source"] for hit in hits["hits"]]
        return {"count": int(hits["total"]["value"]), "categories": found}
