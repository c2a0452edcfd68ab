"""From an ElasticsearchConnection to a gateway, and what the server behind it can do."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from anomalyops.elastic import Credentials, Endpoint, Gateway, GatewayError, ServerInfo, Timed
from anomalyops.fencing import Guard, free
from anomalyops.health import EngineFacts, Failure, FailureKind, ServerFacts, connection_status, while_starting
from anomalyops.reconciler.failures import failure_of
from anomalyops.resources import ElasticsearchConnection, ElasticsearchConnectionStatus, parse_duration

_OLDEST_MAJOR = 8
_NEWEST_MAJOR = 9


class NotSupportedError(Exception):
    """The connection asks for what a command cannot do; the message says what."""


def connect(
    connection: ElasticsearchConnection,
    credentials: Credentials | None = None,
    *,
    timed: Timed | None = None,
    guard: Guard = free,
) -> Gateway:
    """A gateway to the server of a connection. Nothing is sent yet.

    Args:
        connection: Where the server is.
        credentials: What its Secrets say, None for a server without security.
        timed: Is told of every call.
        guard: Says whether something may be changed now.

    Raises:
        ValueError: A URL, the CA certificate or the client certificate is unusable.
    """
    spec = connection.resolved()
    return Gateway(
        Endpoint(
            urls=spec.addresses,
            credentials=credentials,
            insecure_skip_verify=spec.insecure_skip_verify,
            request_timeout=parse_duration(spec.request_timeout) / 1000,
            read_retries=spec.read_retries,
            requests_per_second=spec.requests_per_second,
            kibana_url=spec.kibana.url if spec.kibana is not None else None,
            kibana_space=spec.kibana.space if spec.kibana is not None else None,
        ),
        timed=timed,
        guard=guard,
    )


async def check_connection(
    gateway: Gateway,
    connection: ElasticsearchConnection,
    previous: ElasticsearchConnectionStatus | None,
    now: datetime,
    *,
    messages_problem: str = "",
    engine: EngineFacts | None = None,
) -> ElasticsearchConnectionStatus:
    """Asks the server who it is and what it can do: four calls.

    Args:
        gateway: The connection's gateway.
        connection: The connection.
        previous: Its present status.
        now: The present time.
        messages_problem: Why the server's notifications about jobs cannot be read; empty when they can.
        engine: How the engine is that the operator runs for the connection; None where it runs none.
    """
    try:
        info = await gateway.info()
    except GatewayError as error:
        failure = while_starting(_refused(error, connection), engine)
        return connection_status(previous, connection, failure, now, engine=engine)
    facts = _checked(info, now)
    if isinstance(facts, ServerFacts):
        facts = replace(facts, messages_problem=messages_problem)
    return connection_status(previous, connection, facts, now, engine=engine)


def _refused(error: GatewayError, connection: ElasticsearchConnection) -> Failure:
    """Why the server could not be asked; where it knows the credentials not, whose they are."""
    auth = connection.resolved().auth
    failure, secret = failure_of(error), auth.secret if auth is not None else None
    if failure.kind is not FailureKind.UNAUTHORIZED or secret is None:
        return failure
    return replace(failure, message=f"{failure.message} (the credentials of Secret {connection.namespace}/{secret})")


def _checked(info: ServerInfo, now: datetime) -> ServerFacts | Failure:
    major = info.version.partition(".")[0]
    if not major.isdigit() or not _OLDEST_MAJOR <= int(major) <= _NEWEST_MAJOR:
        return Failure(
            kind=FailureKind.NOT_SUPPORTED,
            message=(
                f"the server is Elasticsearch {info.version or 'of an unknown version'}; "
                f"versions {_OLDEST_MAJOR}.x and {_NEWEST_MAJOR}.x are supported: upgrade the cluster"
            ),
        )
    if not info.ml_available:
        return Failure(kind=FailureKind.ML_UNAVAILABLE, message=info.ml_problem)
    return ServerFacts(
        version=info.version,
        cluster_name=info.cluster_name,
        cluster_uuid=info.cluster_uuid,
        licence=f"{info.license_type} ({info.license_status})" if info.license_type else "",
        licence_valid=_licence_covers_ml(info, now),
        ml_available=info.ml_available,
        upgrade_mode=info.upgrade_mode,
        licence_expires_ms=info.license_expires_ms,
        memory=info.ml_memory,
        largest_limit=info.ml_largest_limit,
        processors=info.ml_processors,
        missing_privileges=info.missing_privileges,
    )


def _licence_covers_ml(info: ServerInfo, now: datetime) -> bool:
    """The server's own word for its licence, unless that has run out since.

    A server that shows no licence (a key without the privilege) is given the benefit of the doubt: the first `_ml`
    call will tell.
    """
    expired = info.license_expires_ms is not None and info.license_expires_ms <= now.timestamp() * 1000
    return info.ml_licensed and info.license_status != "expired" and not expired
