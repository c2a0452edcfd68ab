"""Look at the server, plan, act, report: for one pair of resources, and for all of a connection at once."""

from anomalyops.elastic import Credentials
from anomalyops.reconciler.connection import NotSupportedError, check_connection, connect
from anomalyops.reconciler.failures import failure_of
from anomalyops.reconciler.figures import DatafeedFigures, Figures, JobFigures
from anomalyops.reconciler.forecast_unit import ForecastUnit
from anomalyops.reconciler.observation import Assessment, Observation
from anomalyops.reconciler.observer import Observer
from anomalyops.reconciler.outcome import Outcome
from anomalyops.reconciler.pair import Pair, owner_of_pair
from anomalyops.reconciler.reconciler import Reconciler
from anomalyops.reconciler.requests import RequestOutcome, Requests
from anomalyops.reconciler.revert_unit import RevertUnit
from anomalyops.reconciler.shared import SharedOutcome, SharedReconciler
from anomalyops.reconciler.shared_unit import SharedObject, chosen_jobs

__all__ = [
    "Assessment",
    "Credentials",
    "DatafeedFigures",
    "Figures",
    "ForecastUnit",
    "JobFigures",
    "NotSupportedError",
    "Observation",
    "Observer",
    "Outcome",
    "Pair",
    "Reconciler",
    "RequestOutcome",
    "Requests",
    "RevertUnit",
    "SharedObject",
    "SharedOutcome",
    "SharedReconciler",
    "check_connection",
    "chosen_jobs",
    "connect",
    "failure_of",
    "owner_of_pair",
]
