"""The oracle: TRL's GRPOTrainer computes the same loss and the same gradients on the same batch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harness.contract import Item, Outcome, Params, Prompt, Trainable, TrainContext
from harness_plugins.trainers.adapters.adapter import Vectors
from harness_plugins.trainers.grpo import _Run
from harness_plugins.trainers.rollouts import Rollout
from harness_plugins.trainers.spec import GrpoParams

trl = pytest.importorskip("trl", reason="TRL is the oracle of this test: pip install trl")

ROOM = 12


class Vowels(Trainable):
    """Replies of a random model under any reward: only the batch matters here."""

    def training_items(self) -> list[Item]:
        return [Item(id=f"i{n}", family="f", cluster=str(n), data={"n": n}) for n in range(3)]

    def prompts(self, item: Item) -> list[Prompt]:
        return [Prompt(role="say", text="Explain " + "well " * int(item.data["n"]), max_tokens=ROOM)]

    def grade(self, item: Item, replies) -> Outcome:
        return Outcome(proxy=False, truth=False)


@pytest.fixture
def batch(tiny_qwen2, tmp_path, monkeypatch):
    """(run with an adapter that has moved, 12 rollouts of unequal length, an advantage each)."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))

    def make(**params) -> tuple[_Run, list[Rollout], list[float]]:
        chosen = GrpoParams(prompts_per_step=3, group_size=4, mix=0, micro_batch=64, **params)
        context = TrainContext(
            source=tiny_qwen2, out=tmp_path / "out", seed=5, device="cpu", dtype="float32", log=lambda row: None
        )
        run = _Run(chosen, Vowels(Params()), context)
        generator = torch.Generator().manual_seed(2)
        for module in run.adapter.modules.values():
            module.main.data.copy_(0.05 * torch.randn(module.main.shape, generator=generator))
        rows = [rollout for group in run._rollouts(0) for rollout in group]
        rows = [replace(row, tokens=replace(row.tokens, completion=_cut(row, at))) for at, row in enumerate(rows)]
        rewards = torch.rand(3, 4, generator=generator)
        return run, rows, (rewards - rewards.mean(dim=1, keepdim=True)).flatten().tolist()

    return make


def _cut(row: Rollout, at: int) -> list[int]:
    return row.tokens.completion[: 3 + at % 9]


def trl_loss(run: _Run, rows: list[Rollout], advantages: list[float], out: Path) -> tuple[float, Vectors]:
    """Loss and gradients by TRL's own `_compute_loss`, with our policy as its model."""
    from datasets import Dataset

    params = run.params
    arguments = trl.GRPOConfig(
        output_dir=str(out),
        loss_type=params.denominator,
        scale_rewards="none",
        beta=params.kl,
        use_bias_correction_kl=False,
        epsilon=0.2,
        max_completion_length=ROOM,
        per_device_train_batch_size=len(rows),
        num_generations=4,
        gradient_checkpointing=False,
        use_cpu=True,
        bf16=False,
        report_to=[],
    )
    model, tokenizer = run.generator.model, run.generator.tokenizer
    trainer = trl.GRPOTrainer(
        model=model,
        reward_funcs=lambda completions, **_: [0.0] * len(completions),
        args=arguments,
        train_dataset=Dataset.from_list([{"prompt": "x"}] * len(rows)),
        processing_class=tokenizer,
    )
    trainer.current_gradient_accumulation_steps = 1
    pad = tokenizer.pad_token_id
    prompts, completions = ([getattr(row.tokens, part) for row in rows] for part in ("prompt", "completion"))
    inputs = {
        "advantages": torch.tensor(advantages),
        "num_items_in_batch": torch.tensor(float(sum(map(len, completions)))) * arguments.steps_per_generation,
        **_padded("prompt", prompts, pad, left=True),
        **_padded("completion", completions, pad, left=False),
    }
    if params.kl:
        with torch.no_grad(), run.adapter.reference():
            inputs["ref_per_token_logps"], *_ = trainer._get_per_token_logps_and_entropies(
                model,
                torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], dim=1),
                torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], dim=1),
                inputs["completion_ids"].shape[1],
            )
    model.train()
    run.adapter.zero_gradients()
    loss = trainer._compute_loss(model, inputs)
    loss.backward()
    model.eval()
    return float(loss.detach()), run.adapter.gradients()


def _padded(name: str, rows: list[list[int]], pad: int, *, left: bool) -> dict[str, torch.Tensor]:
    width = max(map(len, rows))
    blanks = [[pad] * (width - len(row)) for row in rows]
    zeros, ones = [[0] * len(blank) for blank in blanks], [[1] * len(row) for row in rows]
    ids = [b + r if left else r + b for b, r in zip(blanks, rows, strict=True)]
    mask = [z + o if left else o + z for z, o in zip(zeros, ones, strict=True)]
    return {f"{name}_ids": torch.tensor(ids), f"{name}_mask": torch.tensor(mask)}


@pytest.mark.parametrize("kl", [0.0, 0.04])
@pytest.mark.parametrize("denominator", ["dr_grpo", "grpo", "bnpo", "dapo"])
def test_loss_and_gradients_are_trls(batch, tmp_path, denominator, kl):
    run, rows, advantages = batch(denominator=denominator, kl=kl)
    student, taught, measured = run._gradients(rows, advantages)
    loss, gradients = trl_loss(run, rows, advantages, tmp_path / "trl")
    assert len({len(row.tokens.completion) for row in rows}) > 3
    assert len({len(row.tokens.prompt) for row in rows}) == 3
    assert measured["loss"] == pytest.approx(loss, abs=1e-6)
    ours = torch.cat([student[name] + taught[name] for name in gradients])
    theirs = torch.cat(list(gradients.values()))
    assert theirs.norm() > 1e-3
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)
