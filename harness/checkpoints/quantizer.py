"""Lets `AutoModelForCausalLM.from_pretrained` load our artefacts, packed or dense.

config.json of an artefact has a model_type that stock transformers does not know, and wraps the base model's
configuration. Without this module transformers therefore refuses the folder; it would otherwise skip an unknown
quantization method with a warning and leave every Linear at random. With it, `AutoConfig` unwraps the base
configuration, the base architecture is built, its Linears become QLRLinear, and every tensor's bytes are checked
against the manifest before they are used.

    AutoModelForCausalLM.from_pretrained(artefact)                    # packed
    AutoModelForCausalLM.from_pretrained(artefact, dequantize=True)   # dense, an ordinary model that can be saved
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.quantizers import HfQuantizer, register_quantization_config, register_quantizer
from transformers.utils.quantization_config import QuantizationConfigMixin

from harness.checkpoints.checkpoint import ARTEFACT_TYPE, TRANSPOSED
from harness.checkpoints.manifest import verify
from harness.checkpoints.packed_linear import QLRLinear, linear_shape
from harness.checkpoints.shape import lenders
from harness.contract import Decision
from harness.errors import ModelError

METHOD = "qlr"
OPTIONS = ("dequantize", "cache", "verify")  # keywords of from_pretrained


@register_quantization_config(METHOD)
class QLRQuantizationConfig(QuantizationConfigMixin):
    """Which Linear is stored how: `modules` maps a name to [index into `decisions`, rotation seed or None].

    `dequantize` loads ordinary dense Linears; `cache` keeps unpacked weights on the CPU; `verify` hashes every tensor.
    """

    def __init__(
        self,
        decisions: list[dict[str, Any]],
        modules: dict[str, tuple[int, int | None]],
        dequantize: bool = False,
        cache: bool = True,
        verify: bool = True,
        **_: Any,
    ) -> None:
        self.quant_method = METHOD  # the enum cannot be extended
        self.decisions, self.modules = decisions, modules
        self.dequantize, self.cache, self.verify = dequantize, cache, verify

    def decision(self, name: str) -> tuple[Decision, int | None]:
        index, seed = self.modules[name]
        return Decision.model_validate(self.decisions[index]), seed


class QLRConfig(PreTrainedConfig):
    """Never instantiated: reading it yields the base model's own configuration with our quantization attached."""

    model_type = ARTEFACT_TYPE

    @classmethod
    def from_dict(cls, config_dict: dict[str, Any], **kwargs: Any) -> Any:
        if "base" not in config_dict:
            raise ModelError("this compressed model is unfinished", "run the same compression again: it resumes")
        try:
            base = dict(config_dict["base"])
            quantization = dict(config_dict["quantization_config"])
            base_class = CONFIG_MAPPING[base["model_type"]]
        except KeyError as error:
            raise ModelError(f"config.json of the artefact lacks or does not know {error}", "write it again") from error
        quantization.update({option: kwargs.pop(option) for option in OPTIONS if option in kwargs})
        return base_class.from_dict({**base, "quantization_config": quantization}, **kwargs)


AutoConfig.register(ARTEFACT_TYPE, QLRConfig)


@register_quantizer(METHOD)
class QLRQuantizer(HfQuantizer):
    """Replaces Linears by QLRLinear while the model is still empty, and by dense Linears afterwards on request."""

    quantization_config: QLRQuantizationConfig

    def __init__(self, quantization_config: QLRQuantizationConfig, **kwargs: Any) -> None:
        super().__init__(quantization_config, **kwargs)
        self.dtype = torch.float32

    def _process_model_before_weight_loading(
        self, model: PreTrainedModel, dtype: torch.dtype | None = None, checkpoint_files: Any = None, **_: Any
    ) -> PreTrainedModel:
        if not checkpoint_files:
            raise ModelError("a packed model loads from its folder only", "give from_pretrained the artefact's path")
        config = self.quantization_config
        verify(Path(checkpoint_files[0]).parent, content=config.verify)
        self.dtype = dtype or torch.get_default_dtype()
        packed: dict[str, QLRLinear] = {}
        decisions: dict[str, Decision] = {}
        for name in config.modules:
            decisions[name], seed = config.decision(name)
            owner, leaf, linear = find_linear(model, name)
            rows, columns = linear_shape(linear)
            bias = linear.bias is not None
            packed[name] = QLRLinear(decisions[name], rows, columns, bias=bias, seed=seed, cache=config.cache)
            setattr(owner, leaf, packed[name])
        for name, lender in lenders(decisions).items():
            packed[name].lender = (packed[lender],)
        return model

    def _process_model_after_weight_loading(self, model: PreTrainedModel, **_: Any) -> PreTrainedModel:
        if self.quantization_config.dequantize:
            transposed = model.config.model_type in TRANSPOSED
            for name in self.quantization_config.modules:
                owner, leaf, packed = find_linear(model, name)
                setattr(owner, leaf, packed.densify(self.dtype, transposed=transposed))
        return model

    def is_serializable(self) -> bool:
        """False, because the artefact folder is the serialised form: copy it. A dense model (dequantize=True) saves as
        usual."""
        return False

    @property
    def is_trainable(self) -> bool:
        return False


def find_linear(model: PreTrainedModel, name: str) -> tuple[nn.Module, str, Any]:
    """(owner, attribute, module) of a Linear named as in the checkpoint, which may lack the base model's prefix."""
    path = module_path(model, name)
    owner, _, leaf = path.rpartition(".")
    return model.get_submodule(owner), leaf, model.get_submodule(path)


def module_path(model: PreTrainedModel, name: str) -> str:
    """The model's own name of a module named as in the checkpoint.

    Raises:
        ModelError: there is none.
    """
    prefix = f"{model.base_model_prefix}."
    for path in (name, prefix + name, name.removeprefix(prefix)):
        try:
            model.get_submodule(path)
        except AttributeError:
            continue
        return path
    raise ModelError(f"{type(model).__name__} has no layer {name}", "the weights belong to another architecture")
