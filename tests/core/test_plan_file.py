"""plan.json: what cells share stands once, and a plan comes back as it was."""

from __future__ import annotations

import json

import pytest

from harness.errors import UsageError
from harness.planning.cells import Plan
from harness.store.run import RunStore


@pytest.fixture
def run(cli) -> RunStore:
    cli("run", "--tasks", "toy", "--model", str(cli.model), "--compressor", "rtn4,rtn3", "--seeds", "1-4", "--out", "r")
    return RunStore(cli.cwd / "r")


def test_what_cells_share_is_written_once_and_is_one_object(run):
    plan = Plan.of(run)
    assert plan == Plan.model_validate_json(plan.model_dump_json())
    assert plan.text == run.plan_path.read_text()
    stored = json.loads(run.plan_path.read_text())
    assert {
        name: len(parts) for name, parts in stored["parts"].items() if name in ("model", "suite", "compressor")
    } == {
        "model": 1,
        "suite": 1,
        "compressor": 3,
    }
    assert len({id(cell.suite) for cell in plan.cells}) == 1 < len(plan.cells) == 12
    a_cell = max(len(line) for line in run.plan_path.read_text().splitlines() if line.startswith('{"id"'))
    assert a_cell < 900  # 2,900 bytes when each cell had all of it


def test_a_plan_of_a_former_version_is_read(run):
    plan = Plan.of(run)
    run.plan_path.write_text(plan.model_dump_json())
    assert Plan.of(run) == plan


@pytest.mark.parametrize(
    "damage", [{"suite": 7}, {"suite": "x"}, {"suite": None}], ids=["beyond", "no number", "nothing"]
)
def test_a_cell_whose_part_is_not_there_is_one_line(run, damage):
    stored = json.loads(run.plan_path.read_text())
    stored["cells"][0] |= damage
    run.plan_path.write_text(json.dumps(stored))
    with pytest.raises(UsageError, match="its cells and its parts do not fit"):
        Plan.of(run)
    stored["parts"] = []
    run.plan_path.write_text(json.dumps(stored))
    with pytest.raises(UsageError, match="its cells and its parts do not fit"):
        Plan.of(run)
