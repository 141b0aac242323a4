"""Parameters in a module that imports torch: what a spec must not need."""

import torch  # noqa: F401

from harness import Params


class HeavyParams(Params):
    pass
