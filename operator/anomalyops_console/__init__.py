"""The console: a page in the browser over any Elasticsearch-compatible server."""
