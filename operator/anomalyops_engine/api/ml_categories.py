"""Endpoints that read the categories of messages."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.ml_call import Parameters
from anomalyops_engine.api.parameters import known
from anomalyops_engine.jobs import JobService
from anomalyops_engine.jobs.category_results import CategoryReader

_PATH: Final = "/_ml/anomaly_detectors/{job_id}/results/categories"
_PARAMETERS: Final = ("from", "size", "partition_field_value")
_PARSER: Final = "get_categories_request"


class CategoryEndpoints:
    """Handlers of `results/categories[/{category_id}]`."""

    def __init__(self, service: JobService) -> None:
        self._categories: CategoryReader = service.categories

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        return [
            Endpoint("GET POST", path, Lane.SEARCH, self.categories, known(_PARAMETERS))
            for path in (_PATH, f"{_PATH}/{{category_id}}")
        ]

    def categories(self, call: Call) -> Response:
        """Categories in order of their numbers, or one of them."""
        in_body = ("job_id", "category_id", "page", *_PARAMETERS)
        parameters = Parameters(call, in_body=in_body, parser=_PARSER)
        category = call.path.get("category_id", parameters.text("category_id"))
        number = None if category is None else _number(category)
        paged = [name for name in ("from", "size", "page") if parameters.given(name)]
        if number is not None and paged:
            raise ApiError(
                400,
                "illegal_argument_exception",
                f"Parameter [{paged[0]}] cannot be used together with [category_id]",
            )
        first, size = parameters.page()
        partition = parameters.text("partition_field_value")
        found = self._categories.page(call.path["job_id"], number=number, partition=partition, first=first, size=size)
        return call.respond(found)


def _number(category: str) -> int:
    try:
        return int(category)
    except ValueError:
        raise ApiError(400, "illegal_argument_exception", f'For input string: "{category}"') from None
