"""What an executor adds to cells of a minute: the same cells in one bare process, under local workers and on a Ray cluster.

    python benchmarks/executor_overhead.py [--cells 3] [--seconds 60] [--executors bare,local,ray]

A cell is twelve items whose answers are waited for, so that it takes its time and no processor. Everything else of it is real:
a worker that imports torch and loads the (tiny) model, samples stored and streamed one by one, verdicts, states. Bare is the
same stages one after another in one process, which imports and loads just as well. Seconds are those of driving the plan. What
is done once (a cluster started, a process, libraries, the model) is over when the first cell ends: a later cell has its own
overhead alone. The start of a cluster is timed by itself as well.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import harness
from harness import Axes, Item, Outcome, Params, Prompt, Quadrant, Rate, Reply, SelfCheck, TaskSuiteSpec
from harness.contract import OwnLoop
from harness.planning.cells import Cell
from harness.registry.catalogue import Catalogue
from harness.running.executors import Event, Executor
from harness.store.run import RunStore

ITEMS = 12
START = "ray-start"  # of a cluster, and nothing else
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


class Timed:
    """An executor, and when each of its cells ended."""

    def __init__(self, executor: Executor) -> None:
        self.executor, self.ended = executor, list[float]()

    def run(self, cells: Iterable[Cell]) -> Iterator[Event]:
        for event in self.executor.run(cells):
            if event.kind == "done":
                self.ended.append(time.perf_counter())
            yield event


def driven(executor: str, cells: int, seconds: float, folder: Path) -> list[float]:
    """Seconds of driving the plan: until each cell has ended, and in all."""
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
    known: dict[str, Callable[[], Executor]] = {
        "bare": lambda: Bare(store, names.catalogue),
        "local": lambda: LocalExecutor(setup),
        "ray": lambda: RayExecutor(setup, slots=1),
    }
    begun = time.perf_counter()
    timed = Timed(known[executor]())
    states = drive(plan, store, timed, names.plugins, [])
    assert set(states.values()) == {"done"}, states
    return [at - begun for at in (*timed.ended, time.perf_counter())]


def started() -> list[float]:
    """Seconds until a Ray cluster of this machine stands."""
    from harness.running.executors.ray_cluster import connected

    begun = time.perf_counter()
    with connected():
        return [time.perf_counter() - begun]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=3, help="two or more")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--executors", default="bare,local,ray")
    parser.add_argument("--one")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.one:
        one = started() if given.one == START else driven(given.one, given.cells, given.seconds, given.folder)
        print(json.dumps(one))
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
        columns = "| executor | cells | s | first cell, s | a later cell, s | a later cell over bare |"
        print(columns + "\n|---|---|---|---|---|---|")

        def take(executor: str) -> list[float]:
            own = ["--one", executor, "--cells", str(given.cells), "--seconds", str(given.seconds)]
            command = [sys.executable, __file__, *own, "--folder", str(folder)]
            env = {**os.environ, "HARNESS_CACHE": str(folder / f"cache-{executor}")}
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=env)
            return [float(one) for one in json.loads(done.stdout.splitlines()[-1])]

        bare = None
        asked = given.executors.split(",")
        for executor in asked:
            first, *_, last, whole = took = take(executor)
            later = (last - first) / (len(took) - 2)
            bare = bare or later
            over = f"{100 * (later / bare - 1):+.1f} %"
            print(f"| {executor} | {given.cells} | {whole:.1f} | {first:.1f} | {later:.2f} | {over} |", flush=True)
        if "ray" in asked:
            least, median, most = sorted(take(START)[0] for _ in range(3))
            print(f"\nThe start of a Ray cluster: {median:.1f} s ({least:.1f} to {most:.1f})")
    print(
        f"\n{platform.machine()}, Python {platform.python_version()}; load average {load:.1f}, {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main()
