"""Generators of cases, a module an area. The same seed makes the same cases."""
