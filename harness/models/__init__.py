"""Models: load them, ask them, and store them as Q + L·R. Importing this package registers our formats with transformers."""

from __future__ import annotations

from pathlib import Path

from harness.models import quantizer  # noqa: F401  (registers the packed format)

__all__ = ["resolve"]


def resolve(name: str) -> Path:
    """The folder of a registry's model entry ("pocket"), of a path or of a hub id. Raises ModelError if there is none."""
    from harness.registry import load_catalogue, load_plugins
    from harness.sources import locate_model

    return Path(locate_model(name, load_catalogue(load_plugins())).path)
