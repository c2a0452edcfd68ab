"""Planning of what jobs share and what holds no model: filter lists and calendars."""
