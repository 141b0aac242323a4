"""Every built-in plugin passes the checks that third parties run on theirs."""

from __future__ import annotations

import pytest

from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.shape import shape_of
from harness.contract import Decision, Reply, Tools, View
from harness.contract.sensitivity import PLAN_FILE, Effect, SensitivityPlan, SweptLinear
from harness.registry.catalogue import load_catalogue
from harness.registry.component import missing_dependencies
from harness.registry.plugins import load_plugins
from harness.sandbox import available, open_sandbox
from harness.testing import check_compressor, check_detector, check_suite, check_trainer
from harness.testing.spec import make

CATALOGUE = load_catalogue(load_plugins())


def specs(kind: str):
    return [pytest.param(owners[0][0], id=name) for name, owners in CATALOGUE.plugins.specs[kind].items()]


def needs_its_library(spec):
    if missing := missing_dependencies(spec):
        pytest.skip(f"{', '.join(missing)} is not installed (extra {spec.extra})")


COMPRESSOR_PARAMS = {  # groups that divide the tiny model's columns, a size it can be brought to, few rounds
    "caldera": {"iterations": 1},
    "hqq": {"group": 32},
    "quanto": {"group": 32},
    "torchao": {"group": 32},
    "budget": {"bpw": 5, "iterations": 1, "widths": [3, 5]},
    "uniform": {"treatment": "selective3"},
    "random-protect": {"treatment": "selective3"},
    "masked": {"treatment": "selective3", "blocks": [0]},
    "sensitive": {"bpw": 5, "iterations": 1, "widths": [3, 5]},
}


@pytest.mark.parametrize("spec", specs("compressors"))
def test_compressors(spec, tiny_qwen2, quantized_qwen2, tmp_path):
    needs_its_library(spec)
    treatment, params = None, COMPRESSOR_PARAMS.get(spec.name)
    if "plan" in spec.params.model_fields:
        params = {**params, "plan": str(sensitivity_plan(tiny_qwen2, tmp_path))}
    if spec.name == "quantized":
        params = {"path": str(quantized_qwen2)}
    if spec.treatment:
        controlled, _ = CATALOGUE.spec("compressors", "caldera")
        treatment = make(controlled, {"allocation": "selective", "iterations": 1})
    check_compressor(spec, tiny_qwen2, params, treatment)


def sensitivity_plan(model, folder):
    """What a screen of this model's blocks could have found."""
    shape = shape_of(open_checkpoint(model))
    plan = SensitivityPlan(
        model="tiny",
        digest="",
        compressor="uniform3",
        unit="block",
        designs=("factorial",),
        effects={"knowing": {str(block): Effect(damage=block + 1, error=None) for block in range(shape.blocks)}},
        noise={"knowing": 0.0},
        linears={
            one.name: SweptLinear(
                unit=str(one.block), rows=one.rows, columns=one.columns, decision=Decision(bits=3), error=0.1
            )
            for one in shape.linears
        },
        items=(),
    )
    (folder / PLAN_FILE).write_text(plan.model_dump_json())
    return folder


@pytest.mark.parametrize("spec", specs("tasks"))
def test_suites(spec, tmp_path):
    needs_its_library(spec)
    text = tmp_path / "text.txt"
    text.write_text("Once upon a time there was a model that looked better than it was. " * 9)
    task = tmp_path / "tasks"
    task.mkdir()
    (task / "colours.yaml").write_text(
        f"task: colours\ndataset_path: json\ndataset_kwargs: {{data_files: {{test: {tmp_path / 'colours.jsonl'}}}}}\n"
        "test_split: test\noutput_type: generate_until\ndoc_to_text: '{{question}}'\ndoc_to_target: '{{answer}}'\n"
    )
    (tmp_path / "colours.jsonl").write_text('{"question": "What colour is grass?", "answer": "green"}\n')
    gap = tmp_path / "gap.jsonl"
    gap.write_text(
        '{"q": "What is 2 + 3?", "a": 5, "how": "Add."}\n{"q": "What is 2 * 3?", "a": 6, "how": "Multiply."}\n'
    )
    params = {
        "countdown": {"items": 2, "numbers": [3]},
        "goodhart": {"items": 1},
        "goodhart-public": {"data": str(gap), "columns": {"question": "q", "answer": "a", "procedure": "how"}},
        "leetcode-loopholes": {"source": "generated", "items": 1},
        "perplexity": {"text": str(text)},
        "lm-eval": {"task": "colours", "include_path": str(task)},
    }
    if spec.name in ("countdown", "leetcode-loopholes") and available()["bwrap"]:
        pytest.skip(f"no sandbox here: {available()['bwrap']}")
    check_suite(spec, params.get(spec.name))


SOLUTION = "def total(numbers):\n    return sum(numbers)\n"


@pytest.mark.parametrize("spec", specs("detectors"))
def test_detectors(spec):
    if "activations" in spec.needs:
        pytest.skip("its tests run it on a model's activations")
    if "exec" in spec.needs and available()["bwrap"]:
        pytest.skip(f"no sandbox here: {available()['bwrap']}")
    tools = Tools(
        sandbox=open_sandbox if "exec" in spec.needs else None,
        reference=(lambda view: SOLUTION) if "reference" in spec.needs else None,
        judge=(lambda questions: ["no verdict"] * len(questions)) if "judge" in spec.needs else None,
    )
    check_detector(spec, views=[_program(SOLUTION), _program("def total(numbers):\n    return 6\n")], tools=tools)


def _program(source: str) -> View:
    return View(
        item=f"program{len(source)}",
        family="sums",
        prompts={"solution": "Add the numbers."},
        replies={"solution": Reply(text=f"```python\n{source}```")},
        group="sums",
        data={"entry": "total", "visible": [[[[1, 2, 3]], 6]]},
    )


TRAINER_PARAMS = {
    "grpo": {"steps": 1, "prompts_per_step": 2, "group_size": 4, "pairs": "offtopic"},
    "self-training": {"cycles": 1, "proposals": 4},
}


@pytest.mark.parametrize("spec", specs("trainers"))
def test_trainers(spec, tiny_qwen2):
    check_trainer(spec, tiny_qwen2, TRAINER_PARAMS.get(spec.name))
