"""The engines of connections with `spec.embedded`."""
