"""Files into an index: nothing lost, every guess shown."""

from anomalyops.loader.errors import LoadError

__all__ = ["LoadError"]
