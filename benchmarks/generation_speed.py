"""Generation and likelihood, ours against transformers' `generate` and lm-eval's HFLM, taking turns within one process.

    python benchmarks/generation_speed.py MODEL [--items 20] [--max-tokens 256] [--slots 64] [--batches 16,32,64,128]
    python benchmarks/generation_speed.py MODEL --equal 32 --tokens 160
    python benchmarks/generation_speed.py MODEL --likelihood --items 2

The first asks goodhart7's prompts (two an item and family) greedily until their natural ends; transformers gets the prompts
sorted by length, at each of the batch sizes. The second asks prompts for equally many tokens at one batch size. The third
asks for the likelihood of the procedures that the suite lets a model choose from. Every side does the same work in
every round and the fastest round counts; float32, greedy. Seconds are of the wall and, in brackets, of the processor:
where other work shares the machine, compare the latter.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig

from harness.contract import Prompt
from harness.lm_eval.library import HFLM, Instance
from harness.models.decoding.asks import Ask
from harness.models.decoding.decoder import Decoder
from harness.models.generate import Generator, Request
from harness.models.load import load
from harness.models.padding import pad_left
from harness.models.sampling import Sampling
from harness.models.stream import stream
from harness_plugins.tasks.goodhart.spec import GoodhartParams
from harness_plugins.tasks.goodhart.suite import Goodhart

Texts = dict[int, list[int]]  # new tokens by prompt


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--items", type=int, default=10)
    parser.add_argument("--max-tokens", type=int, default=256)
    parser.add_argument("--slots", type=int, default=64)
    parser.add_argument("--batches", default="16,32,64,128")
    parser.add_argument("--equal", type=int, help="prompts, all in one batch")
    parser.add_argument("--tokens", type=int, default=160)
    parser.add_argument("--likelihood", action="store_true")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--without-lm-eval", action="store_true")
    options = parser.parse_args()
    generator = Generator(load(options.model, "cpu", "float32", frozen=True))
    others = Generator(load(options.model, "cpu", "float32"))  # their Linears stay as they are
    print(f"{options.model.name}, {torch.get_num_threads()} threads", flush=True)
    if options.likelihood:
        likelihoods(generator, others, options)
    else:
        generation(generator, others, options)


def take_turns(sides: dict[str, Callable[[], Any]], rounds: int) -> tuple[dict[str, Any], dict[str, tuple[float, ...]]]:
    """What each side made, and its least seconds: (wall, processor)."""
    made: dict[str, Any] = {}
    seconds: dict[str, tuple[float, ...]] = {}
    for _ in range(rounds):
        for name, side in sides.items():
            wall, processor = time.perf_counter(), time.process_time()
            made[name] = side()
            took = (time.perf_counter() - wall, time.process_time() - processor)
            seconds[name] = min(seconds.get(name, took), took, key=lambda pair: pair[1])
            print(f"  {name}: {took[0]:.1f} s ({took[1]:.1f} s)", flush=True)
    return made, seconds


# ---------------------------------------------------------------------------------------------------------- generation


def generation(generator: Generator, others: Generator, options: argparse.Namespace) -> None:
    suite = Goodhart(GoodhartParams(items=options.items, max_tokens=options.max_tokens, understanding="explain"))
    prompts = [prompt for item in suite.items() for prompt in suite.prompts(item)]
    eos: Sequence[int] = generator.loaded.eos
    batches = [int(size) for size in options.batches.split(",")]
    slots, limit = options.slots, options.max_tokens
    if options.equal:
        prompts, eos = prompts[: options.equal], ()
        batches, slots, limit = [options.equal], options.equal, options.tokens
    rows = [generator.encode(prompt) for prompt in prompts]
    decoder = Decoder(generator.model, generator.tokenizer, eos, generator.accepts)
    print(f"{len(rows)} prompts, {sum(map(len, rows))} tokens; by row: {decoder.by_batch or 'yes'}")

    sides: dict[str, Callable[[], Texts]] = {f"ours, {slots} rows": lambda: ours(decoder, rows, limit, slots)}
    for size in batches:
        sides[f"transformers, batch {size}"] = partial(plain, others, rows, eos, limit, size)
    if not options.equal and not options.without_lm_eval:
        sides["lm-eval HFLM, batch 64"] = lambda: hflm(others, prompts, limit, 64)
    made, seconds = take_turns(sides, options.rounds)

    first = next(iter(sides))
    reference = made[first]
    print(
        "| side | new tokens | wall s | processor s | tokens/s | replies as ours | times ours |\n|---|---|---|---|---|---|---|"
    )
    for name in sides:
        tokens = sum(map(len, made[name].values()))
        wall, processor = seconds[name]
        same = sum(made[name][n] == reference[n] for n in reference)
        ratio = processor / seconds[first][1]
        print(f"| {name} | {tokens} | {wall:.1f} | {processor:.1f} | {tokens / wall:.0f} | {same} | {ratio:.2f} |")


def ours(decoder: Decoder, rows: list[list[int]], limit: int, slots: int) -> Texts:
    asks = [Ask(row, 0, limit, ()) for row in rows]
    return {n: tokens or [] for step in decoder.decode(asks, Sampling(), slots) for n, tokens in step.ended}


@torch.inference_mode()
def plain(generator: Generator, rows: list[list[int]], eos: Sequence[int], limit: int, size: int) -> Texts:
    order = sorted(range(len(rows)), key=lambda n: len(rows[n]))
    made: Texts = {}
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        input_ids, mask = pad_left([rows[n] for n in batch], generator.tokenizer.pad_token_id, generator.loaded.device)
        config = GenerationConfig(
            max_new_tokens=limit,
            do_sample=False,
            eos_token_id=list(eos) or None,
            pad_token_id=generator.tokenizer.pad_token_id,
        )
        output = generator.model.generate(input_ids=input_ids, attention_mask=mask, generation_config=config)
        for n, tokens in zip(batch, output[:, input_ids.shape[1] :].tolist(), strict=True):
            ends = [place for place, token in enumerate(tokens) if token in eos]
            made[n] = tokens[: ends[0] + 1] if ends else tokens
    return made


def hflm(generator: Generator, prompts: list[Prompt], limit: int, size: int) -> Texts:
    tokenizer = generator.tokenizer
    lm = HFLM(pretrained=generator.model, tokenizer=tokenizer, batch_size=size)
    ends = [tokenizer.decode([token]) for token in generator.loaded.eos]
    options = {"until": ends, "max_gen_toks": limit, "do_sample": False, "temperature": 0.0}
    texts = [tokenizer.decode(generator.encode(prompt)) for prompt in prompts]
    asked = [Instance("generate_until", {}, (text, options), n) for n, text in enumerate(texts)]
    said = lm.generate_until(asked, disable_tqdm=True)
    # it returns text without its end: tokens are counted again, one for the end
    return {
        n: [*tokenizer.encode(text, add_special_tokens=False), generator.loaded.eos[0]] for n, text in enumerate(said)
    }


# ---------------------------------------------------------------------------------------------------------- likelihood


def likelihoods(generator: Generator, others: Generator, options: argparse.Namespace) -> None:
    suite = Goodhart(GoodhartParams(items=options.items, understanding="choose"))
    prompts = [prompt for item in suite.items() for prompt in suite.prompts(item) if prompt.choices]
    distinct = list({(prompt.text, prompt.choices): prompt for prompt in prompts}.values())
    requests = [Request(item=str(n), repeat=0, prompt=prompt) for n, prompt in enumerate(distinct)]
    pairs = sum(len(prompt.choices) for prompt in distinct)
    print(f"{len(distinct)} texts, {pairs} pairs of text and continuation")

    def own() -> list[float]:
        found = {
            int(answer.request.item): answer.reply.choice_log_likelihoods
            for lot in stream(generator, requests, 0, "", Sampling(), options.slots)
            for answer in lot.answers
            if answer.reply
        }
        return [value for n in range(len(distinct)) for value in found[n]]

    lm = HFLM(pretrained=others.model, tokenizer=others.tokenizer, batch_size=options.slots)

    def theirs() -> list[float]:
        asked = [
            ((prompt.text, choice), generator.encode(prompt), generator.encode_continuation(prompt, choice))
            for prompt in distinct
            for choice in prompt.choices
        ]
        return [value for value, _ in lm._loglikelihood_tokens(asked, disable_tqdm=True)]

    made, seconds = take_turns({"ours": own, "lm-eval HFLM": theirs}, options.rounds)
    apart = max(abs(a - b) for a, b in zip(made["ours"], made["lm-eval HFLM"], strict=True))
    wall, processor = (seconds["lm-eval HFLM"][n] / seconds["ours"][n] for n in (0, 1))
    print(
        f"HFLM takes {wall:.2f} times as long ({processor:.2f} of processor time); values differ by at most {apart:.1e}"
    )


if __name__ == "__main__":
    main()
