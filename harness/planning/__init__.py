"""Experiment -> plan: which cells run, their stage keys, which of them are compared, and what it will take."""
