"""The shares of a machine's speed that sampling reaches: what `harness plan --machine` reckons with.

    python benchmarks/machine_shares.py MODEL [--rows 32] [--tokens 48]

Matrix products and reads of memory are timed between the model's own work, so that a share compares what ran together. Reading
is scoring long texts; making is writing replies, `--rows` in flight. Beside them: characters a token, of the prompts.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import torch

from harness.contract import Prompt
from harness.models.decoding.asks import Ask
from harness.models.decoding.decoder import Decoder
from harness.models.generate import Generator, Request
from harness.models.load import load
from harness.models.sampling import Sampling
from harness.models.stream import stream
from harness.running.rented import products_here
from harness_plugins.tasks.goodhart.spec import GoodhartParams
from harness_plugins.tasks.goodhart.suite import Goodhart


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    generator = Generator(load(given.model, "cpu", "float32", frozen=True))
    parameters = sum(one.numel() for one in generator.model.parameters())
    suite = Goodhart(GoodhartParams(items=4, understanding="explain"))
    prompts = [prompt for item in suite.items() for prompt in suite.prompts(item)]
    rows = [generator.encode(prompt) for prompt in prompts][: given.rows]
    characters = sum(len(prompt.text) for prompt in prompts) / sum(len(generator.encode(one)) for one in prompts)
    decoder = Decoder(generator.model, generator.tokenizer, (), generator.accepts)
    text = " ".join(prompt.text for prompt in prompts)[:1600]
    scored = [
        Request(item=str(n), repeat=0, prompt=Prompt(role="text", text="", target=f"{n} {text}")) for n in range(8)
    ]
    read = sum(len(generator.encode_continuation(one.prompt, one.prompt.target or "")) for one in scored)

    def make() -> int:
        asks = [Ask(row, 0, given.tokens, ()) for row in rows]
        return sum(
            len(tokens or []) for step in decoder.decode(asks, Sampling(), given.rows) for _, tokens in step.ended
        )

    def score() -> int:
        for _ in stream(generator, scored, 0, "", Sampling(), 8):
            pass
        return read

    shares: dict[str, list[float]] = {"reading": [], "making": []}
    for _ in range(given.rounds):
        for name, work in (("reading", score), ("making", make)):
            products, copies = products_here(), speed_of_memory()
            begun = time.perf_counter()
            tokens = work()
            took = time.perf_counter() - begun
            ideal = 2 * parameters * tokens / products
            if name == "making":
                prompt_tokens = sum(map(len, rows))
                step = max(4 * parameters / copies, 2 * parameters * len(rows) / products)
                ideal = 2 * parameters * prompt_tokens / products + tokens / len(rows) * step
            shares[name].append(ideal / took)
            print(
                f"{name}: {tokens} tokens in {took:.1f} s; {products / 1e9:.0f} GFLOP/s, {copies / 1e9:.1f} GB/s",
                flush=True,
            )
    print("| share | median | least | most |\n|---|---|---|---|")
    for name, found in shares.items():
        print(f"| {name} | {statistics.median(found):.2f} | {min(found):.2f} | {max(found):.2f} |")
    print(
        f"\n{given.model.name}, {parameters:,} parameters, {torch.get_num_threads()} threads; "
        f"{characters:.1f} characters a token"
    )


def speed_of_memory(size: int = 64 << 20, seconds: float = 0.5) -> float:
    """Bytes a second that are read, as weights are."""
    one = torch.ones(size // 4)
    one.sum()
    count, begun = 0, time.perf_counter()
    while (took := time.perf_counter() - begun) < seconds:
        one.sum()
        count += 1
    return size * count / took


if __name__ == "__main__":
    main()
