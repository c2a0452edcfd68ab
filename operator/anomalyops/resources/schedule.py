"""Cron schedules: five fields, in a time zone; which of their times are due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from anomalyops.resources.identifiers import Text

_FIELD: Final = r"[0-9A-Za-z*,/#\-]+"
CRON_PATTERN: Final = rf"^{_FIELD}( {_FIELD}){{4}}$"
CRON_FORM: Final = "write minute, hour, day of the month, month and day of the week, such as 0 6 * * MON-FRI"
_SOME_DAY: Final = datetime(2024, 1, 1, tzinfo=UTC)  # a leap year follows from it, as from any other day


class _Cron:
    """Marks a `str` field as a cron schedule. Admission sees its form alone; times that never come are refused here."""

    _TEXT = Text(pattern=CRON_PATTERN, form=f"it is no cron schedule: {CRON_FORM}", maximum=128)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        """A text of five fields that names times which come."""
        text = cls._TEXT.__get_pydantic_core_schema__(source, handler)
        return core_schema.no_info_after_validator_function(cls._check, text)

    @staticmethod
    def _check(text: str) -> str:
        try:
            next(CronSim(text, _SOME_DAY))
        except CronSimError as error:
            raise ValueError(f"'{text}' is no cron schedule ({error}): {CRON_FORM}") from None
        except StopIteration:
            raise ValueError(f"'{text}' names no time that ever comes: {CRON_FORM}") from None
        return text

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A bounded string of five fields."""
        return cls._TEXT.__get_pydantic_json_schema__(schema, handler)


class _Zone:
    """Marks a `str` field as the name of a time zone, such as Europe/Berlin."""

    _TEXT = Text(
        pattern=r"^[A-Za-z][A-Za-z0-9_+\-]*(/[A-Za-z0-9_+\-]+)*$",
        form="write the name of a time zone, such as Europe/Berlin or UTC",
        maximum=64,
    )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        """A text that names a time zone of the IANA database."""
        text = cls._TEXT.__get_pydantic_core_schema__(source, handler)
        return core_schema.no_info_after_validator_function(cls._check, text)

    @staticmethod
    def _check(text: str) -> str:
        try:
            ZoneInfo(text)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"'{text}' is no time zone: write a name such as Europe/Berlin or UTC") from None
        return text

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A bounded string."""
        return cls._TEXT.__get_pydantic_json_schema__(schema, handler)


Cron = Annotated[str, _Cron]
TimeZone = Annotated[str, _Zone]


@dataclass(frozen=True, slots=True)
class Schedule:
    """A cron schedule in a time zone.

    Where clocks are put forward, a time that does not exist comes when they are put; where they are put back, a time
    that comes twice counts once (Debian's cron).
    """

    cron: str
    zone: str = "UTC"

    def next_after(self, moment: datetime) -> datetime:
        """The first time after a moment, in UTC."""
        return next(CronSim(self.cron, self._local(moment))).astimezone(UTC)

    def latest_until(self, moment: datetime) -> datetime:
        """The last time that is not after a moment, in UTC."""
        first = CronSim(self.cron, self._local(moment), reverse=True)
        # Backwards, the moment itself is left out: look on from what was before it.
        before = next(first).astimezone(UTC)
        at = self.next_after(before)
        return at if at <= moment else before

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(UTC if self.zone == "UTC" else _zone(self.zone))


@lru_cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
