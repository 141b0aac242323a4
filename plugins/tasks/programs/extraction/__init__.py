"""From a reply to the program in it."""

from harness_plugins.tasks.programs.extraction.program import function, program

__all__ = ["function", "program"]
