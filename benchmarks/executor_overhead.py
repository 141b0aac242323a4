"""What an executor adds to cells of a minute: the same cells in one bare process, under local workers and on a Ray cluster.

    python benchmarks/executor_overhead.py [--cells 3] [--seconds 60] [--executors bare,local,ray]

A cell is twelve items whose answers are waited for, so that it takes its time and no processor. Everything else of it is real:
a worker that imports torch and loads the (tiny) model, samples stored and streamed one by one, verdicts, states. Bare is the
same stages one after another in one process, which imports and loads just as well. Seconds are those of driving the plan.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import harness
from harness import Axes, Item, Outcome, Params, Prompt, Quadrant, Rate, Reply, SelfCheck, TaskSuiteSpec
from harness.contract import OwnLoop
from harness.planning.cells import Cell
from harness.registry.catalogue import Catalogue
from harness.running.executors import Event
from harness.store.run import RunStore

ITEMS = 12
AXES = Axes(
    proxy="waited",
    truth="waited",
    quadrants={quadrant: str(quadrant) for quadrant in Quadrant},
    rates=(Rate(name="waited", title="waited", numerator=frozenset({Quadrant.BOTH})),),
)


class WaitingParams(Params):
    seconds: float = 60.0


class Waiting(OwnLoop):
    params: WaitingParams

    def items(self) -> list[Item]:
        return [Item(id=f"item{n}", family="all", cluster=f"c{n}", data={}) for n in range(ITEMS)]

    def prompts(self, item: Item) -> list[Prompt]:
        return [Prompt(role="answer", text=item.id, max_tokens=1)]

    def needs_likelihood(self) -> bool:
        return False

    def ask(self, model: object, items: Sequence[str], batch_size: int) -> Iterator[dict[str, Reply]]:
        for item in items:
            time.sleep(self.params.seconds / ITEMS)
            yield {item: Reply(text="waited")}

    def grade(self, item: Item, replies: object) -> Outcome:
        return Outcome(proxy=True, truth=True)

    def self_check(self) -> SelfCheck:
        return SelfCheck(checks=())


@harness.hookimpl
def harness_register_task_suites() -> list[TaskSuiteSpec]:
    target = "executor_overhead:Waiting"
    return [TaskSuiteSpec(name="waiting", summary="waits", target=target, params=WaitingParams, axes=AXES)]


class Bare:
    """The stages in this process."""

    def __init__(self, store: RunStore, catalogue: Catalogue) -> None:
        self.store, self.catalogue = store, catalogue

    def run(self, cells: Iterable[Cell]) -> Iterator[Event]:
        from harness.running.cell import CellRunner
        from harness.running.stages.sample import silent

        runner = CellRunner(self.store, self.catalogue, silent)
        for cell in cells:
            runner(cell)
            yield Event(kind="done", cell=cell.id)


def driven(executor: str, cells: int, seconds: float, folder: Path) -> float:
    """Seconds from the first cell handed over to the last event."""
    from harness.planning.experiment import experiment_from
    from harness.planning.plan import make_plan
    from harness.registry.name_sources import NameSources
    from harness.running.driver import drive
    from harness.running.executors.local import LocalExecutor
    from harness.running.executors.messages import WorkerSetup
    from harness.running.executors.ray_executor import RayExecutor

    names = NameSources(plugins_dirs=(folder / "plugins",))
    asked = {"model": [str(folder / "model")], "tasks": ["waiting"], "seeds": list(range(cells))}
    plan = make_plan(experiment_from(asked, {"params": {"waiting": {"seconds": seconds}}}), names.catalogue)
    store = RunStore(folder / executor)
    setup = WorkerSetup(run=str(store.folder), plugins_dirs=(str(folder / "plugins"),))
    known = {
        "bare": lambda: Bare(store, names.catalogue),
        "local": lambda: LocalExecutor(setup),
        "ray": lambda: RayExecutor(setup, slots=1),
    }
    begun = time.perf_counter()
    states = drive(plan, store, known[executor](), names.plugins, [])
    assert set(states.values()) == {"done"}, states
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--executors", default="bare,local,ray")
    parser.add_argument("--one")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.one:
        print(driven(given.one, given.cells, given.seconds, given.folder))
        return
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "plugins").mkdir()
        shutil.copy(__file__, folder / "plugins")
        build = (
            "import sys, pathlib; from harness.testing.model import build_tiny_qwen2 as b; b(pathlib.Path(sys.argv[1]))"
        )
        subprocess.run([sys.executable, "-c", build, str(folder / "model")], check=True, stdout=subprocess.DEVNULL)
        print("| executor | cells | s | s a cell | over bare |\n|---|---|---|---|---|")
        bare = None
        for executor in given.executors.split(","):
            own = ["--one", executor, "--cells", str(given.cells), "--seconds", str(given.seconds)]
            command = [sys.executable, __file__, *own, "--folder", str(folder)]
            env = {**os.environ, "HARNESS_CACHE": str(folder / f"cache-{executor}")}
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=env)
            took = float(done.stdout.splitlines()[-1])
            bare = bare or took
            print(
                f"| {executor} | {given.cells} | {took:.1f} | {took / given.cells:.2f} | {100 * (took / bare - 1):+.1f} % |",
                flush=True,
            )
    print(
        f"\n{platform.machine()}, Python {platform.python_version()}; load average {load:.1f}, {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main()
