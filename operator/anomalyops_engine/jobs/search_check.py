"""What the search says about the parts of a datafeed that it has to carry out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from anomalyops_engine.config.datafeed import SearchCheck
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.query import QueryError, UnsupportedQueryError, check_query, check_rows, parse_aggregations
from anomalyops_engine.query.scripts import check_fields, runtime_fields, script_fields
from anomalyops_engine.refusals import MlError, not_implemented


def _judged(check: Callable[[JsonObject], object]) -> Callable[[JsonObject], None]:
    def judge(part: JsonObject) -> None:
        try:
            check(part)
        except UnsupportedQueryError as error:
            raise not_implemented(str(error)) from error
        except QueryError as error:
            raise MlError(400, error.type, str(error)) from error

    return judge


SEARCH_CHECK: Final = SearchCheck(
    query=_judged(check_query),
    aggregations=_judged(parse_aggregations),
    rows=_judged(check_rows),
    runtime_mappings=_judged(lambda body: check_fields(runtime_fields(body), emits=True)),
    script_fields=_judged(lambda body: check_fields(script_fields(body), emits=False)),
)
"""Raises 400 for what cannot be parsed, 501 for what the engine cannot evaluate."""
