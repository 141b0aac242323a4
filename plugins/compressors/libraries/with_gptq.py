"""GPTQ through optimum (Frantar et al. 2022, https://arxiv.org/abs/2210.17323), by the way that transformers documents.

The library wants the whole model and writes its own format, whose bits are counted from its files. Loading needs
optimum and gptqmodel again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.contract import Compressor, Decision, Decisions, ModelShape
from harness_plugins.compressors.libraries.params import GptqParams


class Gptq(Compressor):
    whole_model = True
    params: GptqParams

    def plan(self, shape: ModelShape, measurements: Any = None) -> Decisions:
        decision = Decision(bits=self.params.bits, group=self.params.group, grid="midtread")
        return {linear.name: decision for linear in shape.linears}

    def compress_model(self, source: Path, calibration: Sequence[Sequence[int]], out: Path) -> None:
        import torch
        from transformers import GPTQConfig

        from harness.checkpoints.pretrained import load_model

        tokens = [torch.tensor([list(sequence)]) for sequence in calibration]  # each (1, length)
        dataset: Any = [{"input_ids": ids, "attention_mask": torch.ones_like(ids)} for ids in tokens]
        config = GPTQConfig(
            bits=self.params.bits,
            group_size=self.params.group,
            damp_percent=self.params.damp,
            desc_act=self.params.act_order,
            sym=True,
            dataset=dataset,
        )
        model = load_model(source, quantization_config=config)
        model.config.quantization_config.dataset = None  # tensors, which config.json cannot hold
        model.save_pretrained(out)
