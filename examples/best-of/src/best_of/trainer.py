"""Rejection sampling: ask, grade, learn from the better replies."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path
from statistics import mean

import torch

from harness import Item, Outcome, Prompt, Reply, Trainable, TrainContext, Trainer
from harness.models.generate import Generator, Request
from harness.models.load import load
from harness.models.sampling import Sampling

Answered = tuple[Item, dict[str, Reply], Outcome]


class BestOf(Trainer):
    def train(self, suite: Trainable, context: TrainContext) -> Path:
        items = suite.training_items()
        generator = Generator(load(context.source, context.device, context.dtype), context.chat)
        optimizer = torch.optim.AdamW(generator.model.parameters(), lr=self.params.lr)
        for step in range(1, self.params.steps + 1):
            drawn = random.Random(f"{context.seed}/{step}").sample(items, min(self.params.questions, len(items)))
            answered = self.ask(generator, suite, drawn, context.seed, step)
            learned = prompted(suite, above_mean(suite, answered))
            if learned:
                loss = torch.stack([reply_loss(generator, *pair) for pair in learned]).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            outcomes = [outcome for _, _, outcome in answered]
            context.log(
                {
                    "step": step,
                    "steps": self.params.steps,
                    "reward": mean(map(suite.reward, outcomes)),
                    "truth": mean(outcome.truth for outcome in outcomes),  # logged, never optimised
                    "learned_from": len(learned),
                }
            )
        generator.model.save_pretrained(context.out)
        generator.tokenizer.save_pretrained(context.out)
        return context.out

    def ask(self, generator: Generator, suite: Trainable, items: list[Item], seed: int, step: int) -> list[Answered]:
        """Several graded replies to every item; the noise is a function of seed, step, item and repeat."""
        count = self.params.replies
        requests = [
            Request(item=item.id, repeat=step * count + number, prompt=prompt)
            for item in items
            for prompt in suite.prompts(item)
            for number in range(count)
        ]
        replies: dict[tuple[str, int], dict[str, Reply]] = defaultdict(dict)
        for batch in generator.batches(requests, 32):
            said = generator.ask(batch, seed, "best-of", Sampling(temperature=self.params.temperature))
            for request, reply in zip(batch, said, strict=True):
                replies[request.item, request.repeat][request.role] = reply
        by_id = {item.id: item for item in items}
        return [(by_id[name], roles, suite.grade(by_id[name], roles)) for (name, _), roles in sorted(replies.items())]


def above_mean(suite: Trainable, answered: list[Answered]) -> list[Answered]:
    """Those that are rewarded above the mean of their own item."""
    rewards = defaultdict(list)
    for item, _, outcome in answered:
        rewards[item.id].append(suite.reward(outcome))
    return [one for one in answered if suite.reward(one[2]) > mean(rewards[one[0].id])]


def prompted(suite: Trainable, answered: list[Answered]) -> list[tuple[Prompt, Reply]]:
    """Each reply that has words, with the prompt it answers."""
    pairs = []
    for item, replies, _ in answered:
        pairs += [(prompt, replies[prompt.role]) for prompt in suite.prompts(item) if replies[prompt.role].text]
    return pairs


def reply_loss(generator: Generator, prompt: Prompt, reply: Reply) -> torch.Tensor:
    """Mean cross-entropy of the reply's tokens after its prompt, in nats."""
    before = list(generator.encode(prompt))
    after = generator.tokenizer(reply.text, add_special_tokens=False)["input_ids"]
    tokens = torch.tensor([before + after], device=generator.model.device)  # (1, T)
    labels = tokens.clone()
    labels[:, : len(before)] = -100  # the prompt is given, not learned
    return generator.model(tokens, labels=labels).loss
