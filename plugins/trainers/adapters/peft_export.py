"""The LoRA adapter as PEFT reads it. PEFT has no counterpart of the singular-basis adapter, which is only merged."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors.torch import save_file

from harness_plugins.trainers.adapters.adapter import Adapter
from harness_plugins.trainers.adapters.lora import LoraLinear


def export_peft(adapter: Adapter, folder: Path) -> None:
    """Write what `PeftModel.from_pretrained(model, folder)` loads: A, B = main + quarantine, and scaling 1."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors, ranks = {}, {}
    for name, module in adapter.modules.items():
        assert isinstance(module, LoraLinear)
        ranks[name] = module.main.shape[1]
        tensors[f"base_model.model.{name}.lora_A.weight"] = module.a.detach().float().cpu().contiguous()
        b = (module.main + module.quarantine).detach()  # (m, rank)
        tensors[f"base_model.model.{name}.lora_B.weight"] = b.cpu().contiguous()
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    rank = max(ranks.values())
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": None,
        "inference_mode": True,
        "target_modules": sorted(ranks),
        "r": rank,
        "lora_alpha": rank,
        "rank_pattern": {name: own for name, own in sorted(ranks.items()) if own != rank},
        "alpha_pattern": {name: own for name, own in sorted(ranks.items()) if own != rank},
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
