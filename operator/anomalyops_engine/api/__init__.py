"""The REST dialect on top of jobs, queries and the store: routes, parameters, error bodies."""
