"""AnomalyJobs and their Datafeeds."""
