"""The gateway to Elasticsearch over its official async client: plain dicts in and out, typed errors."""

from anomalyops.elastic.credentials import Credentials
from anomalyops.elastic.errors import (
    AlreadyExists,
    AlreadyOpened,
    AlreadyStarted,
    Busy,
    Conflict,
    Forbidden,
    GatewayError,
    KeptBack,
    LicenseInvalid,
    NotAnElasticsearch,
    NotFound,
    OtherServer,
    Rejected,
    ServerError,
    Timeout,
    TlsFailed,
    Unauthorized,
    Unreachable,
    Unsupported,
    VersionConflict,
)
from anomalyops.elastic.gateway import Gateway, ServerPair
from anomalyops.elastic.messages import MlMessage
from anomalyops.elastic.rest import Endpoint, Timed
from anomalyops.elastic.scores import LatestScores
from anomalyops.elastic.server import ServerInfo
from anomalyops.elastic.trial import Trial

__all__ = [
    "AlreadyExists",
    "AlreadyOpened",
    "AlreadyStarted",
    "Busy",
    "Conflict",
    "Credentials",
    "Endpoint",
    "Forbidden",
    "Gateway",
    "GatewayError",
    "KeptBack",
    "LatestScores",
    "LicenseInvalid",
    "MlMessage",
    "NotAnElasticsearch",
    "NotFound",
    "OtherServer",
    "Rejected",
    "ServerError",
    "ServerInfo",
    "ServerPair",
    "Timed",
    "Timeout",
    "TlsFailed",
    "Trial",
    "Unauthorized",
    "Unreachable",
    "Unsupported",
    "VersionConflict",
]
