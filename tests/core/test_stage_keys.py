"""Stage keys follow the code: what a stage executes is what its key digests, wherever the files lie."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.planning import keys
from harness.planning.experiment import Experiment
from harness.planning.plan import make_plan
from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins
from harness.running import cell as cell_module
from harness.running.cell import CellRunner
from harness.store.code import data_files, reached
from harness.store.run import RunStore

ROOT = Path(__file__).parents[2]
OURS = (ROOT / "harness", ROOT / "plugins")
OBSERVERS = {  # they are told of a result, and have no part in it
    ROOT / "harness" / "running" / "cell.py",
    ROOT / "harness" / "registry" / "plugins.py",
}
READ = {".toml", ".json", ".jsonl", ".txt", ".jinja"}


class Trace:
    """Files of ours whose code runs, and data files of ours that are opened, while a traced function does."""

    def __init__(self) -> None:
        self.on = False
        self.files: set[str] = set()
        self.opened: set[str] = set()
        sys.addaudithook(self._audit)

    def _audit(self, event: str, details: tuple) -> None:
        if self.on and event == "open" and isinstance(details[0], str):
            self.opened.add(details[0])

    def _profile(self, frame: Any, event: str, _: Any) -> None:
        if event == "call":
            self.files.add(frame.f_code.co_filename)

    def around(self, function: Callable) -> Callable:
        def traced(*args: Any, **options: Any) -> Any:
            self.on = True
            threading.setprofile(self._profile)
            sys.setprofile(self._profile)
            try:
                return function(*args, **options)
            finally:
                sys.setprofile(None)
                threading.setprofile(None)
                self.on = False

        return traced

    def executed(self) -> set[Path]:
        return {path for path in map(_real, self.files) if path.is_relative_to(ROOT) and _ours(path)} - OBSERVERS

    def read(self) -> set[Path]:
        paths = map(_real, self.opened)
        return {path for path in paths if _ours(path) and path.suffix in READ and "pocket" not in path.parts}


def _real(name: str) -> Path:
    return Path(name).resolve()


def _ours(path: Path) -> bool:
    return any(path.is_relative_to(root) for root in OURS)


@pytest.fixture(scope="module")
def traces(tiny_qwen2: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Trace, set[str]]]:
    """stage -> (its trace, the entries of its key), of one small run through every stage."""
    tmp = tmp_path_factory.mktemp("traced")
    catalogue = load_catalogue(load_plugins())
    small = {"steps": 1, "prompts_per_step": 2, "group_size": 4, "max_tokens": 8}
    loopholes: dict[str, Any] = {"source": "generated", "items": 1, "max_tokens": 8}
    experiment = Experiment(
        tasks=("leetcode-loopholes",),
        model=(str(tiny_qwen2),),
        trainer=("vanilla",),
        compressor=("ultra3",),
        detectors=("static", "hardcode"),
        baseline=False,
        params={"vanilla": small, "leetcode-loopholes": loopholes},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(tmp / "cache"))
        (cell,) = make_plan(experiment, catalogue).cells
        made: dict[str, Trace] = {}

        def traced(stage: str, owner: Any, name: str) -> None:
            made[stage] = Trace()
            patch.setattr(owner, name, made[stage].around(getattr(owner, name)))

        import harness.compression.make
        from harness_plugins.trainers.grpo import Grpo

        train = Grpo.train

        def silently(self: Grpo, suite: Any, context: Any) -> Path:
            return train(self, suite, context.model_copy(update={"log": lambda row: None}))

        patch.setattr(Grpo, "train", silently)
        traced("train", Grpo, "train")
        traced("compress", harness.compression.make, "make_artefact")
        for stage in ("sample", "grade", "detect"):
            traced(stage, cell_module, stage)
        CellRunner(RunStore(tmp / "run"), catalogue, lambda *told: None)(cell)
    suite = cell.suite.target
    entries = {
        "train": {cell.trainer.target, suite},
        "compress": {keys.COMPRESS, cell.compressor.target},
        "sample": {keys.SAMPLE},
        "grade": {keys.GRADE, suite},
        "detect": {*keys.DETECT, suite, *(detector.target for detector in cell.detectors)},
    }
    return {stage: (made[stage], entries[stage]) for stage in made}


@pytest.mark.parametrize("stage", ["train", "compress", "sample", "grade", "detect"])
def test_what_a_stage_executes_is_digested(stage: str, traces: dict[str, tuple[Trace, set[str]]]) -> None:
    trace, entries = traces[stage]
    executed = trace.executed()
    assert len(executed) > 3, "the trace saw nothing"
    digested = {path.resolve() for path in reached(*entries).values()}
    missing = executed - digested
    assert not missing, sorted(missing)
    assert not trace.read() - {path.resolve() for path in data_files(*entries)}


def test_no_plugin_imports_by_a_computed_name() -> None:
    """Such an import is not followed, and an edit of what it brings would change no key."""
    computed = [
        f"{file.relative_to(ROOT)}:{call.lineno}"
        for file in sorted((ROOT / "plugins").rglob("*.py"))
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call)
        and ast.unparse(call.func).endswith("import_module")
        and not (call.args and isinstance(call.args[0], ast.Constant))
    ]
    assert not computed


def test_what_stands_around_a_judged_program_is_part_of_the_key() -> None:
    """It runs in the sandbox alone, where no trace of a stage sees it."""
    for suite in ("loopholes.suite:LoopholeSuite", "goodhart.suite:Goodhart"):
        assert "harness_plugins.tasks.programs.inside" in reached(f"harness_plugins.tasks.{suite}")


# ------------------------------------------------------------------------------------------- edits and moves, in a copy

PROBE = """
import json, sys
from pathlib import Path
from harness.planning import keys
from harness.store import code, syntax

