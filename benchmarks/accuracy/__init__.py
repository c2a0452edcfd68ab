"""How well the engine detects: generated series of many kinds, and labelled public series."""
