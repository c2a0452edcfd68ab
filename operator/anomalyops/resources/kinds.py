"""The kinds of resources: one record a kind, from which CRDs, rights, the store of objects and the docs are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast, get_args

from anomalyops.resources.base import StatusModel
from anomalyops.resources.calendar import AnomalyCalendar
from anomalyops.resources.connection import ElasticsearchConnection
from anomalyops.resources.datafeed import Datafeed
from anomalyops.resources.filter import AnomalyFilter
from anomalyops.resources.forecast import AnomalyForecast
from anomalyops.resources.investigation import Investigation
from anomalyops.resources.job import AnomalyJob
from anomalyops.resources.job_set import AnomalyJobSet
from anomalyops.resources.resource import GROUP
from anomalyops.resources.revert import ModelSnapshotRevert

SharedResource = AnomalyFilter | AnomalyCalendar
RequestResource = AnomalyForecast | ModelSnapshotRevert
AnyResource = (
    AnomalyJob | Datafeed | AnomalyJobSet | SharedResource | RequestResource | Investigation | ElasticsearchConnection
)
FINALIZER = f"{GROUP}/finalizer"
REQUESTED_AT = f"reconcile.{GROUP}/requestedAt"
"""An annotation: a new value, whatever it is, asks for a look at the server now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrinterColumn:
    """A column of `kubectl get`; `wide` ones show with `-o wide` alone."""

    name: str
    path: str
    type: str = "string"
    description: str = ""
    wide: bool = False

    def kubernetes(self) -> dict[str, Any]:
        """An entry of `additionalPrinterColumns`."""
        entry = {"name": self.name, "type": self.type, "jsonPath": self.path, "priority": int(self.wide)}
        return entry | ({"description": self.description} if self.description else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is known of a kind beside its schema.

    Attributes:
        model: The resource's model.
        plural: Its name in paths of the API.
        short_names: What `kubectl get` takes too.
        columns: What `kubectl get` shows.
        server_object: What one resource is on the Elasticsearch server, in a word; empty when it is nothing there.
        made: Whether the operator makes and deletes objects of it.
    """

    model: type[AnyResource]
    plural: str
    short_names: tuple[str, ...]
    columns: tuple[PrinterColumn, ...]
    server_object: str = ""
    made: bool = False

    @property
    def name(self) -> str:
        """The kind, as manifests write it."""
        return self.model.KIND

    @property
    def status(self) -> type[StatusModel]:
        """The model of its status."""
        found = get_args(self.model.model_fields["status"].annotation)
        return cast("type[StatusModel]", found[0])

    @property
    def finalized(self) -> bool:
        """Whether its objects carry the operator's finalizer: they have a server side that must not be orphaned."""
        return bool(self.server_object)


def _condition(name: str, *, of: str, part: str = "status", wide: bool = False) -> PrinterColumn:
    return PrinterColumn(name=name, path=f'.status.conditions[?(@.type=="{of}")].{part}', wide=wide)


_READY = _condition("Ready", of="Ready")
_SYNCED = _condition("Synced", of="Synced")
_REASON = _condition("Reason", of="Ready", part="reason")
_REASON_WIDE = _condition("Reason", of="Ready", part="reason", wide=True)
_MESSAGE = _condition("Message", of="Ready", part="message", wide=True)
_AGE = PrinterColumn(name="Age", path=".metadata.creationTimestamp", type="date")

KINDS = (
    Kind(
        model=AnomalyJob,
        plural="anomalyjobs",
        server_object="job",
        made=True,
        short_names=("aj",),
        columns=(
            PrinterColumn(name="Job", path=".status.jobId", description="The id on the server."),
            PrinterColumn(name="State", path=".status.jobState", description="The job's state on the server."),
            PrinterColumn(name="Datafeed", path=".status.datafeedState", description="Its datafeed's state."),
            PrinterColumn(name="Memory", path=".status.memory.status", description="ok, soft_limit or hard_limit."),
            _READY,
            _SYNCED,
            _REASON,
            _AGE,
            PrinterColumn(name="Used%", path=".status.memory.percent", type="integer", wide=True),
            PrinterColumn(name="Records", path=".status.dataCounts.processedRecordCount", type="integer", wide=True),
            PrinterColumn(name="Latest", path=".status.dataCounts.latestRecordTime", wide=True),
            PrinterColumn(name="Delayed", path=".status.delayedData.missingDocuments", type="integer", wide=True),
            PrinterColumn(name="Snapshots", path=".status.retainedSnapshotCount", type="integer", wide=True),
            PrinterColumn(name="Node", path=".status.node", wide=True),
            _MESSAGE,
        ),
    ),
    Kind(
        model=Datafeed,
        plural="datafeeds",
        server_object="datafeed",
        made=True,
        short_names=("adf",),
        columns=(
            PrinterColumn(name="Job", path=".spec.jobRef.name", description="The AnomalyJob that it feeds."),
            PrinterColumn(name="State", path=".status.datafeedState", description="The state on the server."),
            _READY,
            _SYNCED,
            _REASON,
            _AGE,
            PrinterColumn(name="Datafeed", path=".status.datafeedId", description="The id on the server.", wide=True),
            PrinterColumn(name="Delayed", path=".status.delayedData.missingDocuments", type="integer", wide=True),
            PrinterColumn(name="Node", path=".status.node", wide=True),
            _MESSAGE,
        ),
    ),
    Kind(
        model=AnomalyJobSet,
        plural="anomalyjobsets",
        short_names=("ajs",),
        columns=(
            PrinterColumn(name="Jobs", path=".status.readiness", description="Ready ones of all, such as 42/42."),
            _READY,
            _REASON,
            _AGE,
            PrinterColumn(name="Retained", path=".status.retained", type="integer", wide=True),
            _MESSAGE,
        ),
    ),
    Kind(
        model=AnomalyCalendar,
        plural="anomalycalendars",
        server_object="calendar",
        short_names=("acal",),
        columns=(
            PrinterColumn(name="Calendar", path=".status.calendarId", description="The id on the server."),
            PrinterColumn(name="Jobs", path=".status.jobCount", type="integer", description="Jobs and groups."),
            PrinterColumn(name="Events", path=".status.eventCount", type="integer", description="Events there."),
            _READY,
            _SYNCED,
            _REASON,
            _AGE,
            PrinterColumn(name="Description", path=".spec.description", wide=True),
            _MESSAGE,
        ),
    ),
    Kind(
        model=AnomalyFilter,
        plural="anomalyfilters",
        server_object="filter",
        short_names=("afl",),
        columns=(
            PrinterColumn(name="Filter", path=".status.filterId", description="The id on the server."),
            PrinterColumn(name="Items", path=".status.itemCount", type="integer", description="Values on the server."),
            _READY,
            _SYNCED,
            _REASON,
            _AGE,
            PrinterColumn(name="Description", path=".spec.description", wide=True),
            _MESSAGE,
        ),
    ),
    Kind(
        model=AnomalyForecast,
        plural="anomalyforecasts",
        server_object="forecast",
        short_names=("afc",),
        columns=(
            PrinterColumn(name="Job", path=".spec.jobRef.name", description="The AnomalyJob that is forecast."),
            PrinterColumn(name="State", path=".status.state", description="The state of the newest forecast."),
            PrinterColumn(name="Progress", path=".status.progress", type="integer", description="In percent."),
            PrinterColumn(name="Expires", path=".status.expires", description="When the server removes it."),
            PrinterColumn(name="Schedule", path=".spec.schedule", description="When one is made; empty for once."),
            _READY,
            _REASON,
            _AGE,
            PrinterColumn(name="Forecast", path=".status.forecastId", description="Its id.", wide=True),
            PrinterColumn(name="Next", path=".status.nextTime", wide=True),
            _MESSAGE,
        ),
    ),
    Kind(
        model=ModelSnapshotRevert,
        plural="modelsnapshotreverts",
        server_object="model snapshot",
        short_names=("msr",),
        columns=(
            PrinterColumn(name="Job", path=".spec.jobRef.name", description="The AnomalyJob that goes back."),
            PrinterColumn(name="Snapshot", path=".status.snapshotId", description="Where it goes back to."),
            PrinterColumn(name="State", path=".status.state", description="How far it is."),
            _READY,
            _REASON,
            PrinterColumn(name="Completed", path=".status.completionTime", type="date"),
            _AGE,
            PrinterColumn(name="Until", path=".status.snapshotTime", wide=True),
            _MESSAGE,
        ),
    ),
    Kind(
        model=Investigation,
        plural="investigations",
        made=True,
        short_names=("inv",),
        columns=(
            PrinterColumn(name="Severity", path=".status.severity", description="Of the worst bucket."),
            PrinterColumn(name="Cause", path=".status.rootCause", description="The most likely root cause."),
            PrinterColumn(name="Sure%", path=".status.likelihood", type="integer", description="How sure that is."),
            PrinterColumn(name="Fault", path=".status.faultClass", description="The kind of fault."),
            PrinterColumn(name="Onset", path=".status.onset", description="When the cause began."),
            PrinterColumn(name="Jobs", path=".status.jobs", type="integer", description="Jobs that are affected."),
            PrinterColumn(name="State", path=".status.state", description="How far it is."),
            _AGE,
            PrinterColumn(name="Runner-up", path=".status.runnerUp", wide=True),
            PrinterColumn(name="Report", path=".status.report.configMap", wide=True),
            _REASON_WIDE,
            _MESSAGE,
        ),
    ),
    Kind(
        model=ElasticsearchConnection,
        plural="elasticsearchconnections",
        short_names=("esc",),
        columns=(
            PrinterColumn(name="Version", path=".status.version", description="The server's version."),
            PrinterColumn(name="Licence", path=".status.licence", description="The server's licence."),
            _READY,
            _REASON,
            _AGE,
            PrinterColumn(name="URL", path=".spec.url", wide=True),
            PrinterColumn(name="Cluster", path=".status.clusterName", wide=True),
            _MESSAGE,
        ),
    ),
)

BY_NAME = {kind.name: kind for kind in KINDS}