CACHES = [code._read, code._closure, code._digest, code._locate, code._data_below]


def digest():
    for cache in CACHES:
        cache.cache_clear()
    return code.code_digest(keys.SAMPLE)


before = digest()
changed, kept = {}, {}
for name, file in code.reached(keys.SAMPLE).items():
    text = file.read_text()
    file.write_text(text + "\\n_EDITED = 1\\n")
    changed[name] = digest() != before
    file.write_text(text + "\\n# a comment\\n")
    kept[name] = digest() == before
    file.write_text(text)
print(json.dumps([changed, kept, digest() == before, before]))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("harness", "plugins"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"))
    (tmp_path / "plugins").rename(tmp_path / "harness_plugins")
    return tmp_path


def in_copy(copy: Path, *arguments: str) -> Any:
    env = {**os.environ, "PYTHONPATH": str(copy), "HARNESS_CACHE": str(copy / "cache")}
    done = subprocess.run([sys.executable, *arguments], cwd=copy, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_edit_of_any_digested_module_changes_the_digest_and_a_comment_does_not(copy: Path) -> None:
    changed, kept, restored, _ = in_copy(copy, "-c", PROBE)
    assert len(changed) > 20
    assert all(changed.values()), [name for name, value in changed.items() if not value]
    assert all(kept.values()), [name for name, value in kept.items() if not value]
    assert restored


def compress_keys(copy: Path) -> list[str]:
    run = ("-m", "harness", "plan", "--compressor", "rtn4", "--tasks", "goodhart7", "--json", "--model")
    model = ROOT / "plugins" / "tasks" / "goodhart" / "pocket"
    return [row["keys"]["compress"] for row in in_copy(copy, *run, str(model))["cells"]]


def test_the_rule_for_shared_hessians_is_part_of_the_compress_key_and_its_place_is_not(copy: Path) -> None:
    before = compress_keys(copy)
    assert before[0] is None
    assert before[1]
    rule = copy / "harness" / "checkpoints" / "shape.py"
    text = rule.read_text()
    rule.write_text(text.replace('{"gate_proj", "up_proj"}', '{"gate_proj", "up_proj", "down_proj"}'))
    assert rule.read_text() != text
    edited = compress_keys(copy)
    assert edited[1] != before[1]
    rule.write_text(text)
    assert compress_keys(copy) == before
    rule.rename(rule.with_name("which_linears.py"))
    for file in copy.rglob("*.py"):
        source = file.read_text()
        if "harness.checkpoints.shape" in source:
            file.write_text(source.replace("harness.checkpoints.shape", "harness.checkpoints.which_linears"))
    assert compress_keys(copy) == before
