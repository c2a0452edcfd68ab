"""All controllers, put together."""

from __future__ import annotations

from collections.abc import Callable

from anomalyops import __version__
from anomalyops.controllers.connection.controller import ConnectionController
from anomalyops.controllers.embedded.controller import EmbeddedController
from anomalyops.controllers.instruments import Instruments
from anomalyops.controllers.investigations.controller import InvestigationController
from anomalyops.controllers.investigations.investigator import Investigator
from anomalyops.controllers.investigations.triggers import TriggerController
from anomalyops.controllers.job_sets.controller import JobSetController
from anomalyops.controllers.pair.controller import PairController
from anomalyops.controllers.requests.forecasts import ForecastController
from anomalyops.controllers.requests.operations import Operations
from anomalyops.controllers.requests.reverts import RevertController
from anomalyops.controllers.shared.calendars import CalendarController
from anomalyops.controllers.shared.config_maps import ConfigMaps
from anomalyops.controllers.shared.filters import FilterController
from anomalyops.fencing import Guard, free
from anomalyops.plan.embedded import EngineSettings
from anomalyops.watching.events import EventRecorder
from anomalyops.watching.kubeapi import KubeApi
from anomalyops.watching.objects import Objects
from anomalyops.watching.options import ObjectKey, Options
from anomalyops.watching.work import Work

_ENGINE_IMAGE = f"anomalyops-engine:{__version__}"


class Controllers:
    """All controllers over one store of objects, one queue and one API.

    Args:
        api: The Kubernetes API.
        options: What the operator was asked for.
        cluster: Identity of this Kubernetes cluster.
        instance: Names this process in Events.
        instruments: What is measured.
        investigator: Finds out what broke.
        guard: Says whether something may be changed on servers now.
    """

    def __init__(
        self,
        api: KubeApi,
        options: Options,
        *,
        cluster: str,
        instance: str,
        instruments: Instruments,
        investigator: Investigator,
        guard: Guard = free,
    ) -> None:
        self.objects = Objects()
        events = EventRecorder(api, instance=instance)
        self.work = Work(
            self.objects, api, events, workers=options.workers_per_connection, timed=instruments.reconciled
        )
        self.connections = ConnectionController(
            api,
            self.objects,
            cluster=cluster,
            write=self.work.write,
            timed=instruments.called,
            guard=guard,
            measures=options.metrics_port is not None,
        )
        self.engines = EmbeddedController(
            self.objects,
            self.work,
            api,
            self.connections,
            EngineSettings(image=options.engine_image or _ENGINE_IMAGE, operator_namespace=options.own_namespace),
        )
        self.pairs = PairController(self.objects, self.work, self.connections, options)
        config_maps = ConfigMaps(api, self.work.add)
        self.filters = FilterController(self.objects, self.work, self.connections, config_maps, options)
        self.calendars = CalendarController(self.objects, self.work, self.connections, config_maps, options)
        operations = Operations(self.objects)
        self.forecasts = ForecastController(
            self.objects, self.work, self.connections, operations, options, cluster=cluster
        )
        self.reverts = RevertController(self.objects, self.work, self.connections, operations, options, cluster=cluster)
        self.job_sets = JobSetController(self.objects, self.work, api, self.connections, options)
        self.investigations = InvestigationController(
            self.objects, self.work, api, self.connections, options, investigator=investigator
        )
        self.triggers = TriggerController(self.objects, self.work, api, self.connections)
        self.pairs.made_anew = self._made_anew
        self.pairs.holder = operations.holder
        self.pairs.let_go_since = operations.let_go_since
        self.work.employ(self.connections)
        self.work.employ(self.engines)
        self.work.employ(self.filters)
        self.work.employ(self.calendars)
        self.work.employ(self.pairs)
        self.work.employ(self.forecasts)
        self.work.employ(self.reverts)
        self.work.employ(self.job_sets)
        self.work.employ(self.investigations)
        self.work.employ(self.triggers)

    def tell_what_is_known(self, known: Callable[[str], bool]) -> None:
        """Have them ask whether all objects of a namespace were listed."""
        for controller in (
            self.pairs,
            self.filters,
            self.calendars,
            self.forecasts,
            self.reverts,
            self.job_sets,
            self.investigations,
            self.triggers,
        ):
            controller.known = known

    def _made_anew(self, job: ObjectKey) -> None:
        """The server took the job that was there before out of its calendars."""
        for key in self.calendars.choosing(job.namespace):
            self.work.add(self.calendars.name, key)
