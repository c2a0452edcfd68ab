"""The learner of rare values."""
