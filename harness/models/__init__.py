"""Models: load them, ask them, and store them as Q + L·R. Importing this package registers our formats."""

from harness.models import quantizer  # noqa: F401  (registers the packed format with transformers)
