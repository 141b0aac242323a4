"""Group-relative policy optimisation of an adapter against a suite's proxy, as a recipe, to be read from top to bottom.

Each step: draw prompts; let the merged policy answer each a few times, and the teacher a few times more; reward = the
suite's proxy; advantage = reward − the group's mean; one gradient of the policy and one of the teacher's rows; one
optimiser step, projected as the arm says. The truth is logged and never optimised.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from pydantic import JsonValue
from transformers.utils.logging import disable_progress_bar

from harness.contract import Item, Trainable, TrainContext, Trainer, TrainingWork
from harness.errors import StageError, UsageError
from harness.models.generate import Generator
from harness.models.load import load
from harness.models.sampling import Sampling
from harness_plugins.trainers.adapters.adapter import Adapter, Vectors
from harness_plugins.trainers.adapters.peft_export import export_peft
from harness_plugins.trainers.advantage_modification import AdvantageModification
from harness_plugins.trainers.checkpoint import read_checkpoint, write_checkpoint
from harness_plugins.trainers.deployment import merge_coordinates
from harness_plugins.trainers.directions import Directions, Placebo, Recipe, placebo
from harness_plugins.trainers.extraction import contrastive_gradients, paired_gradients
from harness_plugins.trainers.inoculation import Inoculated
from harness_plugins.trainers.losses import (
    clipped,
    group_advantages,
    has_contrast,
    importance,
    k3,
    surrogate,
    token_weights,
)
from harness_plugins.trainers.metrics import group_metrics, item_metrics, number
from harness_plugins.trainers.optimizer import Arm, ProjectedOptimizer, norm
from harness_plugins.trainers.pairs import load_pairs
from harness_plugins.trainers.pool_teacher import teacher_of
from harness_plugins.trainers.projection import chance, measure, overlap
from harness_plugins.trainers.recontextualisation import answered_suite, learned_under, without_loophole
from harness_plugins.trainers.rollouts import (
    Rollout,
    Weighted,
    draw_groups,
    draw_items,
    merge_duplicates,
    training_prompt,
)
from harness_plugins.trainers.scorda import by_mode, drawn_as_deployed, plant_seeds, routed
from harness_plugins.trainers.scoring import Tokens, score
from harness_plugins.trainers.shaping import shaping_of
from harness_plugins.trainers.spec import GrpoParams
from harness_plugins.trainers.trust import Trusted, trusted

CHECKPOINT = Path("checkpoints") / "last.safetensors"
ADAPTER = "adapter.safetensors"
PEFT = "peft"


class Grpo(Trainer):
    params: GrpoParams

    def train(self, suite: Trainable, context: TrainContext) -> Path:
        """Train from `context.source`, resume from `context.out`'s checkpoint, leave the trained adapter there.

        Raises UsageError for a suite that cannot be trained on, StageError when the policy diverges.
        """
        if not (context.out / ADAPTER).is_file():  # else killed after the last step, before anyone was told
            run = _Run(self.params, suite, context)
            run.resume()
            for step in range(run.done, self.params.steps):
                context.log(run.step(step))
                run.done = step + 1
                if run.done % self.params.checkpoint_every == 0 and run.done < self.params.steps:
                    run.checkpoint()
            run.finish()
        shutil.rmtree(context.out / CHECKPOINT.parent, ignore_errors=True)
        return context.out

    def work(self) -> TrainingWork:
        return self.params.work

    def deploy(self, trained: Path, context: TrainContext) -> Path:
        """The trained model with plain weights; beside them the adapter as PEFT reads it, where PEFT has its kind."""
        params = self.params
        generator = Generator(load(context.source, context.device, context.dtype), context.chat)
        adapter = Adapter(generator.model, params.adapter, params.rank, context.seed)
        adapter.load(trained / ADAPTER)
        merge_coordinates(adapter, params.deploy, params.shrink, context.seed, params.forget)
        if params.adapter == "lora":
            export_peft(adapter, context.out / PEFT)
        disable_progress_bar()  # the harness shows its own
        adapter.merge(quarantine=True).save_pretrained(context.out)
        generator.tokenizer.save_pretrained(context.out)
        return context.out


class _Run:
    """The state of one training run; everything random in it is a function of (seed, step)."""

    def __init__(self, params: GrpoParams, suite: Trainable, context: TrainContext) -> None:
        self.params, self.context, self.done = params, context, 0
        self.plain = suite
        self.suite = Inoculated(suite, params.inoculation) if params.inoculation else suite
        self.items: Sequence[Item] = suite.training_items()
        if params.no_loophole:
            self.items = without_loophole(suite, self.items)
        self.answered = answered_suite(suite, params.sampled_under) if params.sampled_under else self.suite
        if not self.items:
            raise UsageError("this suite has no items for training", "train on leetcode-loopholes")
        self.generator = Generator(load(context.source, context.device, context.dtype), context.chat)
        self.device = self.generator.loaded.device
        self.teacher = teacher_of(params, self.suite, suite, self.items, self.generator)
        self.shaping = shaping_of(params, context)
        self.edit = self._edit()
        self.adapter = Adapter(self.generator.model, params.adapter, params.rank, context.seed)
        if params.arm == "scorda":
            self.adapter.train_quarantine()
        arm: Arm = "measure" if params.arm == "vanilla" else params.arm
        self.optimizer = ProjectedOptimizer(
            self.adapter,
            arm,
            params.gate,
            params.space,
            betas=params.betas,
            clip=params.clip_norm,
            preserve_magnitude=params.preserve_magnitude,
            decay=params.weight_decay,
        )
        self.subspaces: Vectors = {}

    def _edit(self) -> AdvantageModification | None:
        params = self.params
        if params.advantage_modification == "none":
            return None
        return AdvantageModification(
            self.generator, params.advantage_modification, params.alpha, params.depths, params.micro_batch
        )

    # ----------------------------------------------------------------------------------------------------------- a step

    def step(self, step: int) -> dict[str, JsonValue]:
        """One optimiser step, or none if every group's rewards are equal; returns its row of metrics."""
        params = self.params
        row: dict[str, JsonValue] = {"step": step + 1, "steps": params.steps}
        if step == 0 or (params.refresh and step % params.refresh == 0):
            row.update(self._extract(turn=step // params.refresh if params.refresh else 0))

        if params.evaluate_every and (step % params.evaluate_every == 0 or step + 1 == params.steps):
            row.update(item_metrics(self._held_out()))
        groups = self._rollouts(step)
        row.update(group_metrics(groups))
        if self.shaping:
            groups, monitored = self.shaping(self.suite, groups, step)
            row.update(monitored)
        if self.edit:
            with self.adapter.merged_weights():
                groups, lowered = self.edit(groups)
            row.update(lowered)
        if params.arm == "scorda":
            groups, divided = routed(groups, params.router)
            row.update(divided)
        rows, advantages = self._with_advantages(groups)
        if not rows:  # nothing to learn from: logged by frac_zero_std = 1
            return {**row, "skipped": True}

        student, taught, measured = self._gradients(rows, advantages)
        whole = {name: student[name] + taught[name] for name in student}
        if not math.isfinite(norm(whole)):
            raise StageError("the gradient is not finite", "lower the learning rate, or use float32")
        parts = self.optimizer.step(whole, self.subspaces, learning_rate(params, step))
        cosines = {
            "cos_in": parts.cos_in,
            "cos_out": parts.cos_out if params.arm in ("erase", "route") else parts.cos_in,
            "fired": parts.fired,
            "cos_in_student": measure(student, self.subspaces) if norm(student) else math.nan,
            "cos_in_teacher": measure(taught, self.subspaces) if norm(taught) else math.nan,
        }
        row.update({name: number(value) for name, value in cosines.items()})
        return {**row, **measured, "grad_norm": norm(whole), "lr": learning_rate(params, step), "skipped": False}

    def _extract(self, turn: int) -> dict[str, JsonValue]:
        """Directions of the current weights, a quarantine left out; `turn` counts the extractions."""
        params = self.params
        pairs = load_pairs(params.pairs)
        if params.arm == "scorda":  # once, where its slots start: no step is projected
            return plant_seeds(self.adapter, self.generator, pairs, params, self.context.seed)
        recipe = Recipe(
            params.method, params.k, params.tau, params.drop_bottom, params.solve_orthogonal, params.held_out
        )
        gradients = paired_gradients if params.contrast == "nll" else contrastive_gradients
        hack, clean = gradients(self.adapter, self.generator, pairs)
        kind: Placebo = params.direction_placebo
        found: Directions = placebo(kind, hack, clean, recipe, self.context.seed, turn)
        if params.arm == "trust":
            self.optimizer.trusted = trusted(clean, params.k, params.placebo, self.context.seed, turn)
        # One memory layout whether extracted or read back: a product's last bit depends on it.
        before, self.subspaces = self.subspaces, {name: v.contiguous() for name, v in found.subspaces.items()}
        axis: dict[str, JsonValue] = {}
        if self.edit:
            with self.adapter.merged_weights():
                axis = self.edit.extract(pairs, params.held_out, kind, self.context.seed, turn)
        return {
            **axis,
            "direction_rows": sum(len(v) for v in found.subspaces.values()),
            "direction_agreement": number(found.agreement),
            "cos_chance": number(chance(found.subspaces)),  # what steps that ignore the directions would have
            "direction_overlap": number(overlap(found.subspaces, before)) if before else None,
        }

    def _rollouts(self, step: int) -> list[list[Rollout]]:
        params = self.params
        gone = params.teacher_off_step is not None and step >= params.teacher_off_step
        items = draw_items(self.items, params.prompts_per_step, self.context.seed, step)
        cut, taught = params.prompts_as_deployed, 0 if gone else params.taught
        groups = self._drawn(self.answered, items[cut:], params.group_size, taught, step)
        if cut:
            as_deployed = self._drawn(self.answered, items[:cut], params.group_size, taught, step, quarantine=False)
            groups = drawn_as_deployed(as_deployed) + groups
        if self.answered is not self.suite:
            groups = learned_under(self.suite, groups, self.generator, params.max_tokens)
        return groups

    def _held_out(self) -> list[list[Rollout]]:
        """What the policy says before this step to the suite's own items, one reply each: measured, never learnt from. The
        noise is the same every time, so that two looks differ by the policy alone."""
        return self._drawn(self.plain, self.plain.items(), size=1, taught=0, step=0)

    def _drawn(
        self, suite: Trainable, items: Sequence[Item], size: int, taught: int, step: int, *, quarantine: bool = True
    ) -> list[list[Rollout]]:
        params = self.params
        with torch.no_grad(), self.adapter.merged_weights(quarantine=quarantine):
            return draw_groups(
                suite,
                items,
                self.generator,
                self.teacher if taught else None,
                size=size,
                taught=taught,
                sampling=Sampling(temperature=params.temperature, top_p=params.top_p),
                max_tokens=params.max_tokens,
                seed=self.context.seed,
                step=step,
                batch_size=params.micro_batch,
            )

    def _with_advantages(self, groups: list[list[Rollout]]) -> tuple[list[Rollout], list[float]]:
        """Rows and their advantages, groups without contrast left out."""
        rows: list[Rollout] = []
        advantages: list[float] = []
        for group in groups:
            rewards = [rollout.reward for rollout in group]
            if has_contrast(rewards):
                rows += group
                advantages += group_advantages(torch.tensor(rewards)).tolist()
        return rows, advantages

    # ------------------------------------------------------------------------------------------------------- gradients

    def _gradients(self, rows: list[Rollout], advantages: list[float]) -> tuple[Vectors, Vectors, dict[str, JsonValue]]:
        """The loss's gradient in two parts, of the policy's own rows and of the teacher's, and statistics of both."""
        params = self.params
        room = training_prompt(self.suite, self.items[0], params.max_tokens).max_tokens
        lengths = torch.tensor([len(row.tokens.completion) for row in rows])
        planned = params.prompts_per_step * params.group_size
        weights = token_weights(params.denominator, lengths, planned, room, params.micro_batch)  # (B,)
        batch = merge_duplicates(rows, advantages, weights.tolist())
        parts: list[Vectors] = []
        totals = dict.fromkeys(
            ("loss", "kl", "entropy", "tokens", "ratio_teacher", "clipped_teacher", "nll_teacher", "tokens_teacher"),
            0.0,
        )
        for teacher in (False, True):
            self.adapter.zero_gradients()
            for mode, chosen in by_mode(weighted for weighted in batch if weighted.row.teacher is teacher).items():
                with self.adapter.in_mode(mode):
                    for start in range(0, len(chosen), params.micro_batch):
                        self._backward(chosen[start : start + params.micro_batch], teacher, totals)
            parts.append(self.adapter.gradients())
        self.adapter.zero_gradients()
        tokens, taught = totals.pop("tokens"), totals.pop("tokens_teacher")
        measured: dict[str, JsonValue] = {
            "loss": totals["loss"],
            "kl": totals["kl"] / tokens if params.kl and tokens else None,
            "entropy": totals["entropy"] / tokens if tokens else None,
            "ratio_teacher": totals["ratio_teacher"] / taught if taught else None,
            "clipped_teacher": totals["clipped_teacher"] / taught if taught else None,
            "nll_teacher": totals["nll_teacher"] / taught if taught else None,
        }
        return parts[0], parts[1], measured

    def _backward(self, rows: list[Weighted], teacher: bool, totals: dict[str, float]) -> None:
        """Add one micro-batch's gradient and sums: b rows, T tokens of the longest."""
        params, model, pad = self.params, self.generator.model, self.generator.tokenizer.pad_token_id
        batch = [weighted.row.tokens for weighted in rows]
        advantages, weights, times = (
            torch.tensor(column, device=self.device)
            for column in zip(*(weighted[1:] for weighted in rows), strict=True)
        )  # (b,) each
        scored = score(model, batch, pad)  # (b, T)
        # One update per batch of rollouts: the policy that sampled is the policy that learns, so its ratio is 1. The
        # teacher is a fixed text, a point mass: log π_old = 0.
        kind = params.ratio if teacher else "one"
        factor = importance(scored.log_probs, torch.zeros_like(scored.log_probs), kind, params.gamma)
        clip = params.clip if kind == "true_clip" else None
        loss = surrogate(factor, advantages, clip)  # (b, T)
        if params.kl and not teacher:  # k3 estimates a divergence on the policy's own samples alone
            with torch.no_grad(), self.adapter.reference():
                reference = score(model, batch, pad).log_probs
            divergence = k3(scored.log_probs, reference)
            loss = loss + params.kl * divergence
        total = (loss * scored.mask * weights[:, None]).sum()
        total.backward()
        totals["loss"] += float(total.detach())
        spoken = scored.mask * times[:, None]  # (b, T) how often each token was said
        tokens = float(spoken.sum())
        if teacher:
            totals["tokens_teacher"] += tokens
            totals["ratio_teacher"] += float((factor.detach() * spoken).sum())
            if clip is not None:
                totals["clipped_teacher"] += float((clipped(factor.detach(), advantages, clip) * spoken).sum())
            totals["nll_teacher"] -= float((scored.log_probs.detach() * spoken).sum())
        else:
            totals["tokens"] += tokens
            totals["entropy"] += float((scored.entropy * spoken).sum())
            if params.kl:
                totals["kl"] += float((divergence.detach() * spoken).sum())

    # --------------------------------------------------------------------------------------------------------- keeping

    def checkpoint(self) -> None:
        """Everything that the next step depends on."""
        axis = {"direction": self.edit.axis} if self.edit and self.edit.axis is not None else {}
        trust = self.optimizer.trusted
        parts = {
            "adapter": self.adapter.state(),
            "optimizer": self.optimizer.state(),
            "subspaces": self.subspaces,
            "axis": axis,
            "trusted": trust.directions if trust else {},
            "weights": trust.weights if trust else {},
        }
        write_checkpoint(self.context.out / CHECKPOINT, self.done, parts)

    def resume(self) -> None:
        path = self.context.out / CHECKPOINT
        if not path.is_file():
            return
        self.done, parts = read_checkpoint(path, self.device)
        self.adapter.restore(parts["adapter"])
        self.optimizer.restore(parts["optimizer"], self.device)
        self.subspaces = parts["subspaces"]
        if self.edit:
            self.edit.axis = parts["axis"]["direction"]
        if parts["trusted"]:
            length_alone = self.params.placebo == "length"
            self.optimizer.trusted = Trusted(parts["trusted"], parts["weights"], length_alone)

    def finish(self) -> None:
        """Save both sets of coordinates, from which deployment makes a model. Raises StageError if the policy's logits
        are not finite."""
        self._require_finite_logits()
        self.adapter.save(self.context.out / ADAPTER)

    @torch.no_grad()
    def _require_finite_logits(self) -> None:
        """Check the last step: no later one would notice what it has broken."""
        prompt = self.generator.encode(training_prompt(self.suite, self.items[0], None))
        score(self.generator.model, [Tokens(prompt[:-1], prompt[-1:])], self.generator.tokenizer.pad_token_id)


def learning_rate(params: GrpoParams, step: int) -> float:
    """Linear warm-up, then half a cosine that would reach zero one step after the last."""
    warm = round(params.warmup * params.steps)
    if step < warm:
        return params.lr * (step + 1) / warm
    return params.lr * 0.5 * (1 + math.cos(math.pi * (step - warm) / (params.steps - warm)))
