"""A compressor whose module imports torch, which planning would then load."""

import torch  # noqa: F401
from broken_compressors import Good


class Heavy(Good):
    pass
