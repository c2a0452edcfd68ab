"""Which server each pair of the files belongs to, and how to log in there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from anomalyops.elastic import Gateway, GatewayError
from anomalyops.local.errors import LocalError
from anomalyops.local.manifests import Manifests
from anomalyops.local.pairs import pairs, refuse_shared_ids
from anomalyops.reconciler import Credentials, Pair, SharedObject, chosen_jobs, connect
from anomalyops.resources import (
    API_VERSION,
    AnomalyCalendar,
    AnomalyJob,
    AnomalyJobSet,
    AnyResource,
    Auth,
    ElasticsearchConnection,
    Investigation,
    ManifestError,
    RequestResource,
    SecretManifest,
    SharedResource,
    texts_among,
    with_texts,
)

_DEFAULT = "default"
_OF_OPTION = "command-line"  # name of the connection that --url stands for
_CREDENTIAL_VARIABLES = "ANOMALYOPS_API_KEY, or ANOMALYOPS_USERNAME and ANOMALYOPS_PASSWORD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What the command line and the environment say about the server.

    Attributes:
        url: Overrides the connections of the files.
        credentials: From environment variables; None if there are none.
        ca_pem: The authority to trust.
    """

    url: str | None = None
    credentials: Credentials | None = None
    ca_pem: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One server, the pairs that belong to it, what jobs share there, and what a cluster's operator does with them."""

    connection: ElasticsearchConnection
    credentials: Credentials | None
    pairs: tuple[Pair, ...]
    shared: tuple[SharedObject, ...] = ()
    requests: tuple[RequestResource | AnomalyJobSet | Investigation, ...] = ()


def login(*, url: str | None, ca_pem: str | None, environ: Mapping[str, str]) -> Login:
    """The login that environment variables and options give.

    Raises:
        LocalError: A user name without a password, or the other way round.
    """
    api_key = environ.get("ANOMALYOPS_API_KEY")
    username, password = environ.get("ANOMALYOPS_USERNAME"), environ.get("ANOMALYOPS_PASSWORD")
    if not api_key and bool(username) != bool(password):
        raise LocalError("ANOMALYOPS_USERNAME and ANOMALYOPS_PASSWORD belong together: only one of them is set")
    credentials = None
    if api_key:
        credentials = Credentials(api_key=api_key, ca_pem=ca_pem)
    elif username:
        credentials = Credentials(username=username, password=password, ca_pem=ca_pem)
    return Login(url=url, credentials=credentials, ca_pem=ca_pem)


def targets(manifests: Manifests, login: Login) -> list[Target]:
    """The servers, each with its pairs and what they share, in the order in which the files need them.

    Raises:
        LocalError: A pair has no connection, a Secret is missing, or two resources claim one id.
    """
    grouped: dict[tuple[str, str], list[Pair]] = {}
    for pair in pairs(manifests):
        grouped.setdefault(_connection_key(pair.resources[0], login), []).append(pair)
    shared: dict[tuple[str, str], list[SharedResource]] = {}
    for resource in manifests.shared:
        shared.setdefault(_connection_key(resource, login), []).append(resource)
    jobs_of_files = {(job.namespace, job.name): job for job in manifests.jobs}
    requests: dict[tuple[str, str], list[RequestResource | AnomalyJobSet | Investigation]] = {}
    for request in manifests.requests:
        job = jobs_of_files.get((request.namespace, request.spec.job_ref.name))
        requests.setdefault(_connection_key(job or request, login), []).append(request)
    for job_set in (one for one in manifests.job_sets if one.spec.terms is not None):
        requests.setdefault(_connection_key(job_set, login), []).append(job_set)
    for investigation in manifests.investigations:
        requests.setdefault(_connection_key(investigation, login), []).append(investigation)
    result = []
    for key in dict.fromkeys([*grouped, *shared, *requests]):
        members, others = grouped.get(key, []), shared.get(key, [])
        resources: list[AnyResource] = [*(one for pair in members for one in pair.resources), *others]
        resources = resources or [*requests[key]]
        refuse_shared_ids(resources)
        connection = connection_at(login.url) if login.url else _find(manifests, key, resources[0])
        credentials = credentials_for(manifests, connection, login)
        jobs = [pair.job for pair in members if pair.job is not None]
        wanted = tuple(_shared(resource, jobs, manifests) for resource in others)
        target = Target(
            connection=connection,
            credentials=credentials,
            pairs=tuple(members),
            shared=wanted,
            requests=tuple(requests.get(key, ())),
        )
        result.append(target)
    return result


