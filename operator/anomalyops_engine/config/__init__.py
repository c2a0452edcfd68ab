"""What jobs and datafeeds are told: typed records, read, checked, merged and shown as Elasticsearch does."""

from anomalyops_engine.config.analysis_config import AnalysisConfig
from anomalyops_engine.config.custom_rules import CustomRule
from anomalyops_engine.config.datafeed import Datafeed, IndicesOptions, create_datafeed, update_datafeed
from anomalyops_engine.config.detector import Detector
from anomalyops_engine.config.job import Job, create_job
from anomalyops_engine.config.job_update import JobUpdate, update_job
from anomalyops_engine.config.units import Duration, MemorySize

__all__ = [
    "AnalysisConfig",
    "CustomRule",
    "Datafeed",
    "Detector",
    "Duration",
    "IndicesOptions",
    "Job",
    "JobUpdate",
    "MemorySize",
    "create_datafeed",
    "create_job",
    "update_datafeed",
    "update_job",
]
