"""What all learners share: compiled loops, tails of distributions, histories of deviations, state by key."""
