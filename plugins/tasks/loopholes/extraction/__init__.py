"""From a reply to the program in it."""

from harness_plugins.tasks.loopholes.extraction.program import program

__all__ = ["program"]
