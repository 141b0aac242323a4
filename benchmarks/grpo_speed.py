"""How fast GRPO is on pocket-code: a whole short run, one step beside TRL's, and rollouts beside the base model's.

    python benchmarks/grpo_speed.py > docs/results/grpo-speed.md

1. 20 steps of 6 prompts × 8 rollouts with the suite's real graders, directions and measuring included: under 60 s.
2. A step without its reward, beside the step of TRL's GRPOTrainer: the same adapter on the same model, the same prompts,
   48 rollouts of exactly 20 tokens, the same loss. Both take turns; medians; at most 0.7 times TRL's. Ours is measured
   as it is (replies that are said several times are scored once) and with that taken away.
3. Tokens per second of rollouts through the folded adapter, beside the base model's: at most 5 % less.

One thread. Exits with 1 if a limit is missed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: more threads only spin on so small a model

import torch
import trl
from datasets import Dataset
from transformers import TrainerCallback

from harness.contract import Item, Outcome, TrainContext
from harness.models.generate import Generator
from harness.models.load import load
from harness.models.sampling import Sampling
from harness_plugins.tasks.loopholes.spec import LoopholeParams
from harness_plugins.tasks.loopholes.suite import LoopholeSuite
from harness_plugins.trainers import grpo
from harness_plugins.trainers.adapters.adapter import Adapter
from harness_plugins.trainers.rollouts import Rollout, Weighted, _sample, draw_items, training_prompt
from harness_plugins.trainers.spec import GrpoParams

POCKET = Path(__file__).parents[1] / "plugins" / "tasks" / "loopholes" / "pocket"
PROMPTS, ROLLOUTS, TOKENS = 6, 8, 20
RUN_LIMIT, STEP_LIMIT, ROLLOUT_LIMIT = 60.0, 0.7, 0.95


class Unrewarded(LoopholeSuite):
    """The suite's prompts under a reward that costs nothing: the hash of the reply."""

    def grade(self, item: Item, replies: Any) -> Outcome:
        reward = hashed(next(iter(replies.values())).text)
        return Outcome(proxy=False, truth=False, measures={"reward": reward, "attempted": 0.0})


def hashed(text: str) -> float:
    return hashlib.blake2b(text.encode(), digest_size=1).digest()[0] / 255


def suite(kind: type[LoopholeSuite] = LoopholeSuite) -> LoopholeSuite:
    return kind(LoopholeParams.model_validate({"source": "generated"}))


def context(out: Path) -> TrainContext:
    return TrainContext(source=POCKET, out=out, seed=1, device="cpu", dtype="float32", log=lambda row: None)


def endless(generator: Generator) -> Generator:
    """The same model without a token that ends a reply: every reply is full."""
    return Generator(dataclasses.replace(generator.loaded, eos=()))


# ---------------------------------------------------------------------------------------------------------- a whole run


def whole_run(out: Path) -> float:
    """Seconds of 20 steps, from loading the model to the saved adapter."""
    params = GrpoParams(steps=20, prompts_per_step=PROMPTS, group_size=ROLLOUTS, teacher_off_step=None)
    started = time.perf_counter()
    grpo.Grpo(params).train(suite(), context(out))
    return time.perf_counter() - started


# --------------------------------------------------------------------------------------------------- a step beside TRL's


class OurStep:
    """Steps of `_Run` on rollouts of exactly TOKENS tokens."""

    def __init__(self, out: Path, *, merging: bool) -> None:
        params = GrpoParams(
            prompts_per_step=PROMPTS, group_size=ROLLOUTS, mix=0, kl=0, max_tokens=TOKENS, steps=1000, lr=1e-3
        )
        self.run, self.merging, self.done = grpo._Run(params, suite(Unrewarded), context(out)), merging, 0
        self.run.generator = endless(self.run.generator)

    def __call__(self) -> float:
        with contextlib.nullcontext() if self.merging else unmerged():
            started = time.perf_counter()
            rows, advantages = self.run._with_advantages(self.run._rollouts(self.done))
            student, _, _ = self.run._gradients(rows, advantages)
            self.run.optimizer.step(student, {}, 1e-3)
            seconds = time.perf_counter() - started
        assert {len(row.tokens.completion) for row in rows} == {TOKENS}
        self.done += 1
        return seconds


@contextlib.contextmanager
def unmerged() -> Iterator[None]:
    """Equal replies scored one by one."""
    real = grpo.merge_duplicates

    def apart(rows: Sequence[Rollout], advantages: Sequence[float], weights: Sequence[float]) -> list[Weighted]:
        return [Weighted(*row, 1.0) for row in zip(rows, advantages, weights, strict=True)]

    grpo.merge_duplicates = apart
    try:
        yield
    finally:
        grpo.merge_duplicates = real


class Timer(TrainerCallback):
    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self.started = time.perf_counter()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.seconds.append(time.perf_counter() - self.started)


