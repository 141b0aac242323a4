"""A log of every run, as JSON lines."""
