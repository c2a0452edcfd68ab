"""Queries written as text, as clauses of the Query DSL: Lucene's syntax, its simple one, and Kibana's (KQL)."""
