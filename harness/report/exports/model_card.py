"""For a model's page on a hub: the `model-index` of its README's front matter, and a section with the same figures."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from harness.planning.cells import Cell
from harness.report.exports.arm_names import arms_of, file_name
from harness.report.exports.run_rows import RunResults
from harness.report.markdown import row_line
from harness.report.numbers import bracket, decimals_of, percent, significant
from harness.store.files import write_text


def write_model_cards(run: RunResults, out: Path) -> list[Path]:
    """One file an arm. huggingface_hub makes the index, and reads it back before it is written."""
    from huggingface_hub import EvalResult, ModelCardData
    from huggingface_hub.repocard_data import eval_results_to_model_index, model_index_to_eval_results

    paths = []
    for name, cells in arms_of(run.plan).items():
        results = [EvalResult(**fields) for cell in cells for fields in _results(run, cell)]
        if results:
            model_index_to_eval_results(eval_results_to_model_index(name, results))
        card = ModelCardData(model_name=name, eval_results=results or None, tags=["goodhart-harness"])
        path = out / f"{file_name(name)}.md"
        write_text(path, f"---\n{card.to_yaml()}\n---\n\n{_section(run, cells)}")
        paths.append(path)
    return paths


def _results(run: RunResults, cell: Cell) -> list[dict[str, Any]]:
    arm, found = run.arm(cell), []
    for metric in run.blocks[cell.suite.label].metrics:
        estimate = arm.estimate(metric)
        if estimate.value is None or not math.isfinite(estimate.value):
            continue
        found.append(
            {
                "task_type": "text-generation",
                "dataset_type": cell.suite.label,
                "dataset_name": cell.suite.label,
                "dataset_args": {"items": cell.items, "repeats": cell.settings.runs},
                "metric_type": metric.key,
                "metric_name": metric.title,
                "metric_value": round(estimate.value, 6),
                "metric_args": {"interval_95": [round(bound, 6) for bound in estimate.interval]}
                if estimate.interval
                else None,
            }
        )
    return found


def _section(run: RunResults, cells: list[Cell]) -> str:
    lines = ["## Evaluation", "", "Measured with goodhart-harness: each item graded by a proxy and by the truth.", ""]
    lines += [row_line(("suite", "measure", "value", "95 %", "n")), row_line(("---", "---", "---:", "---:", "---:"))]
    for cell in cells:
        arm = run.arm(cell)
        for metric in run.blocks[cell.suite.label].metrics:
            found = arm.estimate(metric)
            if found.value is None:
                continue
            value = percent(found.value) if metric.is_rate else significant(found.value)
            scale, decimals = (100.0, 1) if metric.is_rate else (1.0, decimals_of(found.value))
            n = f"{found.denominator:g}"
            lines.append(row_line((cell.suite.label, metric.title, value, bracket(found.interval, scale, decimals), n)))
    notes = [f"- {note}" for note in (run.data.footer.notes if run.data.footer else ())]
    return "\n".join([*lines, "", *notes]).rstrip() + "\n"
