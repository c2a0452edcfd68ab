"""What is wrong with files or options, in words."""


class LocalError(Exception):
    """Files that cannot be applied as they are; the message says which and why."""
