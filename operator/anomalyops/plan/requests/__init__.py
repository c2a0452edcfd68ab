"""What is done to a job once, at a request, and recorded: forecasts and reverts to model snapshots."""
