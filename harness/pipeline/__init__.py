"""One cell, stage by stage: train -> compress -> sample -> grade -> detect."""

from harness.pipeline.cell import CellRunner

__all__ = ["CellRunner"]
