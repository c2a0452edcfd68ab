"""The server that insight looks at, from the options and files that other commands take too."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anomalyops_insight.server import Endpoint


def endpoint(filename: list[str] | None, url: str | None, ca: Path | None, namespace: str) -> Endpoint:
    """Where the server is and how to log in there.

    Raises:
        LocalError: No server is named, or several are; or a Secret or the CA cannot be read.
        ManifestError: A file is not valid.
        NotSupportedError: The connection shows a client certificate.
    """
    from anomalyops.cli.options import login
    from anomalyops.local.connections import only_connection
    from anomalyops.local.manifests import Manifests, read_manifests
    from anomalyops.reconciler.connection import NotSupportedError
    from anomalyops.resources import parse_duration
    from anomalyops_insight.server import Endpoint

    manifests = read_manifests(filename, namespace=namespace) if filename else Manifests()
    connection, credentials = only_connection(manifests, login(url, ca))
    spec = connection.resolved()
    if spec.client_certificate_secret_ref is not None:
        raise NotSupportedError(
            f"ElasticsearchConnection {connection.name!r}: this command shows no client certificate "
            "(spec.clientCertificateSecretRef): give --url of an address that asks for none"
        )
    return Endpoint(
        urls=tuple(spec.addresses),
        api_key=credentials.api_key if credentials else None,
        username=credentials.username if credentials else None,
        password=credentials.password if credentials else None,
        bearer=credentials.bearer if credentials else None,
        ca_pem=credentials.ca_pem if credentials else None,
        insecure_skip_verify=spec.insecure_skip_verify,
        request_timeout=parse_duration(spec.request_timeout) / 1000,
    )
