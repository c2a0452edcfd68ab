"""Investigations: made aside of everything else, kept as reports, and begun by the anomalies of jobs."""
