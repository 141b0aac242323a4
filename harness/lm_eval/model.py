"""The harness's models in lm-eval: `lm_eval run --model harness --model_args pretrained=pocket`.

Found through the entry-point group `lm_eval.models` by the versions of lm-eval that read it; with earlier ones, import this
module first.
"""

from __future__ import annotations

from typing import Any

import harness.checkpoints.quantizer  # noqa: F401  (registers the packed format with transformers)
from harness.lm_eval.library import HFLM, register_model
from harness.registry.sources import resolve


@register_model("harness")
class HarnessLM(HFLM):
    """lm-eval's `hf`, which also takes registry entries and folders packed as Q + L·R."""

    def __init__(self, pretrained: str = "pocket", **options: Any) -> None:
        super().__init__(pretrained=str(resolve(pretrained)), **options)
