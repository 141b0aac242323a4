"""A program's own evaluator, run on other programs."""
