"""The demo: sample logs, an engine of its own, three jobs and what they find."""
