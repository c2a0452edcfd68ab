"""Forecasts and reverts: what is done to a job once, at a request."""
