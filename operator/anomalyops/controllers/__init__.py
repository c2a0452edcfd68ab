"""What becomes of an event: each controller says which keys it concerns, and works off one key at a time."""
