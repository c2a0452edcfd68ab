"""The learner of points: where (on the globe) and when (of the day, of the week) something usually is."""
