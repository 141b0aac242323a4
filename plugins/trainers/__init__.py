"""Built-in trainers."""

from harness_plugins.trainers.inversion.spec import SPEC as INVERSION
from harness_plugins.trainers.spec import SPEC as GRPO

SPECS = (GRPO, INVERSION)
