"""What can still be read of an object that breaks a rule: enough to keep it, and to carry out its deletion policy.

An operator of a newer version may refuse what an older one accepted. Such an object is managed all the same: its server
side stays, and its deletion does what it says.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from anomalyops.resources.base import SpecModel, StatusModel
from anomalyops.resources.calendar import AnomalyCalendar, AnomalyCalendarSpec
from anomalyops.resources.datafeed import Datafeed, DatafeedSpec
from anomalyops.resources.filter import AnomalyFilter, AnomalyFilterSpec
from anomalyops.resources.forecast import AnomalyForecast, AnomalyForecastSpec
from anomalyops.resources.job import AnomalyJob, AnomalyJobSpec
from anomalyops.resources.resource import Metadata, Resource
from anomalyops.resources.revert import ModelSnapshotRevert, ModelSnapshotRevertSpec

# What decides where an object lives and what becomes of it. Everything else of the spec is left alone.
_FIELDS: Mapping[type[Resource], tuple[type[SpecModel], tuple[str, ...]]] = {
    AnomalyJob: (AnomalyJobSpec, ("job_id", "connection_ref", "deletion_policy", "move_policy")),
    Datafeed: (DatafeedSpec, ("datafeed_id", "job_ref", "deletion_policy")),
    AnomalyCalendar: (AnomalyCalendarSpec, ("calendar_id", "connection_ref", "deletion_policy", "move_policy")),
    AnomalyFilter: (AnomalyFilterSpec, ("filter_id", "connection_ref", "deletion_policy", "move_policy")),
    AnomalyForecast: (AnomalyForecastSpec, ("job_ref", "deletion_policy")),
    ModelSnapshotRevert: (ModelSnapshotRevertSpec, ("job_ref", "deletion_policy")),
}


def remains_of(model: type[Any], body: Mapping[str, Any], metadata: Metadata) -> Any | None:
    """What can be read of an invalid object; None for kinds that have no server side.

    A deletion policy that cannot be read is the default, `Retain`: nothing is lost. The spec holds no configuration.
    """
    if model not in _FIELDS:
        return None
    spec_model, names = _FIELDS[model]
    written: Mapping[str, Any] = body.get("spec") or {}
    found = {name: value for name in names if (value := _read(spec_model, name, written)) is not None}
    spec = spec_model.model_construct(_fields_set=set(found), **found)
    status = _status(model, body.get("status"))
    return model.model_construct(
        api_version=body.get("apiVersion", ""), kind=model.KIND, metadata=metadata, spec=spec, status=status
    )


def _read(spec_model: type[SpecModel], name: str, written: Mapping[str, Any]) -> Any:
    field = spec_model.model_fields[name]
    adapter: TypeAdapter[Any] = TypeAdapter(field.annotation or Any)
    with contextlib.suppress(ValidationError):
        return adapter.validate_python(written.get(field.alias or name))
    return None


def _status(model: type[Any], written: Mapping[str, Any] | None) -> StatusModel | None:
    field = model.model_fields["status"]
    adapter: TypeAdapter[Any] = TypeAdapter(field.annotation)
    with contextlib.suppress(ValidationError):
        read: StatusModel | None = adapter.validate_python(written)
        return read
    return None
