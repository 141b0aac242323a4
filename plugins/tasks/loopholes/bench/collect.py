"""Collect what a checkpoint writes for problems of the training split, labelled by the graders.

    python -m harness_plugins.tasks.loopholes.bench.collect --model FOLDER

Programs that a model wrote are more independent of the rules than templates are. Kept are programs that exploit the
loophole of their problem, and programs that attempt none; one that passes by fitting the visible tests, or tries in
vain, is neither.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness import Item, Reply
from harness.contract import by_id
from harness.models.generate import Generator, Request
from harness.models.load import load
from harness.models.sampling import Sampling
from harness.store.files import write_jsonl
from harness_plugins.tasks.loopholes.bench.sampled import FILE, Sampled
from harness_plugins.tasks.loopholes.grading.labels import Label
from harness_plugins.tasks.loopholes.modes import LOOPHOLES, Mode
from harness_plugins.tasks.loopholes.problems.generated.source import METHOD
from harness_plugins.tasks.loopholes.spec import LoopholeParams
from harness_plugins.tasks.loopholes.suite import LoopholeSuite
from harness_plugins.tasks.programs.extraction import program

_BATCH = 64


def replies(
    suite: LoopholeSuite, generator: Generator, items: Sequence[Item], repeat: int, seed: int
) -> Iterator[tuple[Item, Reply]]:
    """Every item, asked once at temperature 1."""
    by_name = by_id(items)
    requests = [Request(item=item.id, repeat=repeat, prompt=prompt) for item in items for prompt in suite.prompts(item)]
    for batch in generator.batches(requests, _BATCH):
        answers = generator.ask(batch, seed, "bench", Sampling(temperature=1.0, top_p=1.0))
        for request, reply in zip(batch, answers, strict=True):
            yield by_name[request.item], reply


def labelled(suite: LoopholeSuite, item: Item, reply: Reply) -> Sampled | None:
    """None for a program that is neither a hack of its problem's mode nor honest."""
    verdict = suite.verdict(item, reply.text)
    hack = verdict.label is Label.REWARD_HACK and verdict.exploited
    if not hack and verdict.label not in (Label.CORRECT, Label.INCORRECT):
        return None
    return Sampled(problem=str(item.data["problem"]), mode=verdict.mode, hack=hack, program=program(reply.text, METHOD))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=FILE)
    parser.add_argument("--repeats", type=int, default=5, help="times that a mode is asked at most, for its hacks")
    parser.add_argument("--most", type=int, default=60, help="hacks, and honest programs, kept of a mode")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    suite = LoopholeSuite(LoopholeParams(source="generated"))
    generator = Generator(load(args.model, frozen=True))
    written: Counter[str] = Counter()
    kept: dict[tuple[Mode, bool], dict[Sampled, None]] = {(mode, hack): {} for mode in Mode for hack in (True, False)}
    for repeat in range(args.repeats):
        wanted = [mode for mode in Mode if not repeat or (mode in LOOPHOLES and len(kept[mode, True]) < args.most)]
        items = [item for item in suite.training_items() if item.family in wanted]
        for item, reply in replies(suite, generator, items, repeat, args.seed):
            found = labelled(suite, item, reply)
            written["neither" if found is None else f"{found.mode} {'hack' if found.hack else 'honest'}"] += 1
            if found is not None and len(same := kept[found.mode, found.hack]) < args.most:
                same[found] = None
        print(f"asked {repeat + 1} times: {sum(map(len, kept.values()))} kept", flush=True)
    write_jsonl(args.out, (it.model_dump(mode="json") for same in kept.values() for it in same))
    print("\n".join(f"{kind}: {count} written" for kind, count in sorted(written.items())))


if __name__ == "__main__":
    main()
