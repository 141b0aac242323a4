"""How a run grows with its cells: planning, scheduling, collecting and reporting with a null model.

    python benchmarks/scale.py [--cells 1000,10000,100000] [--folder FOLDER]
    python benchmarks/scale.py --cells 1000x10,1000x100,1000x1000     # samples a cell; 10 unless given

No weights are loaded and no process is started for a cell: the null executor of this file, registered by the hook that anyone's
executor is registered by, writes verdicts where a worker would. What is left is the harness's own part. Each size is
a process of its own; a column is a phase, in milliseconds a cell by the processor's clock (one thread, which waits for
nothing), and its peak of memory beyond the libraries, in KB a cell.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import harness
from harness import Axes, Item, Outcome, Params, Prompt, Quadrant, Rate, SelfCheck, TaskSuite, TaskSuiteSpec
from harness.planning.cells import Cell
from harness.running.executors import Event
from harness.running.executors.messages import WorkerSetup
from harness.store.run import RunStore

SAMPLES = 10
ARMS = 10
PHASES = ("plan", "schedule", "collect", "report")
AXES = Axes(
    proxy="odd",
    truth="odd",
    quadrants={quadrant: str(quadrant) for quadrant in Quadrant},
    rates=(Rate(name="odd", title="odd", numerator=frozenset({Quadrant.BOTH, Quadrant.PROXY_ONLY})),),
)
VERDICTS = [Outcome(proxy=bool(n & 1), truth=bool(n & 2)).model_dump(mode="json") for n in range(4)]


class NullParams(Params):
    items: int = SAMPLES


class NullSuite(TaskSuite):
    params: NullParams

    def items(self) -> list[Item]:
        return [Item(id=f"item{n}", family="all", cluster=f"c{n % 5}", data={}) for n in range(self.params.items)]

    def prompts(self, item: Item) -> list[Prompt]:
        return [Prompt(role="answer", text=item.id, max_tokens=1)]

    def grade(self, item: Item, replies: object) -> Outcome:
        raise AssertionError("nothing is asked")

    def self_check(self) -> SelfCheck:
        return SelfCheck(checks=())


@harness.hookimpl
def harness_register_task_suites() -> list[TaskSuiteSpec]:
    return [TaskSuiteSpec(name="null", summary="nothing", target="scale:NullSuite", params=NullParams, axes=AXES)]


class NullExecutor:
    """Every cell is done at once."""

    def __init__(self, setup: WorkerSetup, slots: int | None = None, silence: float = 0.0) -> None:
        self.run_folder = Path(setup.run)

    def run(self, cells: Iterable[Cell]) -> Iterator[Event]:
        run = RunStore(self.run_folder)
        for cell in cells:
            yield Event(kind="started", cell=cell.id)
            store = run.cell(cell.id)
            right = int(cell.sample_key, 16)
            rows = [
                {"v": 1, "item": f"item{n}", "family": "all", "cluster": f"c{n % 5}", "repeat": 0}
                | {"verdict": VERDICTS[right >> n % 250 & 3], "error": None, "truncated": False}
                for n in range(cell.items)
            ]
            store.verdicts_path(cell.grade_key).write_text("".join(json.dumps(row) + "\n" for row in rows))
            (store.folder / "state.json").write_text('{"state": "done"}\n')
            yield Event(kind="done", cell=cell.id)


def measure(cells: int, samples: int, folder: Path, model: Path) -> dict[str, list[float]]:
    """phase -> seconds and peak memory (bytes) so far."""
    import scipy.optimize
    import scipy.stats  # noqa: F401  (libraries that the report loads are no memory of its cells)

    from harness.planning.experiment import experiment_from
    from harness.planning.plan import make_plan
    from harness.registry.name_sources import NameSources
    from harness.report.build import build
    from harness.report.collect import collect
    from harness.report.markdown import render_markdown
    from harness.running.driver import drive

    names = NameSources(plugins_dirs=(folder / "plugins",))
    own = {f"null{n}": {"plugin": "rtn", "bits": 2 + n % 7, "group": 32 << n // 7} for n in range(1, ARMS)}
    asked = experiment_from(
        {
            "model": [str(model)],
            "tasks": ["null"],
            "compressor": ["none", *own],
            "compressors": own,
            "seeds": list(range(cells // ARMS)),
            "params": {"null": {"items": samples}},
        }
    )
    catalogue, store = names.catalogue, RunStore(folder / "run")
    found: dict[str, list[float]] = {}
    last = time.process_time()

    def note(phase: str) -> None:
        nonlocal last
        now = time.process_time()
        found[phase] = [now - last, peak()]
        last = now

    found["start"] = [0.0, peak()]
    plan = make_plan(asked, catalogue)
    note("plan")
    states = drive(plan, store, NullExecutor(WorkerSetup(run=str(store.folder))), names.plugins, [])
    assert set(states.values()) == {"done"}
    note("schedule")
    data = collect(store, catalogue)
    note("collect")
    (folder / "report.md").write_text(render_markdown(build(data)))
    note("report")
    return found


def sizes(given: str) -> tuple[int, int]:
    """Cells, and samples a cell."""
    cells, _, samples = given.partition("x")
    return int(cells), int(samples or SAMPLES)


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def in_a_process(size: str, folder: Path, model: Path) -> dict[str, list[float]]:
    place = folder / size
    (place / "plugins").mkdir(parents=True)
    shutil.copy(__file__, place / "plugins" / "scale.py")
    command = [sys.executable, __file__, "--one", size, "--folder", str(place), "--model", str(model)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    shutil.rmtree(place)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", default="1000,10000,100000")
    parser.add_argument("--folder", type=Path, default=None, help="where run folders are made; a fast disk")
    parser.add_argument("--one")
    parser.add_argument("--model", type=Path)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(*sizes(given.one), given.folder, given.model)))
        return
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(dir=given.folder) as temporary:
        folder = Path(temporary)
        build = (
            "import sys, pathlib; from harness.testing.model import build_tiny_qwen2 as b; b(pathlib.Path(sys.argv[1]))"
        )
        subprocess.run([sys.executable, "-c", build, str(folder / "model")], check=True, stdout=subprocess.DEVNULL)
        columns = [f"{phase} ms" for phase in PHASES] + ["memory KB", "planning s", "all s"]
        columns.append("memory MB")
        print("| cells | samples |", " | ".join(columns), "|\n|---|---|" + "---|" * len(columns))
        for size in given.cells.split(","):
            cells, samples = sizes(size)
            found = in_a_process(size, folder, folder / "model")
            per_cell = [f"{found[phase][0] / cells * 1e3:.2f}" for phase in PHASES]
            memory = found["report"][1] - found["start"][1]
            whole = sum(seconds for seconds, _ in found.values())
            print(
                f"| {cells:,} | {cells * samples:,} |",
                " | ".join(per_cell),
                f"| {memory / cells / 1e3:.1f} | {found['plan'][0]:.1f} | {whole:.0f} | {memory / 1e6:.0f} |",
                flush=True,
            )
    print(
        f"\n{platform.machine()}, Python {platform.python_version()}; load average {load:.1f}, {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main()
