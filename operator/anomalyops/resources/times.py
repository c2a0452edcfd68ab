"""Points in time as the datafeed API reads them: ISO 8601, or seconds or milliseconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

TIME_PATTERN = (
    r"^(now|[0-9]{1,16}|[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?)$"
)
_TIME = re.compile(TIME_PATTERN.replace("$", r"\Z"))
_NUMBER = re.compile(r"[0-9]{1,16}\Z")
TIME_FORM = "write ISO 8601 such as 2026-01-31T00:00:00Z, or seconds or milliseconds since 1970"


def parse_time(value: str | int) -> int:
    """Milliseconds since 1970 of a point in time; without an offset it is UTC.

    A number of at most ten digits is seconds, a longer one milliseconds (Elasticsearch's `TimeUtils`).

    Raises:
        ValueError: `value` is no such time, or is `now`, which only the server can resolve.
    """
    text = str(value)
    if _NUMBER.match(text):
        return int(text) * (1000 if len(text) <= 10 else 1)
    try:
        if not _TIME.match(text):
            raise ValueError
        moment = datetime.fromisoformat(text.replace(",", "."))
    except ValueError:
        raise ValueError(f"'{text}' is not a point in time: {TIME_FORM}") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


class _PointInTime:
    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        """A strict string or integer; kept as a string."""
        union = core_schema.union_schema(
            [core_schema.int_schema(strict=True, ge=0), core_schema.str_schema(strict=True)],
            custom_error_type="point_in_time",
            custom_error_message=f"not a point in time: {TIME_FORM}",
        )
        return core_schema.no_info_after_validator_function(cls._check, union)

    @classmethod
    def _check(cls, value: str | int) -> str:
        if value != "now":
            parse_time(value)
        return str(value)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """`x-kubernetes-int-or-string` with the accepted forms."""
        return {
            "x-kubernetes-int-or-string": True,
            "maxLength": 64,
            "pattern": TIME_PATTERN,
            "x-kubernetes-validations": [
                {
                    "rule": f"type(self) == int ? self >= 0 : string(self).matches('{TIME_PATTERN}')",
                    "message": f"not a point in time: {TIME_FORM}",
                }
            ],
        }


PointInTime = Annotated[str, _PointInTime]
