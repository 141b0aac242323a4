"""As Inspect logs an evaluation: one log a cell, made of inspect-ai's own classes, so that Inspect View opens it."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.contract import Outcome, Scores
from harness.errors import PluginError
from harness.planning.cells import Cell
from harness.report.data import Row
from harness.report.exports.arm_names import arm_name, file_name
from harness.report.exports.run_rows import RunResults
from harness.store.files import make_folder, read_object
from harness.store.run import SampleRow

SUFFIX = ".eval"


def write_inspect(run: RunResults, out: Path) -> list[Path]:
    """Raises PluginError where inspect-ai is not installed."""
    if importlib.util.find_spec("inspect_ai") is None:
        raise PluginError(
            "this form needs inspect_ai, which is not installed", "pip install 'goodhart-harness[inspect]'"
        )
    from inspect_ai.log import write_eval_log

    logging.getLogger("inspect_ai").setLevel(logging.ERROR)
    make_folder(out)
    paths = []
    for cell in run.plan.cells:
        path = out / f"{file_name(cell.suite.label)}_{file_name(arm_name(cell))}_{cell.id[-8:]}{SUFFIX}"
        write_eval_log(_log(run, cell), str(path))
        paths.append(path)
    return paths


def _log(run: RunResults, cell: Cell) -> Any:
    from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalResults, EvalSpec
    from inspect_ai.model import GenerateConfig

    arm = run.arm(cell)
    env = run.store.folder / "env.json"
    moment = str(read_object(env).get("time", "")) if env.is_file() else ""
    settings = cell.settings
    items = list(dict.fromkeys(row.item for row in arm.rows))
    return EvalLog(
        status="success" if arm.cell.state == "done" else "error",
        eval=EvalSpec(
            created=moment.replace("Z", "+00:00") or "1970-01-01T00:00:00+00:00",
            task=cell.suite.label,
            task_args={name: value for name, value in cell.suite.params.items() if value is not None},
            dataset=EvalDataset(name=cell.suite.label, samples=len(items), sample_ids=items, shuffled=False),
            model=f"harness/{arm_name(cell)}",
            model_generate_config=GenerateConfig(
                temperature=settings.temperature, top_p=settings.top_p, max_tokens=settings.max_tokens, seed=cell.seed
            ),
            config=EvalConfig(limit=settings.limit, epochs=settings.runs),
            packages={cell.suite.distribution: cell.suite.version} if cell.suite.distribution else {},
            metadata={"cell": cell.id, "trainer": cell.trainer.label, "compressor": cell.compressor.label},
        ),
        results=EvalResults(
            total_samples=arm.cell.planned, completed_samples=arm.cell.scored, scores=list(_scores(run, cell))
        ),
        samples=list(_samples(run, cell)),
    )


def _scores(run: RunResults, cell: Cell) -> Iterator[Any]:
    from inspect_ai.log import EvalMetric, EvalScore

    arm = run.arm(cell)
    for metric in run.blocks[cell.suite.label].metrics:
        found = arm.estimate(metric)
        if found.value is not None:
            low, high = found.interval or (None, None)
            value = EvalMetric(
                name="mean", value=found.value, metadata={"low": low, "high": high, "n": found.denominator}
            )
            yield EvalScore(name=metric.key, scorer=metric.title, metrics={"mean": value})


def _samples(run: RunResults, cell: Cell) -> Iterator[Any]:
    from inspect_ai.log import EvalSample
    from inspect_ai.model import ChatMessageAssistant, ChatMessageUser, ModelOutput

    prompts, replies = run.store.cell(cell.id).prompts(), run.replies(cell)
    model = f"harness/{arm_name(cell)}"
    for row in run.arm(cell).rows:
        asked = prompts.get(row.item, {})
        said = replies.get((row.item, row.repeat), {})
        messages: list[Any] = []
        for role, text in asked.items():
            messages.append(ChatMessageUser(content=text, metadata={"role": role}))
            messages.append(ChatMessageAssistant(content=_text(said.get(role)), model=model, metadata={"role": role}))
        yield EvalSample(
            id=row.item,
            epoch=row.repeat + 1,
            input="\n\n".join(f"[{role}] {text}" for role, text in asked.items()),
            target="",
            messages=messages,
            output=ModelOutput.from_content(model, "\n\n".join(f"[{role}] {_text(said.get(role))}" for role in asked)),
            scores=_verdict(row),
            metadata={"family": row.family, "cluster": row.cluster, "truncated": row.truncated},
        )


def _text(row: SampleRow | None) -> str:
    if row is None:
        return ""
    return row.reply.text if row.reply else f"({row.error})"


def _verdict(row: Row) -> dict[str, Any]:
    """The two verdicts as Inspect's C and I, and every measure; an unscored sample has none."""
    from inspect_ai.scorer import CORRECT, INCORRECT, Score

    if isinstance(row.verdict, Outcome):
        read = {key: value for key, value in row.verdict.parsed.items() if value is not None}
        said = f"{row.verdict.quadrant}{f' ({row.verdict.label})' if row.verdict.label else ''}"
        pair = {"proxy": row.verdict.proxy, "truth": row.verdict.truth}
        verdicts = {
            name: Score(value=CORRECT if value else INCORRECT, explanation=said, metadata=read)
            for name, value in pair.items()
        }
        return verdicts | {name: Score(value=value) for name, value in row.verdict.measures.items()}
    if isinstance(row.verdict, Scores):
        return {name: Score(value=value) for name, value in row.verdict.values.items()}
    return {}
