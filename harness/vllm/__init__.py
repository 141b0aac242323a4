"""What vLLM loads of the harness, by the entry point `vllm.logits_processors`; nothing else imports it."""

from harness.vllm.coupled_noise import CoupledNoise

__all__ = ["CoupledNoise"]
