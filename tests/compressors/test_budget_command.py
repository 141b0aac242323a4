"""Allocation to a budget as a user meets it: the real command, killed and resumed, and a run with both controls."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import warm

from harness.__main__ import main
from harness.checkpoints.checkpoint import stored_bytes
from harness.checkpoints.manifest import read_manifest

TEXT = (
    "Once upon a time there was a little girl who liked to count: 1, 2, 3, 5, 8. How many apples are left? Answer: 7.\n"
)
QUICK = ("--sequences", "12", "--length", "48")


@dataclass
class Command:
    """`harness` in a process of its own, with its own cache."""

    cwd: Path
    model: Path

    def arguments(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "harness", *arguments]

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "HARNESS_CACHE": str(self.cwd / "cache"), "COLUMNS": "160"}

    def __call__(self, *arguments: str, code: int = 0) -> str:
        done = warm.run(["-m", "harness", *arguments], self.cwd, self.env)
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout if code == 0 else done.stderr

    def compress(self, *arguments: str, code: int = 0) -> str:
        return self("compress", *self.compression(*arguments), code=code)

    def compression(self, *arguments: str) -> list[str]:
        return ["--model", str(self.model), "--out", "a", "--calibration", "text.txt", *QUICK, *arguments]

    @property
    def tables(self) -> list[Path]:
        return sorted((self.cwd / "cache" / "measurements").glob("*.json"))


@pytest.fixture
def command(tmp_path: Path, tiny_qwen2: Path) -> Command:
    (tmp_path / "text.txt").write_text(TEXT * 60)
    return Command(tmp_path, tiny_qwen2)


def test_killed_and_resumed_the_budget_is_kept(command: Command) -> None:
    wanted = command.compression("--compressor", "budget", "--bpw", "3.2")
    process = subprocess.Popen(
        command.arguments("compress", *wanted), cwd=command.cwd, env=command.env, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not any((command.cwd / "a").glob("block-*.safetensors")):  # measured, and one block done
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    process.wait()
    (table,) = command.tables
    measured = table.stat().st_mtime_ns
    assert "COMPLETE.json" in command("verify", "a", code=2)

    said = command("compress", *wanted)
    assert "plan: 21/21 Linears in ≤3.200 bits a weight" in said
    assert "resumed" in said
    assert table.stat().st_mtime_ns == measured, "it measured again"
    assert "as they were written" in command("verify", "a")

    found = json.loads(command("inspect", "a", "--json"))
    assert 3.0 < found["summary"]["bits_per_weight"] <= 3.2
    assert len({(row["bits"], row["rank"]) for row in found["linears"]}) > 1
    assert found["summary"]["bytes"] == stored_bytes(command.cwd / "a")
    kept = json.loads((command.cwd / "a" / "measurements.json").read_text())
    assert kept.keys() == {row["name"] for row in found["linears"]}
    for row in found["linears"]:
        options = {(entry["decision"]["bits"], entry["decision"]["rank"]) for entry in kept[row["name"]]}
        assert (row["bits"], row["rank"]) in options
    assert "21 resumed" in command("compress", *wanted)
    _loads_packed_and_dense(command.cwd / "a")


def _loads_packed_and_dense(folder: Path) -> None:
    from transformers import AutoModelForCausalLM

    import harness.checkpoints.quantizer  # noqa: F401  (registers the packed format)

    tokens = torch.arange(10)[None]
    packed, dense = (
        AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, dequantize=dequantize)(tokens).logits
        for dequantize in (False, True)
    )
    torch.testing.assert_close(packed, dense, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("size", "widths"), [(160_000, "[2,3,4,5,6,8]"), (300_000, "[3,16]")])
def test_a_size_is_that_of_all_weight_files(command: Command, size: int, widths: str) -> None:
    budget = ["--compressor", "budget", "--size", str(size), "-P", f"budget.widths={widths}"]
    wanted = ["--calibration", "text.txt", *QUICK, *budget]
    said = command("compress", "--model", str(command.model), *wanted)
    most = int(re.findall(r"at most ([\d,]+) bytes", said)[0].replace(",", ""))
    (folder,) = (command.cwd / "artefacts").iterdir()
    assert folder.name.endswith(f"tiny_qwen20--budget--{size}")
    assert 0.85 * size < stored_bytes(folder) <= most <= size
    kept = read_manifest(folder).kept  # at 32 bits a weight: the model is in float32
    assert bool(kept) == ("16" in widths)


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["--compressor", "budget", "--bpw", "1.5"], "ask for 2."),
        (["--compressor", "budget", "--size", "20kB"], "bytes or more"),
        (["--compressor", "budget"], "exactly one of bpw and size"),
        (["--compressor", "budget", "--bpw", "3", "--size", "1MB"], "two names for one budget"),
        (["--compressor", "budget@3", "--size", "1MB"], "exactly one of bpw and size"),
        (["--compressor", "budget", "--bpw", "-3"], "greater than 0"),
        (["--compressor", "budget", "--size", "much"], "budget.size"),
        (["--compressor", "budget@3", "-P", "budget@3.widths=[1,3]"], "budget@3.widths.0: Input should be 2, 3, 4"),
        (["--compressor", "budget@3", "-P", "budget@3.widths=[9]"], "budget@3.widths.0: Input should be 2, 3, 4"),
        (["--compressor", "budget@3", "-P", "budget@3.widths=[4,-2]"], "budget@3.widths.1: Input should be 2, 3, 4"),
        (
            ["--compressor", "budget@3", "-P", "budget@3.widths=[]"],
            "budget@3.widths: Tuple should have at least 1 item",
        ),
        (["--compressor", "uniform3", "--bpw", "3"], "uniform3 takes no --bpw"),
        (["--compressor", "uniform@budget@x"], "budget@x.bpw"),
        (["--compressor", "uniform@nothing"], "unknown compressor 'nothing'"),
        (["--compressor", "random-protect@none"], "nothing can be a control of it"),
        (["--compressor", "budget@3", "-P", "uniform3.bits=2"], "-P names 'uniform3'"),
        (["--compressor", "budget@3", "-P", "budget@3.allocation=ultra"], "allocation"),
        (["--compressor", "none"], "compresses nothing"),
    ],
)
def test_a_budget_that_cannot_be_is_refused_before_any_work(
    command: Command,
    arguments: list[str],
    cause: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(command.cwd)
    monkeypatch.setenv("HARNESS_CACHE", command.env["HARNESS_CACHE"])
    monkeypatch.setattr(sys, "argv", ["harness", "compress", *command.compression(*arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert cause in capsys.readouterr().err
    assert not (command.cwd / "a").exists()


def test_the_calibration_flags_reach_the_artefact(command: Command) -> None:
    rows = [{"text": TEXT * 3, "score": score} for score in (0.2, 0.6, 0.9)]
    (command.cwd / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    flags = [
        "--calibration",
        "rows.jsonl",
        "--length",
        "64",
        "--calibration-seed",
        "7",
        "--min-score",
        "0.5",
        "--weighted",
    ]
    command.compress("--compressor", "gptq3", *flags, "--original-activations")
    calibration = json.loads((command.cwd / "a" / "manifest.json").read_text())["calibration"]
    told = {key: calibration[key] for key in ("source", "length", "seed", "min_score", "weighted", "sequential")}
    assert told == {
        "source": "rows.jsonl", "length": 64, "seed": 7, "min_score": 0.5, "weighted": True, "sequential": False
    }  # fmt: skip
    assert calibration["sequences"] == 2  # the row scored .2 is out


@pytest.mark.slow
def test_a_run_compares_a_budget_with_its_controls_at_equal_bits(command: Command) -> None:
    (command.cwd / "other.txt").write_text("A recipe for 4 people needs 250 g of flour. " * 40)
    names = "uniform@budget@3,random-protect@budget@3,budget@3"
    asked = ["--compressor", names, "--tasks", "perplexity:other.txt", "-P", "budget@3.iterations=1"]
    command("run", "--model", str(command.model), *asked, "--out", "r")
    assert len(command.tables) == 1, "controls share the table of what they control"

    report = json.loads(command("report", "r", "--json"))
    tables = {table["key"]: table["rows"] for table in report["sections"][0]["tables"]}
    controlled, control = tables["draws"]
    assert (controlled["configuration"], control["configuration"]) == ("budget@3", "random-protect@budget@3")
    assert control["draws"] == [f"random-protect@budget@3#{seed}" for seed in range(1, 6)]
    assert control["bits_per_weight"] == controlled["bits_per_weight"] <= 3
    uniform = next(row for row in tables["results"] if row["configuration"] == "uniform@budget@3")
    assert uniform["size"]["bits_per_weight"] <= controlled["bits_per_weight"]
