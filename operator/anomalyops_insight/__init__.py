"""Investigate, explain and troubleshoot anomaly detection jobs of any Elasticsearch-compatible server."""
