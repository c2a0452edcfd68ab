"""The embedded engine: one process that speaks Elasticsearch's `_ml` REST dialect and detects anomalies."""

__version__ = "0.1.0"
