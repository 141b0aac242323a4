"""Third-party packages, built, installed beside the project's wheel in a fresh environment, used through the real command:
the examples, and what `harness new-plugin` writes for each kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from environments import build_wheel

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PACKAGES = ("torchao-native", "jsonl-quiz", "best-of", "echo-detector", "run-log")
KINDS = {"compressor": "compressors", "tasks": "tasks", "trainer": "trainers", "detector": "detectors"}


@pytest.fixture(scope="module")
def packages(environment, tmp_path_factory) -> dict[str, Path]:
    """Name -> source folder; all of them installed."""
    folder = tmp_path_factory.mktemp("packages")
    sources = {name: EXAMPLES / name for name in PACKAGES}
    for kind in KINDS:
        name = f"my-{kind}"
        done = environment("-m", "harness", "new-plugin", name, "--kind", kind, cwd=folder)
        assert f"cd {name} && pip install -e ." in done.stdout
        sources[name] = folder / name
    environment.install(build_wheel(source, folder / "wheels") for source in sources.values())
    return sources


def test_they_are_plugins_with_distribution_version_and_hooks(environment, packages, tmp_path):
    rows = json.loads(environment("-m", "harness", "plugins", "--json", cwd=tmp_path).stdout)
    found = {row["name"]: row for row in rows}
    assert {"builtin", *packages} <= set(found)
    assert all(row["state"] == "ok" and row["error"] is None for row in rows)
    assert all(found[name]["distribution"] == name and found[name]["version"] == "0.1.0" for name in packages)
    assert found["jsonl-quiz"]["hooks"] == ["harness_register_task_suites", "harness_registry_files"]
    assert found["my-trainer"]["hooks"] == ["harness_register_trainers"]
    assert "harness_report_sections" in found["run-log"]["hooks"]


def test_they_are_listed(environment, packages, tmp_path):
    listed = json.loads(environment("-m", "harness", "list", "--json", cwd=tmp_path).stdout)
    names = {kind: {row["name"] for row in rows} for kind, rows in listed.items()}
    assert {"torchao-int8", "my-compressor"} <= names["compressors"]
    assert {"quiz", "my-tasks"} <= names["tasks"]
    assert {"echo", "my-detector"} <= names["detectors"]
    assert {"best-of", "my-trainer"} <= names["trainers"]


def test_their_own_tests_pass(environment, packages, tmp_path):
    """All in one process: each package's addopts, and file names that need not differ."""
    tests = [str(source / "tests") for source in packages.values()]
    options = ["-q", "-p", "no:cacheprovider", "-p", "harness.testing.fixtures", "--import-mode=importlib"]
    done = environment("-m", "pytest", *options, f"--rootdir={tmp_path}", *tests, cwd=tmp_path)
    assert "failed" not in done.stdout
    assert "17 passed" in done.stdout, done.stdout


def test_they_work_together_in_one_run(environment, packages, tiny_qwen2, tmp_path):
    chosen = [
        "--tasks",
        "quiz,my-tasks",
        "--compressor",
        "torchao-int8,my-compressor",
        "--detectors",
        "echo,my-detector",
    ]
    done = environment(
        "-m", "harness", "run", *chosen, "--model", str(tiny_qwen2), "--out", "r", "--max-tokens", "6", cwd=tmp_path
    )
    for title in ("confidently wrong", "overclaims", "torchao-int8", "my-compressor", "echo", "my-detector"):
        assert title in done.stdout
    assert "6 cells ended in 1 starts of this run." in done.stdout
    results = (tmp_path / "r" / "report" / "report.md").read_text()
    assert "torchao-native 0.1.0" in results  # who brought it, in the footer
    events = (tmp_path / "r" / "events.jsonl").read_text().splitlines()
    assert len(events) == 2 + 2 * 6


def test_a_suite_reads_the_file_named_on_the_command_line(environment, packages, tmp_path):
    (tmp_path / "bad.jsonl").write_text('{"question": "Well?"}\n')
    done = environment("-m", "harness", "plan", "--tasks", "quiz:bad.jsonl", cwd=tmp_path, code=2)
    assert "bad.jsonl:1 is no question" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (("My_Plugin", "--kind", "tasks"), "is not a valid plugin name"),
        (("mine", "--kind", "optimizer"), "unknown kind 'optimizer'"),
        (("json", "--kind", "tasks"), "already installed"),
        (("uniform4", "--kind", "compressor"), "is already taken"),
        (("mine", "--kind", "tasks", "--out", "."), "is not empty"),
    ],
)
def test_new_plugin_refuses(environment, tmp_path, arguments, cause):
    (tmp_path / "something").touch()
    done = environment("-m", "harness", "new-plugin", *arguments, cwd=tmp_path, code=2)
    assert cause in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["something"]
