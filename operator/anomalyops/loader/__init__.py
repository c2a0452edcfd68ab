"""Files into an index: nothing lost, every guess shown."""

from anomalyops_reading.errors import LoadError

__all__ = ["LoadError"]
