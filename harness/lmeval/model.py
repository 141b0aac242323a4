"""A model of the harness under its own name in lm-eval: `lm_eval run --model harness --model_args pretrained=pocket`.

Found through the entry-point group `lm_eval.models` by the versions of lm-eval that read it; with earlier ones, import this
module first.
"""

from __future__ import annotations

from typing import Any

from lm_eval.api.registry import register_model
from lm_eval.models.huggingface import HFLM

from harness.models import resolve


@register_model("harness")
class HarnessLM(HFLM):
    """lm-eval's `hf`, which takes registry entries as well, and folders packed as Q + L·R."""

    def __init__(self, pretrained: str = "pocket", **options: Any) -> None:
        super().__init__(pretrained=str(resolve(pretrained)), **options)
