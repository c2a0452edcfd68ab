"""Job sets: AnomalyJobs and Datafeeds that are made for each of some values."""
