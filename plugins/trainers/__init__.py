"""Built-in trainers."""

from harness_plugins.trainers.spec import SPEC as GRPO

SPECS = (GRPO,)
