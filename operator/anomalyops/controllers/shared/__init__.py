"""Filter lists: what jobs share."""
