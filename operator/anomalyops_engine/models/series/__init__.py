"""The learner of ordinary time series."""
