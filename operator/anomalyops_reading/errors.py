"""What can be wrong with a file or with what was asked for; every message says what is accepted."""

from __future__ import annotations


class LoadError(ValueError):
    """A file cannot be loaded as asked."""
