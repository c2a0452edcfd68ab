"""ElasticsearchConnections."""
