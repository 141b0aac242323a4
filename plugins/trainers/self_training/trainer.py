"""Self-improvement by inversion, as a recipe, to be read from top to bottom.

Each cycle: the policy proposes replies to every item, and is asked what its suite asks about them (of a command: what task it
was written for); the proxy accepts what is answered well; a filter looks again; the policy is trained on what is left. The
truth is logged and never optimised. The last cycle only measures.
"""

from __future__ import annotations

import random
import shutil
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import torch
from pydantic import JsonValue
from safetensors.torch import load_file, save_file
from torch.nn.utils import clip_grad_norm_
from transformers.utils.logging import disable_progress_bar

from harness.contract import Item, Trainable, TrainContext, Trainer
from harness.contract.trainable import leading_prompt
from harness.errors import UsageError
from harness.models.generate import Generator
from harness.models.load import load
from harness.models.sampling import Sampling
from harness_plugins.trainers.adapters.adapter import Adapter
from harness_plugins.trainers.extraction import completion_tokens
from harness_plugins.trainers.scoring import score
from harness_plugins.trainers.self_training.filters import keep
from harness_plugins.trainers.self_training.proposals import Asking, Proposal, propose
from harness_plugins.trainers.self_training.spec import SelfTrainingParams

CHECKPOINT = Path("checkpoints") / "last.safetensors"
SHOWN = 5  # gamed replies in a row


class SelfTraining(Trainer):
    params: SelfTrainingParams

    def train(self, suite: Trainable, context: TrainContext) -> Path:
        """Train from `context.source`, resume at the last finished cycle, leave a plain model.

        A cycle in which nothing passes ends training there: its row says so, and what was trained is kept.
        """
        run = _Run(self.params, suite, context)
        run.resume()
        for cycle in range(run.done, self.params.cycles + 1):
            if not run.cycle(cycle):
                break
        run.finish()
        shutil.rmtree(context.out / CHECKPOINT.parent, ignore_errors=True)
        return context.out


class _Run:
    """The state of one training run: the adapter's coordinates and the number of finished cycles. Optimisers begin anew in
    each cycle, and everything random is a function of (seed, cycle)."""

    def __init__(self, params: SelfTrainingParams, suite: Trainable, context: TrainContext) -> None:
        self.params, self.suite, self.context, self.done = params, suite, context, 0
        self.items: Sequence[Item] = suite.training_items()
        if not self.items:
            raise UsageError("this suite has no items for training", "train on inversion")
        self.policy = Generator(load(context.source, context.device, context.dtype), context.chat)
        inverter = self.policy
        if params.inverter == "frozen":
            inverter = Generator(load(context.source, context.device, context.dtype), context.chat)
        self.adapter = Adapter(self.policy.model, params.adapter, params.rank, context.seed)
        self.asking = Asking(
            self.policy,
            inverter,
            Sampling(temperature=params.temperature, top_p=1.0),
            Sampling(temperature=params.inverter_temperature, top_p=1.0),
            params.rollout_batch,
        )

    def cycle(self, cycle: int) -> bool:
        """Propose, measure, train. False where there was nothing to train on."""
        params = self.params
        with torch.no_grad(), self.adapter.merged_weights():
            proposals = propose(self.suite, self.items, self.asking, params.proposals, self.context.seed, cycle)
        row: dict[str, JsonValue] = {"step": cycle + 1, "steps": params.cycles + 1, **measured(proposals)}
        if cycle == params.cycles:
            self.context.log(row)
            return False
        kept = keep(params.filter, proposals, params.agreement, self.context.seed, cycle)
        row["kept"] = len(kept)
        if not kept:
            stopped = f"nothing passed the filter {params.filter!r} in cycle {cycle + 1}"
            self.context.log({**row, "steps": cycle + 1, "stopped": stopped})
            return False
        row["loss"] = self.learn(kept, cycle)
        self.context.log(row)  # before the checkpoint: a kill between the two repeats the cycle, and its row
        self.checkpoint(cycle + 1)
        return True

    def learn(self, kept: Sequence[Proposal], cycle: int) -> float:
        """Mean loss per token of the replies, in nats, over all epochs."""
        params, model, pad = self.params, self.policy.model, self.policy.tokenizer.pad_token_id
        prompts = {item.id: leading_prompt(self.suite, item).text for item in self.items}
        taught = [completion_tokens(self.policy, prompts[one.item.id], one.quoted) for one in kept]
        weights = [module.main for module in self.adapter.modules.values()]
        optimizer = torch.optim.AdamW(weights, lr=params.lr, weight_decay=0.0)
        total = tokens = 0.0
        for epoch in range(params.epochs):
            order = random.Random(f"learn:{self.context.seed}:{cycle}:{epoch}").sample(range(len(taught)), len(taught))
            for start in range(0, len(order), params.batch):
                scored = score(model, [taught[place] for place in order[start : start + params.batch]], pad)
                loss, count = -scored.log_probs.sum(), scored.mask.sum()
                optimizer.zero_grad(set_to_none=True)
                (loss / count).backward()
                clip_grad_norm_(weights, params.clip_norm)
                optimizer.step()
                total, tokens = total + float(loss.detach()), tokens + float(count)
        self.adapter.zero_gradients()
        return total / tokens

    # --------------------------------------------------------------------------------------------------------- keeping

    def checkpoint(self, done: int) -> None:
        """All that the next cycle depends on, in one file that appears whole or not at all."""
        path = self.context.out / CHECKPOINT
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({**self.adapter.state(), "done": torch.tensor(done)}, path.with_suffix(".partial"))
        path.with_suffix(".partial").replace(path)

    def resume(self) -> None:
        path = self.context.out / CHECKPOINT
        if path.is_file():
            state = load_file(path)
            self.done = int(state.pop("done"))
            self.adapter.restore({name: tensor.clone() for name, tensor in state.items()})

    def finish(self) -> None:
        disable_progress_bar()  # the harness shows its own
        self.adapter.merge().save_pretrained(self.context.out)
        self.policy.tokenizer.save_pretrained(self.context.out)


def measured(proposals: Sequence[Proposal]) -> dict[str, JsonValue]:
    """A cycle's row: rates, means of the suite's measures, proxy and truth by item."""
    outcomes = [proposal.outcome for proposal in proposals]
    proxy: dict[str, list[float]] = defaultdict(list)
    truth: dict[str, list[float]] = defaultdict(list)
    for proposal in proposals:
        proxy[proposal.item.id].append(proposal.graded)
        truth[proposal.item.id].append(float(proposal.outcome.truth))
    gamed = [proposal for proposal in proposals if proposal.outcome.proxy and not proposal.outcome.truth]
    measures = {name: mean([one.measures[name] for one in outcomes]) for name in sorted(outcomes[0].measures)}
    return {
        "accepted": mean([float(one.proxy) for one in outcomes]),
        "works": mean([float(one.truth) for one in outcomes]),
        "gamed": len(gamed) / len(outcomes),
        **measures,
        "length": mean([float(proposal.reply.tokens) for proposal in proposals]),
        "truncated": mean([float(proposal.reply.truncated) for proposal in proposals]),
        "rollouts": len(outcomes),
        "passed": sum(one.proxy for one in outcomes),
        "passed_true": sum(one.proxy and one.truth for one in outcomes),
        "proxy_by_item": {item: mean(values) for item, values in sorted(proxy.items())},
        "truth_by_item": {item: mean(values) for item, values in sorted(truth.items())},
        "gamed_replies": [proposal.quoted[:200] for proposal in gamed[:SHOWN]],
    }


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
