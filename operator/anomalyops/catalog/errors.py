"""What is wrong with what was asked of the catalogue, in words."""


class CatalogError(Exception):
    """A job that the catalogue does not have, or that cannot be made as asked; the message says why."""
