"""As `lm_eval run --output_path` leaves results: a folder for each arm with results_TIME.json and samples_TASK_TIME.jsonl."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.contract import Outcome, Scores
from harness.planning.cells import Cell
from harness.report.data import Row
from harness.report.exports.arm_names import arms_of, file_name
from harness.report.exports.run_rows import RunResults
from harness.store.files import read_object, write_text


def write_lm_eval(run: RunResults, out: Path) -> list[Path]:
    """No standard errors: the harness's intervals are not symmetric, and stand under `harness` in the results."""
    env = run.store.folder / "env.json"
    moment = str(read_object(env).get("time", "")) if env.is_file() else ""
    stamp = (moment.rstrip("Z") or "0000-00-00T00:00:00").replace(":", "-") + ".000000"
    paths = []
    for name, cells in arms_of(run.plan).items():
        folder = out / file_name(name)
        path = folder / f"results_{stamp}.json"
        write_text(path, json.dumps(_results(run, name, cells, moment), indent=2) + "\n")
        paths.append(path)
        for cell in cells:
            path = folder / f"samples_{file_name(cell.suite.label)}_{stamp}.jsonl"
            write_text(path, "".join(json.dumps(row) + "\n" for row in _samples(run, cell)))
            paths.append(path)
    return paths


def _results(run: RunResults, name: str, cells: list[Cell], moment: str) -> dict[str, Any]:
    results: dict[str, Any] = {}
    better: dict[str, dict[str, bool]] = {}
    intervals: dict[str, Any] = {}
    for cell in cells:
        task, arm = cell.suite.label, run.arm(cell)
        estimates = {metric: arm.estimate(metric) for metric in run.blocks[task].metrics}
        known = {metric: found for metric, found in estimates.items() if found.value is not None}
        results[task] = {"alias": task, **{f"{metric.key},none": found.value for metric, found in known.items()}}
        results[task] |= {f"{metric.key}_stderr,none": "N/A" for metric in known}
        better[task] = {metric.key: metric.rate.better == "high" for metric in known if metric.rate}
        intervals[task] = {metric.key: found.interval and list(found.interval) for metric, found in known.items()}
    first = cells[0]
    return {
        "results": results,
        "group_subtasks": {cell.suite.label: [] for cell in cells},
        "configs": {cell.suite.label: _config(cell) for cell in cells},
        "versions": {cell.suite.label: cell.suite.version for cell in cells},
        "n-shot": {cell.suite.label: 0 for cell in cells},
        "higher_is_better": better,
        "n-samples": {cell.suite.label: {"original": cell.items, "effective": cell.items} for cell in cells},
        "config": {
            "model": "harness",
            "model_args": {"pretrained": first.model.path or first.model.name},
            "batch_size": first.settings.batch_size,
            "device": first.settings.device,
            "limit": first.settings.limit,
            "random_seed": first.seed,
            "gen_kwargs": {"temperature": first.settings.temperature, "top_p": first.settings.top_p},
        },
        "date": moment,
        "model_source": "harness",
        "model_name": name,
        "model_name_sanitized": file_name(name),
        "harness": {"intervals": intervals, "run": str(run.store.folder)},
    }


def _config(cell: Cell) -> dict[str, Any]:
    return {
        "task": cell.suite.label,
        "num_fewshot": 0,
        "repeats": cell.settings.runs,
        "metadata": {"version": cell.suite.version},
    }


def _samples(run: RunResults, cell: Cell) -> Iterator[dict[str, Any]]:
    prompts, replies = run.store.cell(cell.id).prompts(), run.replies(cell)
    numbers = {item: number for number, item in enumerate(dict.fromkeys(row.item for row in run.data.rows[cell.id]))}
    for row in run.data.rows[cell.id]:
        asked = prompts.get(row.item, {})
        said = {role: one.reply.text for role, one in replies.get((row.item, row.repeat), {}).items() if one.reply}
        doc = {"id": row.item, "family": row.family, "cluster": row.cluster, "repeat": row.repeat}
        yield {
            "doc_id": numbers[row.item],
            "doc": doc,
            "target": "",
            "arguments": {f"gen_args_{n}": {"arg_0": text} for n, text in enumerate(asked.values())},
            "resps": [[said.get(role, "")] for role in asked],
            "filtered_resps": [said.get(role, "") for role in asked],
            "filter": "none",
            "metrics": list(measures := _measures(run, cell, row)),
            "doc_hash": _hash(doc),
            "prompt_hash": _hash(asked),
            "target_hash": _hash(""),
            **measures,
        }


def _measures(run: RunResults, cell: Cell, row: Row) -> dict[str, float]:
    """What the sample adds to each measure that it counts in."""
    if not isinstance(row.verdict, Outcome | Scores):
        return {}
    terms = {metric.key: metric.terms(row) for metric in run.blocks[cell.suite.label].metrics}
    return {key: numerator / denominator for key, (numerator, denominator) in terms.items() if denominator}


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
