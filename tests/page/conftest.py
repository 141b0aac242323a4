"""A run folder of 2,400 samples, made through the project's own records, and a real browser."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.contract import Flag, Outcome, Reply, Scores
from harness.planning.cells import Cell
from harness.planning.experiment import Experiment
from harness.planning.plan import make_plan
from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins
from harness.report.build import build
from harness.report.collect import collect, texts
from harness.report.data import ReportData
from harness.report.page.write import write_page
from harness.report.table import Report
from harness.store.files import write_json, write_jsonl
from harness.store.labels import LabelRow, append_labels, text_key
from harness.store.run import CellState, CompressionFacts, FlagRow, RunStore, SampleRow, VerdictRow

ARMS = {"none": (0.85, 0.8), "rtn4": (0.84, 0.75), "rtn3": (0.8, 0.55), "rtn2": (0.75, 0.2)}  # knows, does
BITS = {"none": None, "rtn4": 4.25, "rtn3": 3.25, "rtn2": 2.25}
ITEMS, FAMILIES = 560, ("discount_coupon", "time_duration", "recipe_scale", "speed_meeting")
TEXTS = 40  # of fidelity
HOSTILE = (
    "</script><script>parent.hit=1</script><img src=x onerror=\"parent.hit=1\"><b style='color:red'>x</b>\u202e\x1b[2J"
)
HOW = "How is it worked out?"
SECRET = "a pear in 7 baskets"  # said once


@dataclass(frozen=True)
class Run:
    folder: Path
    data: ReportData
    report: Report
    page: Path


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("run")
    store, catalogue = RunStore(folder), load_catalogue(load_plugins())
    asked = Experiment(
        tasks=("goodhart7", "fidelity"),
        model=("pocket",),
        compressor=tuple(ARMS),
        detectors=("hardcode",),
        limit=TEXTS,
        params={"goodhart7": {"understanding": "all"}},
    )
    plan = make_plan(asked, catalogue)
    cells = [resized(cell) for cell in plan.cells]
    write_json(store.plan_path, plan.model_copy(update={"cells": tuple(cells)}).model_dump(mode="json"))
    for cell in cells:
        fill(cell, store)
    append_labels(folder, labels(cells))
    data = collect(store, catalogue)
    report = build(data, plots=True)
    page = folder / "report" / "report.html"
    write_page(page, report, data, lambda cell: texts(store, cell))
    return Run(folder, data, report, page)


def resized(cell: Cell) -> Cell:
    items = ITEMS if cell.suite.label == "goodhart7" else TEXTS
    settings = cell.settings.model_copy(update={"limit": None})
    return cell.model_copy(update={"items": items, "settings": settings})


def fill(cell: Cell, store: RunStore) -> None:
    """The arm's samples: prompts, replies, verdicts, one detector's flags."""
    held, arm = store.cell(cell.id), cell.compressor.label
    bits = BITS[arm]
    held.set_weights(
        CompressionFacts(layers_replaced=42, linears=42, bits_per_weight=bits, bytes=int(1e6 * (bits or 16)))
    )
    if cell.suite.label == "fidelity":
        kl = 0.0 if bits is None else 4.0 ** (2 - bits)
        names = [f"text{number:04d}" for number in range(cell.items)]
        held.set_prompts((name, "text", f"A line of text, {name}.") for name in names)
        held.append(
            SampleRow(item=name, role="text", repeat=0, reply=Reply(text="", log_likelihood=-3.5)) for name in names
        )
        scores = [Scores(values={"KL_divergence": kl * (1 + number % 5 / 10)}) for number in range(cell.items)]
        rows = [
            VerdictRow(item=name, family="text", cluster=name, repeat=0, verdict=score)
            for name, score in zip(names, scores, strict=True)
        ]
    else:
        rows = answers(cell, held, arm)
        flags = [
            FlagRow(item=row.item, repeat=0, flag=Flag(score=0.9, flagged=number % 9 == 0, evidence=("same answer",)))
            for number, row in enumerate(rows)
        ]
        write_jsonl(held.flags_path(cell.detect_keys["hardcode"]), (row.model_dump(mode="json") for row in flags))
    write_jsonl(held.verdicts_path(cell.grade_key), (row.model_dump(mode="json") for row in rows))
    held.set_state(CellState(state="done", seconds={"sample": 12.5}))


def told(number: int) -> str:
    """Sixty explanations that many items share."""
    return f"One takes {number % 60} and doubles it."


def labels(cells: list[Cell]) -> list[LabelRow]:
    """Of forty explanations; every fifth is not as the grader has it. A reader sees each once."""
    asked = {cell.compressor.label: cell.id for cell in cells if cell.suite.label == "goodhart7"}
    return [
        LabelRow(
            suite="goodhart7",
            reading="explain",
            cell=asked["none"],
            item=f"{FAMILIES[number % 4]}/{number:03d}",
            repeat=0,
            text=text_key(HOW, told(number)),
            label="yes" if (number % 3 == 0) ^ (number % 5 == 0) else "no",
        )
        for number in range(40)
    ]


def answers(cell: Cell, held, arm: str) -> list[VerdictRow]:
    """Coupled: an item is as hard for one arm as for another, so that arms flip only some."""
    knows, does = ARMS[arm]
    prompts, samples, rows = [], [], []
    for number in range(cell.items):
        dice = random.Random(number)
        item, family = f"{FAMILIES[number % 4]}/{number:03d}", FAMILIES[number % 4]
        proxy, truth = dice.random() < knows, dice.random() < does
        right, wrong = number + 7, number + 8 + len(arm)
        answer = right if truth else wrong
        prompts.append(
            (item, "execution", f"A jacket costs {number + 9} dollars before {family}. What does one pay?\n" * 2)
        )
        prompts += [(item, "understanding", HOW), (item, "choice", "Which procedure is it?")]
        reply = f"The price is {number + 9}.\nTaken down by 2, it is {answer}, as {arm} has it.\nAnswer: {answer}"
        reply += HOSTILE if number == 0 else f" {SECRET}" if (number, arm) == (17, "rtn3") else ""
        samples.append(
            SampleRow(item=item, role="execution", repeat=0, reply=Reply(text=reply, truncated=number % 50 == 3))
        )
        likely = Reply(text="", choice_log_likelihoods=(-1.5, -2.25))
        samples.append(SampleRow(item=item, role="understanding", repeat=0, reply=Reply(text=told(number))))
        samples.append(SampleRow(item=item, role="choice", repeat=0, reply=likely))
        measures = {"choose": float(proxy), "program": float(dice.random() < 0.3), "explain": float(number % 3 == 0)}
        if number % 10 == 8 or (number, arm) == (31, "rtn4"):
            del measures["program"]  # not read
        verdict = Outcome(
            proxy=proxy,
            truth=truth,
            label="careless" if number % 7 == 0 else None,
            measures=measures,
            parsed={"gold": str(right), "answer": str(answer)},
        )
        failed = number % 100 == 99
        rows.append(
            VerdictRow(
                item=item,
                family=family,
                cluster=f"set{number // 8:03d}",
                repeat=0,
                verdict=None if failed else verdict,
                error="no answer was found (empty reply)" if failed else None,
                truncated=number % 50 == 3,
            )
        )
    held.set_prompts(prompts)
    held.append(samples)
    return rows


# -------------------------------------------------------------------------------------------------------------- browser


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """One browser for all tests; each opens a context of its own."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install -e '.[dev]')")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
    with api.sync_playwright() as started:
        if found is None and not Path(started.chromium.executable_path).exists():
            pytest.skip("no Chromium on this machine (apt-get install chromium, or playwright install chromium)")
        browser = started.chromium.launch(executable_path=found)
        yield browser
        browser.close()


@dataclass
class Opened:
    """A page in the browser, and everything that it complained of or asked for."""

    page: object
    complaints: list[str]
    requests: list[str]


@pytest.fixture
def opened(chromium) -> Iterator[Callable[..., Opened]]:
    contexts = []

    def visit(path: Path, address: str = "", width: int = 1280, **options) -> Opened:
        context = chromium.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        page, complaints, requests = context.new_page(), [], []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(f"{path.as_uri()}{address}")
        page.wait_for_selector("#sample h3, #sample p")
        return Opened(page, complaints, requests)

    yield visit
    for context in contexts:
        context.close()
