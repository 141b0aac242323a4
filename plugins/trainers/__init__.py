"""Built-in trainers."""

from harness_plugins.trainers.self_training.spec import SPEC as SELF_TRAINING
from harness_plugins.trainers.spec import SPEC as GRPO

SPECS = (GRPO, SELF_TRAINING)
