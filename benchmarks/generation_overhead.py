"""What the core adds to `model.generate`: the same batches, once bare and once through the Generator.

    python benchmarks/generation_overhead.py [--model FOLDER] [--requests 96] [--batch-size 16] [--rounds 7]

Bare is `model.generate` with the sampling processor on batches that are already tokenised and padded. The core encodes,
batches, pads, checks the logits, leaves ended rows out (which may make it the faster one), cuts and decodes. Both take
turns batch by batch on one thread, and of each batch the fastest round counts, in CPU time: other work on the machine
then disturbs little, and both alike. Without --model a random Qwen2 of the pocket model's shape is asked.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GenerationConfig,
    LogitsProcessorList,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from harness.contract import Prompt
from harness.models.generate import Generator, Request
from harness.models.load import load
from harness.models.sampling import CoupledSampler, Sampling

SEED, SUITE = 42, "benchmark"
SENTENCES = (
    "A coat costs {n} dollars. A coupon takes 5 dollars off after a discount of 20 percent.",
    "A recipe for 4 people needs {n} grams of flour and 3 eggs. How much flour do 6 people need?",
    "The meeting starts at 9:{n} in the morning and lasts 2 hours and 30 minutes. When does it end?",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--requests", type=int, default=96)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    sampling = Sampling(temperature=0.3)
    torch.set_num_threads(1)

    with tempfile.TemporaryDirectory() as scratch:
        if options.model is None:
            build_pocket_shape(Path(scratch))
        generator = Generator(load(options.model or scratch))
    requests = [
        Request(
            item=f"{n:04}",
            repeat=0,
            prompt=Prompt(role="execution", text=SENTENCES[n % 3].format(n=10 + n % 50), max_tokens=options.max_tokens),
        )
        for n in range(options.requests)
    ]

    batches = generator.batches(requests, options.batch_size)
    bare = [BareBatch(generator, batch, sampling) for batch in batches]
    steps = sum(batch() for batch in bare)
    kept = sum(reply.tokens for batch in batches for reply in generator.ask(batch, SEED, SUITE, sampling))

    rounds: list[list[float]] = []
    for _ in range(options.rounds):
        times = [cpu_seconds(lambda: generator.batches(requests, options.batch_size))]
        for raw, batch in zip(bare, batches, strict=True):
            times.append(cpu_seconds(raw))
            times.append(raw.sampler.seconds)
            times.append(cpu_seconds(partial(generator.ask, batch, SEED, SUITE, sampling)))
        rounds.append(times)
    batching, *asking = (min(times) for times in zip(*rounds, strict=True))
    bare_time, sampler_time, core_time = sum(asking[0::3]), sum(asking[1::3]), batching + sum(asking[2::3])

    print(f"{len(batches)} batches of up to {options.batch_size}, {steps} steps, {kept} tokens kept")
    print(f"model.generate with the sampling processor  {bare_time:7.3f} s")
    print(f"  the sampling processor's share            {sampler_time:7.3f} s  {sampler_time / bare_time:6.1%}")
    print(
        f"the same through the core                   {core_time:7.3f} s  {core_time / bare_time - 1:+6.1%} (bound: 5 %)"
    )


def cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


class BareBatch:
    """`model.generate` on a batch that is ready for it."""

    def __init__(self, generator: Generator, batch: list[Request], sampling: Sampling) -> None:
        self.generator, self.sampling = generator, sampling
        self.max_tokens = batch[0].prompt.max_tokens
        self.keys = [request.key(SEED, SUITE) for request in batch]
        rows = [generator.encode(request.prompt) for request in batch]
        self.inputs = generator.tokenizer.pad({"input_ids": rows}, return_tensors="pt")

    @torch.inference_mode()
    def __call__(self) -> int:
        """The number of steps it took."""
        length = self.inputs["input_ids"].shape[1]
        self.sampler = TimedSampler(self.keys, self.sampling, length)
        sequences = self.generator.model.generate(
            **self.inputs,
            generation_config=GenerationConfig(max_new_tokens=self.max_tokens, do_sample=False),
            logits_processor=LogitsProcessorList([self.sampler]),
        )
        return sequences.shape[1] - length


class TimedSampler(CoupledSampler):
    """The sampler of the harness, adding up the CPU time it takes."""

    seconds = 0.0

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.FloatTensor:
        start = time.process_time()
        scores = super().__call__(input_ids, scores)
        self.seconds += time.process_time() - start
        return scores


def build_pocket_shape(folder: Path) -> None:
    """A random model of 6 blocks, d=192, 512 tokens: what a step costs does not depend on what was learned."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokens = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([sentence.format(n=n) for sentence in SENTENCES for n in range(60)], tokens)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>").save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=512,
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=6,
        num_attention_heads=6,
        num_key_value_heads=6,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        eos_token_id=0,
        pad_token_id=0,
        bos_token_id=None,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)


if __name__ == "__main__":
    main()
