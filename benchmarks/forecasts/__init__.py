"""How well the engine forecasts: generated series of many kinds, and the seasonal ones of a public benchmark."""