def _shared(resource: SharedResource, jobs: list[AnomalyJob], manifests: Manifests) -> SharedObject:
    """A resource with the ConfigMaps and, on the same server, the jobs of the same files that it refers to."""
    texts = texts_among(manifests.secrets, resource.namespace, absent="is not in the files: add it")
    whole, problems = with_texts(resource, texts)
    if not isinstance(resource, AnomalyCalendar):
        return SharedObject(resource=whole, problems=problems)
    there = [job for job in jobs if job.namespace == resource.namespace]
    ids, missing = chosen_jobs(resource, there)
    return SharedObject(resource=whole, jobs=ids, missing_jobs=missing, problems=problems)


def connection_at(url: str) -> ElasticsearchConnection:
    """A connection to a URL of the command line.

    Raises:
        LocalError: It is not a URL of the form that a connection accepts.
    """
    value = {
        "apiVersion": API_VERSION,
        "kind": ElasticsearchConnection.KIND,
        "metadata": {"name": _OF_OPTION},
        "spec": {"url": url},
    }
    try:
        return ElasticsearchConnection.from_object(value)
    except ManifestError as error:
        words = error.problems[0].message.replace("the value", "the URL", 1)
        raise LocalError(words) from None


@asynccontextmanager
async def open_gateway(connection: ElasticsearchConnection, credentials: Credentials | None) -> AsyncIterator[Gateway]:
    """A gateway to the server, closed at the end; nothing is sent by opening it.

    Raises:
        LocalError: The URL or the CA of the connection cannot be used.
        GatewayError: What the calls inside raise, with the connection's name and URL before the reason.
    """
    of_option = connection.name == _OF_OPTION
    try:
        gateway = connect(connection, credentials)
    except ValueError as error:
        where = "--url" if of_option else f"{connection.kind}/{connection.name}"
        raise LocalError(f"{where}: {error}") from error
    try:
        yield gateway
    except GatewayError as error:
        urls = ", ".join(gateway.rest.endpoint.urls)
        where = f"--url {urls}" if of_option else f"{connection.kind}/{connection.name} ({urls})"
        if not error.placed:  # a server inside of another's use has been named already
            error.reason, error.placed = f"{where}: {error.reason}", True
        raise
    finally:
        await gateway.close()


def only_connection(manifests: Manifests, login: Login) -> tuple[ElasticsearchConnection, Credentials | None]:
    """The one server that is meant where no job says which: `--url`, or the files' only or default connection.

    Raises:
        LocalError: There is none, or there are several and none is called `default`.
    """
    if login.url:
        connection = connection_at(login.url)
    elif len(manifests.connections) == 1:
        (connection,) = manifests.connections.values()
    else:
        named = [item for item in manifests.connections.values() if item.name == _DEFAULT]
        if len(named) != 1:
            names = ", ".join(item.name for item in manifests.connections.values()) or "none"
            raise LocalError(f"which server? Give --url; ElasticsearchConnections in the files: {names}")
        connection = named[0]
    return connection, credentials_for(manifests, connection, login)


def _connection_key(resource: AnyResource, login: Login) -> tuple[str, str]:
    if login.url:
        return ("", login.url)
    named = AnomalyJob | AnomalyJobSet | SharedResource | Investigation
    reference = resource.spec.connection_ref if isinstance(resource, named) else None
    if reference is None:
        return (resource.namespace, _DEFAULT)
    return (reference.namespace or resource.namespace, reference.name)


def _find(manifests: Manifests, key: tuple[str, str], resource: AnyResource) -> ElasticsearchConnection:
    connection, name = manifests.connections.get(key), f"{resource.kind}/{resource.name}"
    if connection is not None and not connection.admits(resource.namespace, by_default=False):
        raise LocalError(
            f"{name}: ElasticsearchConnection {connection.namespace}/{connection.name} does not allow namespace "
            f"{resource.namespace}: add it to its spec.allowedNamespaces"
        )
    if connection is not None:
        return connection
    there = ", ".join(sorted(name for namespace, name in manifests.connections if namespace == key[0])) or "none"
    raise LocalError(
        f"{name}: no ElasticsearchConnection {key[1]!r} in namespace {key[0]!r} of the files (there: {there});"
        " add it, or give --url"
    )


