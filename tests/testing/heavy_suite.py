"""A suite whose module imports torch, which planning would then load."""

import torch  # noqa: F401

from harness.testing import ToySuite


class HeavySuite(ToySuite):
    pass
