"""Who answers: `GET /`."""

from __future__ import annotations

from functools import partial

from starlette.responses import Response

from anomalyops_engine import __version__
from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.store import Store

# The release of Elasticsearch whose REST dialect the engine speaks; clients choose their behaviour by it.
DIALECT_VERSION = "8.19.3"
BUILD_HASH = f"anomalyops-{__version__}"
BUILD_DATE = "2025-01-01T00:00:00.000Z"


def endpoints(store: Store) -> list[Endpoint]:
    """Return the endpoints of this module."""
    return [Endpoint("GET HEAD", "/", Lane.STATE, partial(_root, store))]


def _root(store: Store, call: Call) -> Response:
    return call.respond(
        {
            "name": "anomalyops-engine",
            "cluster_name": "anomalyops",
            "cluster_uuid": store.uuid,
            "version": {
                "number": DIALECT_VERSION,
                "build_flavor": "default",
                "build_type": "anomalyops",
                "build_hash": BUILD_HASH,
                "build_date": BUILD_DATE,
                "build_snapshot": False,
                "lucene_version": "9.12.2",
                "minimum_wire_compatibility_version": "7.17.0",
                "minimum_index_compatibility_version": "7.0.0",
            },
            "tagline": "You Know, for Search",
        }
    )
