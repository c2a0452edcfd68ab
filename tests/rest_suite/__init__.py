"""Elasticsearch's own REST tests, run against the engine; they are fetched, never kept here."""
