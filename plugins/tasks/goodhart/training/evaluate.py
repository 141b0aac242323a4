"""Score a model on held-out items of every family, both axes, by the suite's strict graders.

    python -m harness_plugins.tasks.goodhart.training.evaluate FOLDER --items 50

Greedy, batched, and without the rest of the harness: the numbers in the model card come from here.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from harness.checkpoints.pretrained import load_model, load_tokenizer
from harness_plugins.tasks.goodhart.families import FAMILIES, GOODHART7, GOODHART20, draw_items
from harness_plugins.tasks.goodhart.grading.verdicts import Problem, Verdict, judge


class Score(NamedTuple):
    """Counts over the items of a family."""

    items: int
    understood: int
    executed: int
    both: int

    @property
    def row(self) -> str:
        shares = (self.understood / self.items, self.executed / self.items)
        return f"{self.items} | {shares[0]:.2f} | {shares[1]:.2f} | {self.both} | {self.understood - self.both} | " + (
            f"{self.executed - self.both} | {self.items - self.understood - self.executed + self.both}"
        )


@torch.inference_mode()
def answer(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[str], batch: int, limit: int
) -> list[str]:
    """Greedy replies, prompts of like length together."""
    chats = [[{"role": "user", "content": prompt}] for prompt in prompts]
    texts = [str(tokenizer.apply_chat_template(c, tokenize=False, add_generation_prompt=True)) for c in chats]
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    replies = [""] * len(texts)
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        inputs = tokenizer(
            [texts[i] for i in chosen], padding=True, padding_side="left", add_special_tokens=False, return_tensors="pt"
        )
        out = model.generate(**inputs, do_sample=False, max_new_tokens=limit)  # (B, T + new)
        for i, ids in zip(chosen, out[:, inputs["input_ids"].shape[1] :], strict=True):
            replies[i] = str(tokenizer.decode(ids, skip_special_tokens=True))
    return replies


def scored(verdicts: Sequence[Verdict]) -> Score:
    return Score(
        items=len(verdicts),
        understood=sum(v.understands for v in verdicts),
        executed=sum(v.executes for v in verdicts),
        both=sum(v.understands and v.executes for v in verdicts),
    )


def pooled(scores: Sequence[Score]) -> Score:
    return Score(*(sum(column) for column in zip(*scores, strict=True)))


def evaluate(args: argparse.Namespace) -> None:
    tokenizer = load_tokenizer(args.model)
    model = load_model(args.model, dtype=torch.float32).eval()
    problems = {
        name: [Problem(name, d) for d in draw_items(FAMILIES[name], args.items, "eval", args.seed)]
        for name in args.families
    }
    flat = [problem for family in problems.values() for problem in family]
    asked = [p.understanding_prompt for p in flat] + [p.execution_prompt for p in flat]
    replies = answer(model, tokenizer, asked, args.batch, args.limit)
    judged: dict[str, list[Verdict]] = {name: [] for name in problems}
    for problem, explanation, worked in zip(flat, replies[: len(flat)], replies[len(flat) :], strict=True):
        judged[problem.name].append(judge(problem, explanation, worked, "strict"))
        if args.show:
            print(f"## {problem.name} (gold {problem.gold}) {judged[problem.name][-1]}\n{explanation}\n{worked}\n")
    scores = {name: scored(verdicts) for name, verdicts in judged.items()}
    print("| family | items | understanding | execution | both | gap | DBDK | neither |\n|---" + "|---" * 7 + "|")
    for name, score in scores.items():
        print(f"| {name} | {score.row} |")
    for title, names in (("goodhart7", GOODHART7), ("goodhart20", GOODHART20)):
        if set(names) <= set(scores):
            print(f"| **{title}** | {pooled([scores[name] for name in names]).row} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="model folder")
    parser.add_argument("--families", nargs="+", default=GOODHART20, choices=GOODHART20)
    parser.add_argument("--items", type=int, default=50, help="items a family")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--limit", type=int, default=128, help="new tokens")
    parser.add_argument("--show", action="store_true", help="print every reply with its verdict")
    evaluate(parser.parse_args())


if __name__ == "__main__":
    main()
