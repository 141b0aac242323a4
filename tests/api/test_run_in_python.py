"""`harness.run` is the command in Python: the same cells in the same folder, and frames that count as the report does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import warm

import harness
from harness.errors import UsageError
from harness.store.run import RunStore

TOYS = Path(__file__).parents[1] / "core" / "toys"


SCRIPT = """
import harness
ran = harness.run(
    compressor=["none", "rtn4"],
    tasks="toy",
    model={model!r},
    runs=2,
    params={{"toy": {{"items": 3}}}},
    plugins_dir={toys!r},
    out="run",
)
print(ran)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_qwen2: Path) -> harness.Run:
    """Two compressors asked the toy suite twice, from a script."""
    folder = tmp_path_factory.mktemp("api")
    env = {**os.environ, "HARNESS_CACHE": str(folder / "cache")}
    code = SCRIPT.format(model=str(tiny_qwen2), toys=str(TOYS))
    done = warm.run(["-c", code], cwd=folder, env=env)
    assert (done.returncode, done.stdout) == (0, "Run('run': 2 cells)\n"), done.stderr
    return harness.load_run(folder / "run", plugins_dir=TOYS)


def test_the_command_finds_everything_done(made, tiny_qwen2):
    """Same grammar, plan and folder: the command adds no sample, and reports the same."""
    samples = {path: path.read_bytes() for path in made.folder.glob("cells/*/samples.jsonl")}
    before = json.loads((made.folder / "report" / "results.json").read_text())
    assert len(samples) == 2
    env = {**os.environ, "HARNESS_CACHE": str(made.folder.parent / "cache")}
    arguments = ["-c", "none,rtn4", "-t", "toy", "-m", str(tiny_qwen2), "--runs", "2", "-P", "toy.items=3"]
    command = ["-m", "harness", "--plugins-dir", str(TOYS), "run", *arguments, "--out", str(made.folder), "--json"]
    done = warm.run(command, env=env)
    assert done.returncode == 0, done.stderr
    assert {path: path.read_bytes() for path in made.folder.glob("cells/*/samples.jsonl")} == samples
    assert [section["key"] for section in json.loads(done.stdout)["sections"]] == [
        section["key"] for section in before["sections"]
    ]
    assert "sampled by other code" not in done.stderr


def test_frames_count_as_the_report_does(made):
    samples, rates = made.samples(), made.rates()
    stored = sum(len(RunStore(made.folder).cell(cell.id).verdicts(cell.grade_key)) for cell in made.plan.cells)
    assert len(samples) == stored == 12
    quadrants = made.table("quadrants")
    keys = [column.key for column in quadrants.columns]
    for row, cell in zip(quadrants.rows, made.plan.cells, strict=True):
        counts = dict(zip(keys, (one.value for one in row), strict=True))
        mine = samples[samples.cell == cell.id]
        assert counts["n"] == len(mine)
        for quadrant in ("both", "proxy_only", "truth_only", "neither"):
            assert counts[quadrant] == (mine.outcome == quadrant).sum()
    for one in rates[rates.kind == "rate"].itertuples():
        assert one.value is None or one.value != one.value or one.value == one.numerator / one.denominator
    by_family = made.rates(by="family")
    assert by_family.groupby(["cell", "measure"]).numerator.sum().to_dict() == (
        rates.set_index(["cell", "measure"]).numerator.to_dict()
    )


def test_a_sample_has_what_was_asked_and_answered(made):
    one = made.samples().iloc[0]
    transcript = made.store.cell(one.cell).prompts()[one["item"]]
    assert {f"prompt.{role}" for role in transcript} <= set(one.index)
    role, text = next(iter(transcript.items()))
    assert one[f"prompt.{role}"] == text


def test_a_run_shows_itself_and_is_opened_again(made, tmp_path):
    again = harness.load_run(made.folder, plugins_dir=TOYS)
    assert repr(again) == f"Run({str(made.folder)!r}: 2 cells)"
    assert again.complete
    html = again._repr_html_()
    assert "baseline" in html
    assert "rtn4" in html
    assert again.table()._repr_html_() in html.replace("<caption>toy: ", "<caption>")
    page = again.report(tmp_path / "page.html")
    assert "<html" in page.read_text()
    command = json.loads((made.folder / "env.json").read_text())["command"]
    assert command.startswith("harness --plugins-dir ")


def test_what_is_wrong_is_said_as_the_command_says_it(made, tmp_path):
    with pytest.raises(UsageError, match="is not a run folder"):
        harness.load_run(tmp_path)
    with pytest.raises(UsageError, match="no tasks selected"):
        harness.plan(model="pocket")
    with pytest.raises(TypeError, match="no option 'compresor'"):
        harness.run(compresor="rtn4", tasks="toy")
    with pytest.raises(UsageError, match="no table 'resluts'"):
        made.table("resluts")
    with pytest.raises(UsageError, match="by='family'"):
        made.rates(by="item")


def test_an_experiment_in_python_is_the_one_on_the_command_line():
    typed = harness.plan(tasks="goodhart7", compressor="none,rtn4", seeds="41-43", params=["rtn4.bits=3"], limit=2)
    values = harness.plan(
        tasks=["goodhart7"], compressor=["rtn4"], seeds=range(41, 44), params={"rtn4": {"bits": 3}}, limit=2
    )
    assert [cell.keys for cell in typed.cells] == [cell.keys for cell in values.cells]


def test_importing_and_planning_from_python_is_light(tmp_path):
    code = (
        "import sys, harness\n"
        "assert 'harness.api' not in str(list(sys.modules)), 'lazy'\n"
        "harness.plan(tasks='goodhart7', compressor='ultra3')\n"
        "print([name for name in ('torch', 'transformers', 'scipy', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_plot_tells_every_measure(made, tmp_path):
    shown = made.plot()
    assert "answers" in shown.alt
    assert "rtn4" in shown._repr_svg_()
    assert shown.save(tmp_path / "curves.svg").read_text() == shown._repr_svg_()
    with pytest.raises(UsageError, match="no curves of 'toys'"):
        made.plot("toys")


def test_two_runs_are_compared(made):
    found = made.compare(harness.load_run(made.folder, plugins_dir=TOYS))
    assert "rtn4" in found._repr_html_()


def test_a_plan_says_how_far_its_folder_is(made, tiny_qwen2):
    found = harness.plan(
        compressor="rtn4",
        tasks="toy",
        model=tiny_qwen2,
        runs=2,
        params=["toy.items=3"],
        plugins_dir=TOYS,
        out=made.folder,
    )
    assert "2 cells, 1 contrast" in repr(found)
    assert {row[0].value for row in found.table().rows} == {cell.id for cell in found.cells}
    assert "12/12" in found._repr_html_()


def test_at_a_prompt_a_table_shows_itself(made):
    table = made.table("results")
    lines = repr(table).splitlines()
    assert lines[0].strip() == table.title
    assert all(any(line.startswith(row[0].text) for line in lines) for row in table.rows)
    assert " ".join(repr(made.tables).split()).startswith(made.tables.title)  # folded where it is long
