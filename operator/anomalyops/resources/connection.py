"""The ElasticsearchConnection resource: where the server is and how to log in."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

from pydantic import Field

from anomalyops.resources.base import Boolean, SpecModel
from anomalyops.resources.durations import Duration
from anomalyops.resources.embedded import Embedded
from anomalyops.resources.identifiers import DataKey, ObjectName, ObjectReference, Text
from anomalyops.resources.resource import Resource
from anomalyops.resources.rules import Rule, exactly_one
from anomalyops.resources.status import ElasticsearchConnectionStatus
from anomalyops.resources.transitions import Transition

_Url = Annotated[
    str,
    Text(
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$",
        form="write http(s)://host[:port], without user and password (they belong in a Secret)",
        secret=True,
        maximum=2048,
    ),
]
_Key = DataKey


# Of Elastic Cloud on Kubernetes, which names what it makes after its Elasticsearch.
_ECK_USER = "elastic"
_ECK_PORT = 9200
ENGINE_PORT = 9200
ENGINE_METRICS_PORT = 9114
_ENGINE_OF = "[a-z]([-a-z0-9]{0,43}[a-z0-9])?"  # names whose engine's Service and revisions of pods have one


class ApiKeySecretRef(SpecModel):
    """A Secret that holds an API key."""

    name: ObjectName = Field(description="The Secret's name, in the same namespace.")
    key: _Key = Field(default="apiKey", description="The key with the encoded API key (base64 of id:api_key).")


class BasicSecretRef(SpecModel):
    """A Secret that holds user name and password, as `kubernetes.io/basic-auth` has them."""

    name: ObjectName = Field(description="The Secret's name, in the same namespace.")
    username: Annotated[str, Field(min_length=1, max_length=1024)] | None = Field(
        default=None, description="The user name, where the Secret holds the password alone (as ECK's do)."
    )
    username_key: _Key = Field(default="username", description="The key with the user name.")
    password_key: _Key = Field(default="password", description="The key with the password.")


class BearerSecretRef(SpecModel):
    """A Secret that holds a bearer token."""

    name: ObjectName = Field(description="The Secret's name, in the same namespace.")
    key: _Key = Field(default="token", description="The key with the token.")


class CaRef(SpecModel):
    """A Secret or ConfigMap that holds the certificate of an authority."""

    name: ObjectName = Field(description="The name, in the same namespace.")
    key: _Key = Field(default="ca.crt", description="The key with the PEM certificates.")


class ClientCertificateRef(SpecModel):
    """A Secret that holds a client certificate and its key, as `kubernetes.io/tls` has them."""

    name: ObjectName = Field(description="The Secret's name, in the same namespace.")
    certificate_key: _Key = Field(default="tls.crt", description="The key with the PEM certificate and its chain.")
    private_key_key: _Key = Field(default="tls.key", description="The key with the PEM private key, without password.")


class Auth(SpecModel):
    """Credentials, by Secret."""

    RULES: ClassVar[tuple[Rule, ...]] = (exactly_one("apiKeySecretRef", "basicSecretRef", "bearerSecretRef"),)

    api_key_secret_ref: ApiKeySecretRef | None = Field(default=None, description="An API key.")
    basic_secret_ref: BasicSecretRef | None = Field(default=None, description="User name and password.")
    bearer_secret_ref: BearerSecretRef | None = Field(default=None, description="A bearer token.")

    @property
    def secret(self) -> str | None:
        """The name of the Secret that holds them."""
        references = (self.api_key_secret_ref, self.basic_secret_ref, self.bearer_secret_ref)
        return next((reference.name for reference in references if reference is not None), None)


class Kibana(SpecModel):
    """The Kibana that shall show the jobs."""

    url: _Url = Field(description="Kibana's address.")
    space: Annotated[str, Field(min_length=1, max_length=253)] = Field(
        default="default", description="The space that shows the jobs."
    )


class AllowedNamespaces(SpecModel):
    """Which other namespaces may use a connection."""

    names: list[
        Annotated[
            str,
            Text(
                pattern=r"^(\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)$",
                form="write the name of a namespace, or * for every one",
                maximum=63,
            ),
        ]
    ] = Field(max_length=256, description="Names of namespaces; `*` for every one. None at all: no other one.")

    def admits(self, namespace: str) -> bool:
        """Whether objects of a namespace may use the connection."""
        return namespace in self.names or "*" in self.names


class ElasticsearchConnectionSpec(SpecModel):
    """Where the server is and how to log in. Exactly one of url, urls, eckRef and embedded."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        exactly_one("url", "urls", "eckRef", "embedded"),
        Rule(
            message="caSecretRef and caConfigMapRef exclude one another: keep one",
            holds=lambda spec: spec.ca_secret_ref is None or spec.ca_config_map_ref is None,
            cel="!has(self.caSecretRef) || !has(self.caConfigMapRef)",
            field="caConfigMapRef",
        ),
        Rule(
            message="clientCertificateSecretRef needs https: a plain connection shows no certificate",
            holds=lambda spec: (
                spec.client_certificate_secret_ref is None or all(url.startswith("https://") for url in spec.addresses)
            ),
            cel=(
                "!has(self.clientCertificateSecretRef) || ((!has(self.url) || self.url.startsWith('https://')) && "
                "(!has(self.urls) || self.urls.all(url, url.startsWith('https://'))))"
            ),
            field="clientCertificateSecretRef",
        ),
    )

    url: _Url | None = Field(default=None, description="The server's address.")
    urls: list[_Url] | None = Field(
        default=None,
        min_length=1,
        max_length=32,
        description="The addresses of several nodes of one cluster.",
    )
    eck_ref: ObjectReference | None = Field(
        default=None,
        description=(
            "An `Elasticsearch` of Elastic Cloud on Kubernetes in the same namespace, by name: its Service "
            "`<name>-es-http`, the authority in `<name>-es-http-certs-public` and, unless auth names others, the "
            "credentials in `<name>-es-elastic-user`."
        ),
    )
    embedded: Embedded | None = Field(
        default=None,
        description=(
            "An embedded engine that the operator runs in the same namespace: a StatefulSet `<name>-engine` with a "
            "volume, its Service and NetworkPolicy, and the Secret `<name>-engine` with what clients need (`username`, "
            "`password`, `ca.crt`)."
        ),
    )
    auth: Auth | None = Field(
        default=None,
        description="Credentials, by Secret; none for a server without security, or with eckRef or embedded.",
    )
    ca_secret_ref: CaRef | None = Field(default=None, description="A Secret with the authority's certificate.")
    ca_config_map_ref: CaRef | None = Field(default=None, description="A ConfigMap with the authority's certificate.")
    client_certificate_secret_ref: ClientCertificateRef | None = Field(
        default=None,
        description=(
            "A Secret with the certificate that the operator shows the server (mutual TLS), besides credentials or as "
            "the only ones."
        ),
    )
    insecure_skip_verify: Boolean = Field(
        default=False, description="Whether the server's certificate is accepted unseen; for trials only."
    )
    allowed_namespaces: AllowedNamespaces | None = Field(
        default=None,
        description=(
            "Which other namespaces may use the connection, with its credentials. When absent none, but for the "
            "installation's default connection, which serves every namespace that has no `default` of its own."
        ),
    )
    kibana: Kibana | None = Field(default=None, description="The Kibana that shall show the jobs.")
    request_timeout: Annotated[str, Duration(minimum="1ms")] = Field(
        default="30s", description="How long to wait for an answer."
    )
    read_retries: Annotated[int, Field(strict=True, ge=0, le=10)] = Field(
        default=2,
        description=(
            "How often a read is tried again, with growing pauses and on the next of urls, when the server does not "
            "answer or is overloaded. What changes something is sent once."
        ),
    )
    requests_per_second: Annotated[int, Field(strict=True, ge=1, le=10_000)] | None = Field(
        default=None,
        description="The most requests that this connection sends in a second, evenly spread; no limit when absent.",
    )
    observe_interval: Annotated[str, Duration(minimum="1s")] = Field(
        default="30s", description="How often the state of all jobs and datafeeds is asked for."
    )
    resync_interval: Annotated[str, Duration(minimum="1s")] = Field(
        default="5m", description="How often all configurations are compared with the manifests."
    )

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses that the spec itself gives; empty for `eckRef` and `embedded`."""
        return (self.url,) if self.url is not None else tuple(self.urls or ())


class ElasticsearchConnection(Resource):
    """A connection to an Elasticsearch-compatible server."""

    KIND: ClassVar[str] = "ElasticsearchConnection"
    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            message=(
                "a connection with spec.embedded has a name of at most 45 characters out of a-z, 0-9 and hyphens that "
                "begins with a letter and does not end with a hyphen: its Service is called `<name>-engine`"
            ),
            holds=lambda one: one.spec.embedded is None or re.fullmatch(_ENGINE_OF, one.metadata.name) is not None,
            cel=f"!has(self.spec.embedded) || self.metadata.name.matches('^{_ENGINE_OF}$')",
            field="metadata",
        ),
    )
    TRANSITIONS: ClassVar[tuple[Transition, ...]] = (
        Transition(
            field="spec.embedded",
            message=(
                "spec.embedded cannot be added or taken away: delete the connection, whose engine goes with it while "
                "its volume stays unless storage.whenDeleted says otherwise, and create it anew; or create another one"
            ),
            cel="has(self.spec.embedded) == has(oldSelf.spec.embedded)",
        ),
    )

    spec: ElasticsearchConnectionSpec = Field(description="Where the server is and how to log in.")
    status: ElasticsearchConnectionStatus | None = Field(default=None, description="What the operator observed.")

    def admits(self, namespace: str, *, by_default: bool) -> bool:
        """Whether objects of a namespace may use the connection.

        Args:
            namespace: Any namespace.
            by_default: Whether it serves every namespace unless it says otherwise.
        """
        if namespace == self.namespace:
            return True
        allowed = self.spec.allowed_namespaces
        return by_default if allowed is None else allowed.admits(namespace)

    @property
    def sources(self) -> frozenset[tuple[str, str]]:
        """Kind (Secret or ConfigMap) and name of all that credentials, authority and certificate come from."""
        spec = self.resolved()
        secrets = [
            reference.name for reference in (spec.ca_secret_ref, spec.client_certificate_secret_ref) if reference
        ]
        if spec.auth is not None and spec.auth.secret is not None:
            secrets.append(spec.auth.secret)
        maps = [] if spec.ca_config_map_ref is None else [spec.ca_config_map_ref.name]
        return frozenset({*(("Secret", name) for name in secrets), *(("ConfigMap", name) for name in maps)})

    def resolved(self) -> ElasticsearchConnectionSpec:
        """The spec with what `eckRef` and `embedded` stand for written out: what ECK, or the operator, makes.

        What the spec says itself, credentials or an authority, stays.
        """
        spec = self.spec
        if spec.embedded is not None:
            return self._resolved_embedded(self.engine)
        if spec.eck_ref is None:
            return spec
        name, auth, ca = f"{spec.eck_ref.name}-es", spec.auth, spec.ca_secret_ref
        if auth is None:
            basic = BasicSecretRef(name=f"{name}-elastic-user", username=_ECK_USER, password_key=_ECK_USER)
            auth = Auth(basic_secret_ref=basic)
        if ca is None and spec.ca_config_map_ref is None:
            ca = CaRef(name=f"{name}-http-certs-public")
        url = f"https://{name}-http.{self.namespace}.svc:{_ECK_PORT}"
        return spec.model_copy(update={"eck_ref": None, "url": url, "auth": auth, "ca_secret_ref": ca})

    @property
    def engine(self) -> str:
        """What the objects of the connection's embedded engine are called."""
        return f"{self.name}-engine"

    def _resolved_embedded(self, engine: str) -> ElasticsearchConnectionSpec:
        spec = self.spec
        auth, ca = spec.auth or Auth(basic_secret_ref=BasicSecretRef(name=engine)), spec.ca_secret_ref
        if ca is None and spec.ca_config_map_ref is None:
            ca = CaRef(name=engine)
        url = f"https://{engine}.{self.namespace}.svc:{ENGINE_PORT}"
        return spec.model_copy(update={"embedded": None, "url": url, "auth": auth, "ca_secret_ref": ca})
