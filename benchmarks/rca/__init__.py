"""How often the root cause is found, on generated incidents."""
