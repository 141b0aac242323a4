"""The one place where configs, tokenizers and models are loaded from a folder. No code that lies in it is ever run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PretrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING


def load_config(folder: Path) -> PretrainedConfig:
    return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def load_tokenizer(folder: Path, **options: Any) -> Any:
    return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **options)


def load_model(folder: Path, **options: Any) -> Any:
    """The model, or (model, report) where `output_loading_info` is among the options of transformers."""
    auto: Any = AutoModelForCausalLM  # its annotations know neither output_loading_info nor our options
    return auto.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **options)


def model_of(config: PretrainedConfig, **options: Any) -> PreTrainedModel:
    """The architecture that a config describes, its weights as its constructors make them."""
    model: PreTrainedModel = AutoModelForCausalLM.from_config(config, trust_remote_code=False, **options)
    return model


def model_with(
    config: PretrainedConfig, tensors: Mapping[str, Any], **options: Any
) -> tuple[PreTrainedModel, dict[str, Any]] | None:
    """(the architecture with these tensors, the loading report); None if transformers has no causal model for the config."""
    kind: Any = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None)
    if kind is None:
        return None
    found: tuple[PreTrainedModel, dict[str, Any]] = kind.from_pretrained(
        None, config=config, state_dict=dict(tensors), trust_remote_code=False, output_loading_info=True, **options
    )
    return found