def credentials_for(manifests: Manifests, connection: ElasticsearchConnection, login: Login) -> Credentials | None:
    """What the Secrets in the files hold for the connection; where they do not, what the environment holds.

    Raises:
        LocalError: A Secret or one of its keys is missing, and the environment has nothing instead.
    """
    spec = connection.resolved()
    if connection.spec.embedded is not None and not _holds(manifests, connection):
        raise LocalError(
            f"ElasticsearchConnection/{connection.name}: its engine runs in a cluster (spec.embedded): give --url of a "
            f"way there, such as a port-forward, with --ca and {_CREDENTIAL_VARIABLES}"
        )
    ca_pem = login.ca_pem or _ca(manifests, connection)
    reader = _SecretReader(manifests, connection)
    given = _from_secrets(reader, spec.auth, optional=login.credentials is not None)
    given = replace(given or login.credentials or Credentials(), ca_pem=ca_pem)
    if (shown := spec.client_certificate_secret_ref) is not None:
        certificate = reader.value(shown.name, shown.certificate_key, optional=False)
        given = replace(
            given, certificate_pem=certificate, key_pem=reader.value(shown.name, shown.private_key_key, optional=False)
        )
    return None if given == Credentials() else given


def _holds(manifests: Manifests, connection: ElasticsearchConnection) -> bool:
    """Whether all that the connection logs in with is there, as it is when it was read from the cluster."""
    return all((kind, connection.namespace, name) in manifests.secrets for kind, name in connection.sources)


def _from_secrets(reader: _SecretReader, auth: Auth | None, *, optional: bool) -> Credentials | None:
    if auth is None:
        return None
    if (api_key := auth.api_key_secret_ref) is not None:
        value = reader.value(api_key.name, api_key.key, optional=optional)
        return Credentials(api_key=value) if value is not None else None
    if (bearer := auth.bearer_secret_ref) is not None:
        value = reader.value(bearer.name, bearer.key, optional=optional)
        return Credentials(bearer=value) if value is not None else None
    if (basic := auth.basic_secret_ref) is not None:
        password = reader.value(basic.name, basic.password_key, optional=optional)
        if password is not None:
            username = basic.username or reader.value(basic.name, basic.username_key, optional=False)
            return Credentials(username=username, password=password)
    return None


@dataclass(frozen=True, slots=True)
class _SecretReader:
    manifests: Manifests
    connection: ElasticsearchConnection

    def value(self, name: str, key: str, *, optional: bool) -> str | None:
        """One value of a Secret; None where the files lack the Secret and the environment stands in for it."""
        where = f"ElasticsearchConnection/{self.connection.name}"
        secret = self.manifests.secrets.get(("Secret", self.connection.namespace, name))
        if secret is None:
            if optional:
                return None
            raise LocalError(f"{where}: Secret {name!r} is not in the files; add it, or set {_CREDENTIAL_VARIABLES}")
        return _text(secret, key, where)


def _ca(manifests: Manifests, connection: ElasticsearchConnection) -> str | None:
    spec = connection.resolved()
    reference = spec.ca_secret_ref or spec.ca_config_map_ref
    if reference is None:
        return None
    kind = "Secret" if spec.ca_secret_ref is not None else "ConfigMap"
    found = manifests.secrets.get((kind, connection.namespace, reference.name))
    where = f"ElasticsearchConnection/{connection.name}"
    if found is None:
        raise LocalError(f"{where}: {kind} {reference.name!r} with the CA is not in the files; add it, or give --ca")
    return _text(found, reference.key, where)


def _text(secret: SecretManifest, key: str, where: str) -> str:
    if not secret.data.get(key):
        there = ", ".join(secret.data) or "nothing"
        raise LocalError(f"{where}: {secret.kind} {secret.name!r} has no {key!r}; it has: {there}")
    try:
        return secret.data[key].decode().strip()
    except UnicodeDecodeError:
        raise LocalError(f"{where}: {secret.kind} {secret.name!r}: {key!r} is not text") from None
