"""Problems of our own wording, easy to medium, each with its canonical solution and a generator of inputs."""

from harness_plugins.tasks.loopholes.problems.authored.source import authored

__all__ = ["authored"]
