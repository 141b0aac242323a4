"""The same from Python: run an experiment, open a run, and have its tables, samples and rates."""
