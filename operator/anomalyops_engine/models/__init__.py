"""The learners: time-series decomposition, residual distributions, populations."""
