"""Who answers: `GET /`."""

from __future__ import annotations

from starlette.responses import Response

from anomalyops_engine import __version__
from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.lanes import Lane

# The release of Elasticsearch whose REST dialect the engine speaks; clients choose their behaviour by it.
DIALECT_VERSION = "8.19.3"


def endpoints() -> list[Endpoint]:
    """Return the endpoints of this module."""
    return [Endpoint("GET", "/", Lane.STATE, _root)]


def _root(call: Call) -> Response:
    return call.respond(
        {
            "name": "anomalyops-engine",
            "cluster_name": "anomalyops",
            "cluster_uuid": "anomalyops-engine-0000",
            "version": {
                "number": DIALECT_VERSION,
                "build_flavor": "default",
                "build_type": "anomalyops",
                "build_hash": f"anomalyops-{__version__}",
                "build_date": "2025-01-01T00:00:00.000Z",
                "build_snapshot": False,
                "lucene_version": "9.12.2",
                "minimum_wire_compatibility_version": "7.17.0",
                "minimum_index_compatibility_version": "7.0.0",
            },
            "tagline": "You Know, for Search",
        }
    )
