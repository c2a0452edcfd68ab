"""What runs for a connection with `spec.embedded`, and what of it is to be changed. Pure."""

from anomalyops.plan.embedded.changes import Change, Found, Refused, name_taken, plan_engine, pod_trouble, rolled_out
from anomalyops.plan.embedded.objects import (
    AUTHORITY,
    ENGINE_LABEL,
    SECRETS_ANNOTATION,
    EngineSettings,
    authority_name,
    engine_objects,
    host_names,
    of_connection,
    secret_object,
    volume_claim,
)

__all__ = [
    "AUTHORITY",
    "ENGINE_LABEL",
    "SECRETS_ANNOTATION",
    "Change",
    "EngineSettings",
    "Found",
    "Refused",
    "authority_name",
    "engine_objects",
    "host_names",
    "name_taken",
    "of_connection",
    "plan_engine",
    "pod_trouble",
    "rolled_out",
    "secret_object",
    "volume_claim",
]
