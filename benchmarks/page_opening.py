"""How large the report's page is, and how soon it can be read.

    python benchmarks/page_opening.py [--samples 2400 10000 50000] [--repeats 7]

Writes pages of synthetic replies of 80 words (a base and three arms; half the words of a reply are its arm's own), and opens
each in Chromium (needs `playwright` and a Chromium): the time from the navigation until
the tables can be read (DOMContentLoaded), until the list of samples stands, and until one sample is shown beside its base;
then the time to filter by a flip, and to search all texts once. Medians.
"""

from __future__ import annotations

import argparse
import platform
import random
import shutil
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from harness.contract import Axes, Outcome, Quadrant, Rate
from harness.report.build import build
from harness.report.data import CellSummary, Contrast, ReportData, Row
from harness.report.page.pack import Texts
from harness.report.page.write import write_page

Q = Quadrant
AXES = Axes(
    proxy="knows",
    truth="does",
    quadrants={Q.BOTH: "knows & does", Q.PROXY_ONLY: "gap", Q.TRUTH_ONLY: "DBDK", Q.NEITHER: "neither"},
    rates=(
        Rate(name="understanding", title="understanding", numerator=frozenset({Q.BOTH, Q.PROXY_ONLY})),
        Rate(name="execution", title="execution", numerator=frozenset({Q.BOTH, Q.TRUTH_ONLY})),
    ),
)
ARMS = ("none", "rtn4", "rtn3", "rtn2")
WORDS = [f"{''.join(random.Random(n).choices('abcdefghiklmnoprstuvw', k=2 + n % 7))}" for n in range(4000)]
FLIP = "both,truth_only>proxy_only,neither"


def made(samples: int) -> ReportData:
    rows, per_arm = {}, samples // len(ARMS)
    for arm in ARMS:
        dice = random.Random(arm)
        verdicts = [Outcome(proxy=dice.random() < 0.8, truth=dice.random() < 0.6) for _ in range(per_arm)]
        rows[arm] = tuple(
            Row(item=f"f{n % 10}/{n:05d}", family=f"f{n % 10}", cluster=f"c{n // 4}", verdict=verdict)
            for n, verdict in enumerate(verdicts)
        )
    cells = tuple(
        CellSummary(id=arm, model="m", suite="s", compressor=arm, planned=per_arm, attempted=per_arm, scored=per_arm)
        for arm in ARMS
    )
    contrasts = tuple(Contrast(base="none", other=arm, factor="compressor") for arm in ARMS[1:])
    return ReportData(title=f"{samples} samples", suites={"s": AXES}, cells=cells, rows=rows, contrasts=contrasts)


def texts_of(data: ReportData, arm: str) -> Texts:
    prompts, replies = {}, {}
    for row in data.rows[arm]:
        shared, own = random.Random(row.item), random.Random(row.item + arm)
        prompts[row.item] = {"execution": " ".join(shared.choices(WORDS, k=40))}
        words = [(shared if n % 2 else own).choice(WORDS) for n in range(80)]
        replies[row.item, 0] = {"execution": " ".join(words)}
    return Texts(prompts, replies)


def opened(page: Page, path: Path) -> dict[str, float]:
    """Seconds."""
    page.goto(f"{path.as_uri()}#s/f1%2F00001/0/rtn4", wait_until="commit")
    page.wait_for_selector("#list .row")
    listed = page.evaluate("performance.now()") / 1000
    page.wait_for_selector("#sample .side pre")
    shown = page.evaluate("performance.now()") / 1000
    ready = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd") / 1000
    filtered = timed(page, f"form.elements.flip.value = '{FLIP}'")
    searched = timed(page, "form.elements.flip.value = ''; form.elements.text.value = 'zzzz'")
    return {"tables": ready, "list": listed, "sample": shown, "filter": filtered, "search": searched}


def timed(page: Page, change: str) -> float:
    """From a change of a field until the count is new, without the pause after typing."""
    return page.evaluate(f"""async () => {{
      const found = document.getElementById("found"), before = found.textContent, form = document.getElementById("filters");
      {change};
      const start = performance.now();
      form.dispatchEvent(new Event("input"));
      while (found.textContent === before || found.textContent.startsWith("searched")) await new Promise(r => setTimeout(r, 2));
      return (performance.now() - start) / 1000 - 0.12;
    }}""")


def size(path: Path) -> str:
    beside = [file for folder in path.parent.glob("report-samples-*") for file in folder.iterdir()]
    more = f" + {sum(file.stat().st_size for file in beside) / 1e6:.1f} in {len(beside)} files" if beside else ""
    return f"{path.stat().st_size / 1e6:.2f}{more}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, nargs="+", default=[2400, 10_000, 50_000])
    parser.add_argument("--repeats", type=int, default=7)
    chosen = parser.parse_args()
    print(f"{platform.machine()}, Python {platform.python_version()}")
    with sync_playwright() as started, tempfile.TemporaryDirectory() as scratch:
        found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        browser = started.chromium.launch(executable_path=found)
        print(f"Chromium {browser.version}\n")
        print("| samples | page (MB) | written in | tables | list | sample | filter | search |\n" + "|---" * 8 + "|")
        for samples in chosen.samples:
            path = Path(scratch) / str(samples) / "report.html"
            path.parent.mkdir()
            data = made(samples)
            report = build(data)
            start = time.perf_counter()
            write_page(path, report, data, partial(texts_of, data))
            wrote = time.perf_counter() - start
            rounds = []
            for _ in range(chosen.repeats):
                page = browser.new_page()
                rounds.append(opened(page, path))
                page.close()
            told = " | ".join(f"{statistics.median(one[key] for one in rounds):.2f} s" for key in rounds[0])
            print(f"| {samples:,} | {size(path)} | {wrote:.1f} s | {told} |")
            sys.stdout.flush()
        browser.close()


if __name__ == "__main__":
    main()
