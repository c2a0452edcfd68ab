"""Elasticsearch's published cases of ES|QL (csv-spec), run against an engine; they are read, never kept here."""
