"""The learner of populations."""
