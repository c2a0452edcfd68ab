"""Filter lists and calendars: what jobs share."""
