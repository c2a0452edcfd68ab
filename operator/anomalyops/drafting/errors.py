"""What is wrong with what was asked for."""


class DraftError(Exception):
    """A sentence that no job can be made of; the message says why, and what would help."""
