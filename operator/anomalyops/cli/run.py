"""`anomalyops run`: the operator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anomalyops.cli.logs import LogFormat, LogLevel, configure_logging
from anomalyops.cli.options import object_key


def run(
    namespace: Annotated[
        list[str] | None,
        typer.Option(help="Serve this namespace only; may be repeated. Default: all.", envvar="ANOMALYOPS_NAMESPACES"),
    ] = None,
    default_connection: Annotated[
        str | None,
        typer.Option(
            metavar="NAMESPACE/NAME",
            help="The ElasticsearchConnection for namespaces that have none named `default`.",
            envvar="ANOMALYOPS_DEFAULT_CONNECTION",
        ),
    ] = None,
    cluster_id: Annotated[
        str | None,
        typer.Option(
            help="Names this cluster in the marks on server jobs. Default: the uid of namespace kube-system.",
            envvar="ANOMALYOPS_CLUSTER_ID",
        ),
    ] = None,
    lease: Annotated[
        str | None,
        typer.Option(
            metavar="NAMESPACE/NAME",
            help="Serve only while this Lease is held: of several operators one works, the others stand by.",
            envvar="ANOMALYOPS_LEASE",
        ),
    ] = None,
    identity: Annotated[
        str | None,
        typer.Option(
            help="Names this process in the Lease, unlike any other that lives. Default: host name and a random part.",
            envvar="ANOMALYOPS_IDENTITY",
        ),
    ] = None,
    lease_seconds: Annotated[
        int,
        typer.Option(
            help="For how long a leader that has died keeps the others away.",
            min=5,
            max=300,
            envvar="ANOMALYOPS_LEASE_SECONDS",
        ),
    ] = 12,
    liveness_port: Annotated[
        int, typer.Option(help="Port of the health endpoints /healthz and /readyz; 0 for none.", min=0, max=65535)
    ] = 8080,
    metrics_port: Annotated[
        int, typer.Option(help="Port of the metrics for Prometheus, /metrics; 0 for none.", min=0, max=65535)
    ] = 8081,
    webhook_port: Annotated[
        int, typer.Option(help="Port of the validating webhook, /validate; 0 for none.", min=0, max=65535)
    ] = 0,
    webhook_certificate: Annotated[
        Path,
        typer.Option(help="Folder with the webhook's tls.crt and tls.key, which may be renewed at any time."),
    ] = Path("/etc/anomalyops/webhook"),
    release_after: Annotated[
        float,
        typer.Option(
            help="Seconds that a deletion with `deletionPolicy: Retain` waits for a server that does not answer.",
            min=0,
            envvar="ANOMALYOPS_RELEASE_AFTER",
        ),
    ] = 300,
    relist_after: Annotated[
        float,
        typer.Option(
            help="Seconds between two listings of all objects, which find what the watches did not tell.",
            min=1,
            envvar="ANOMALYOPS_RELIST_AFTER",
        ),
    ] = 300,
    engine_image: Annotated[
        str,
        typer.Option(
            help="Image of embedded engines whose connection names none. Default: that of this version.",
            envvar="ANOMALYOPS_ENGINE_IMAGE",
        ),
    ] = "",
    own_namespace: Annotated[
        str | None,
        typer.Option(
            help="Where the operator's pods run, from which embedded engines let it in. Default: any namespace.",
            envvar="POD_NAMESPACE",
        ),
    ] = None,
    log_format: Annotated[LogFormat, typer.Option(help="How log lines look.")] = LogFormat.TEXT,
    log_level: Annotated[LogLevel, typer.Option(help="The least severe lines that are logged.")] = LogLevel.INFO,
) -> None:
    """Run the operator in a cluster, or against the one of the kubeconfig."""
    configure_logging(log_format, log_level)
    # kopf and the Kubernetes client take half a second to import; no other command needs them.
    from anomalyops.cli.investigator import investigator
    from anomalyops.controllers.operator import StartupError
    from anomalyops.controllers.operator import run as run_operator
    from anomalyops.watching.options import Options, Webhook

    options = Options(
        namespaces=tuple(namespace or ()),
        default_connection=object_key("--default-connection", default_connection) if default_connection else None,
        cluster_id=cluster_id,
        liveness_port=liveness_port or None,
        metrics_port=metrics_port or None,
        webhook=Webhook(port=webhook_port, certificate=webhook_certificate) if webhook_port else None,
        lease=object_key("--lease", lease) if lease else None,
        identity=identity or None,
        lease_seconds=lease_seconds,
        engine_image=engine_image,
        own_namespace=own_namespace or None,
        release_after=release_after,
        relist_after=relist_after,
    )
    try:
        run_operator(options, investigator)
    except StartupError as error:
        typer.echo(f"anomalyops run: {error}", err=True)
        raise typer.Exit(1) from None
