"""lm-eval in both directions: our suites and models under its command, its backends and tasks under ours.

`library` is the only module that imports lm-eval.
"""