class TrlStep:
    """`GRPOTrainer` on the same model with the same adapter (unfolded: it knows of no folding), its reward a hash."""

    def __init__(self, out: Path, steps: int) -> None:
        generator = Generator(load(POCKET, "cpu", "float32"))
        Adapter(generator.model, "svd")
        problems = suite()
        items = draw_items(problems.training_items(), PROMPTS * steps, 1, 0)
        prompts = [[{"role": "user", "content": training_prompt(problems, item, None).text}] for item in items]
        self.timer = Timer()
        self.steps = steps
        arguments = trl.GRPOConfig(
            output_dir=str(out),
            per_device_train_batch_size=PROMPTS * ROLLOUTS,
            num_generations=ROLLOUTS,
            max_completion_length=TOKENS,
            generation_kwargs={"min_new_tokens": TOKENS},
            max_steps=steps,
            learning_rate=1e-3,
            loss_type="dr_grpo",
            scale_rewards="none",
            beta=0.0,
            gradient_checkpointing=False,
            use_cpu=True,
            bf16=False,
            report_to=[],
            logging_strategy="no",
            save_strategy="no",
            disable_tqdm=True,
        )
        self.trainer = trl.GRPOTrainer(
            model=generator.model,
            reward_funcs=lambda completions, **_: [hashed(one[0]["content"]) for one in completions],
            args=arguments,
            train_dataset=Dataset.from_list([{"prompt": prompt} for prompt in prompts]),
            processing_class=generator.tokenizer,
            callbacks=[self.timer],
        )

    def __call__(self) -> list[float]:
        self.trainer.train()
        return self.timer.seconds[1:]  # the first one warms up


# ------------------------------------------------------------------------------------------------------------- rollouts


def rollout_speeds(rounds: int) -> tuple[float, float]:
    """(base, folded) tokens per second, each the best of `rounds` that took turns."""
    problems = suite(Unrewarded)
    base, adapted = (endless(Generator(load(POCKET, "cpu", "float32"))) for _ in range(2))
    adapter = Adapter(adapted.model, "svd")
    for module in adapter.modules.values():
        module.main.data.normal_(std=0.01)
    items = draw_items(problems.training_items(), PROMPTS, 1, 0)
    asked = [(item, training_prompt(problems, item, TOKENS), place) for item in items for place in range(ROLLOUTS)]

    def speed(generator: Generator) -> float:
        started = time.perf_counter()
        replies = _sample(generator, asked, Sampling(temperature=1.0), 1, 0, ROLLOUTS, len(asked))
        return sum(map(len, replies)) / (time.perf_counter() - started)

    speeds: tuple[list[float], list[float]] = ([], [])
    with torch.no_grad(), adapter.merged_weights():
        for _ in range(rounds + 1):
            for generator, seen in zip((base, adapted), speeds, strict=True):
                seen.append(speed(generator))
    return max(speeds[0][1:]), max(speeds[1][1:])


def medians(*steps: Callable[[], float], rounds: int) -> list[float]:
    """Median seconds of each, taking turns; the first round warms up."""
    taken = [[step() for step in steps] for _ in range(rounds + 1)][1:]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def main() -> int:
    with tempfile.TemporaryDirectory() as name, contextlib.redirect_stdout(sys.stderr):
        folder = Path(name)
        run_seconds = whole_run(folder / "run")
        ours = [OurStep(folder / str(merging), merging=merging) for merging in (True, False)]
        half = TrlStep(folder / "trl", steps=7)()
        merged, unmerged_step = medians(*ours, rounds=12)
        theirs = statistics.median([*half, *TrlStep(folder / "trl", steps=7)()])  # before and after ours
        base, folded = rollout_speeds(rounds=9)
    checks = [
        (
            f"20 steps of {PROMPTS} × {ROLLOUTS}, graded",
            f"{run_seconds:.1f} s",
            f"< {RUN_LIMIT:.0f} s",
            run_seconds < RUN_LIMIT,
        ),
        ("a step beside TRL's", f"{merged / theirs:.2f}", f"≤ {STEP_LIMIT}", merged / theirs <= STEP_LIMIT),
        (
            "folded rollouts beside the base's",
            f"{folded / base:.3f}",
            f"≥ {ROLLOUT_LIMIT}",
            folded / base >= ROLLOUT_LIMIT,
        ),
    ]
    print("# Speed of GRPO on pocket-code\n\n    python benchmarks/grpo_speed.py\n")
    print(
        f"One thread on {platform.processor() or platform.machine()}, torch {torch.__version__}, TRL {trl.__version__}.\n"
    )
    print("| | measured | limit | |\n| --- | ---: | ---: | --- |")
    for what, measured, limit, held in checks:
        print(f"| {what} | {measured} | {limit} | {'held' if held else '**missed**'} |")
    print("\n| a step without its reward, 48 rollouts of 20 tokens | seconds | of TRL's |\n| --- | ---: | ---: |")
    for what, seconds in (("TRL", theirs), ("ours", merged), ("ours, equal replies not merged", unmerged_step)):
        print(f"| {what} | {seconds:.3f} | {seconds / theirs:.2f} |")
    print(f"\nRollouts: {base:.0f} tokens/s by the base model, {folded:.0f} through the folded adapter.")
    return 0 if all(held for *_, held in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
