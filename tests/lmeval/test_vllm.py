"""A real vLLM, as a server and in this process, against the harness's own generator.

vLLM wants an environment of its own: `python tools/vllm_environment.py FOLDER`, then
`FOLDER/bin/python -m pytest -m slow tests/lmeval/test_vllm.py`.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Server, free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

if not importlib.util.find_spec("vllm"):
    pytest.skip("vLLM is not installed (python tools/vllm_environment.py FOLDER)", allow_module_level=True)

ONE_CORE = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "VLLM_NO_USAGE_STATS": "1"}
FEW = ("--tasks", "goodhart7", "-P", "goodhart7.items=1", "--max-tokens", "48")
NEAR_TIES = 2  # replies of a run that may part at a near-tie


class VllmServer(Server):
    @property
    def command(self) -> list[str]:
        return [
            str(Path(sys.executable).with_name("vllm")), "serve", str(self.folder), "--host", "127.0.0.1",
            "--port", str(self.port), "--dtype", "float32", "--generation-config", "vllm", "--enforce-eager",
        ]  # fmt: skip


@pytest.fixture(scope="module")
def vllm(tmp_path_factory):
    from harness.registry.sources import resolve

    log = tmp_path_factory.mktemp("vllm") / "server.log"
    running = VllmServer(Path(resolve("pocket")), free_port(), log, seconds=600)
    try:
        running.start(**ONE_CORE)
        yield running
    finally:
        running.kill()


def harness(run, *arguments: str, code: int = 0) -> subprocess.CompletedProcess:
    """In a process that has nothing loaded: vLLM starts others from it."""
    command = [sys.executable, "-m", "harness", "run", *arguments]
    done = subprocess.run(
        command, cwd=run.cwd, env={**run.env, **ONE_CORE}, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def texts(run, out: str, arm: str = "none") -> dict[tuple, str]:
    return {name: row["reply"]["text"] for name, row in run.samples(out, arm).items()}


def differing(ours: dict, theirs: dict) -> int:
    assert ours.keys() == theirs.keys()
    return sum(ours[name] != theirs[name] for name in ours)


def through(server: VllmServer, **more: object) -> tuple[str, ...]:
    return "--backend", "local-completions", "--backend-args", server.args(**more)


def test_greedy_replies_likelihoods_and_counts_are_those_of_here(run, vllm):
    """Understanding is read from the likelihood of given procedures, execution from a reply."""
    harness(run, *FEW, "--out", "here")
    harness(run, *FEW, *through(vllm), "--out", "server")
    harness(run, *FEW, "--backend", "vllm", "--model", "pocket", "--dtype", "float32", "--batch-size", "16",
            "--backend-args", "enforce_eager=true,max_model_len=1024", "--out", "process")  # fmt: skip
    ours = run.samples("here")
    scored = {name for name, row in ours.items() if row["reply"]["choice_log_likelihoods"]}
    assert 0 < len(scored) < len(ours)
    for other in ("server", "process"):
        theirs = run.samples(other)
        assert differing(texts(run, "here"), texts(run, other)) <= NEAR_TIES
        for name in scored:
            expected = ours[name]["reply"]["choice_log_likelihoods"]
            assert theirs[name]["reply"]["choice_log_likelihoods"] == pytest.approx(expected, abs=1e-3)
        assert differing(run.counts("here"), run.counts(other)) <= NEAR_TIES


def test_noise_is_the_one_drawn_here(run, vllm):
    """At a temperature at which replies of another key differ."""
    warm = ("--temperature", "1", "--runs", "2", "-P", "goodhart7.understanding=explain", *FEW)
    harness(run, *warm, "--out", "here")
    harness(run, *warm, *through(vllm), "--out", "server")
    ours, theirs = texts(run, "here"), texts(run, "server")
    assert differing(ours, theirs) <= NEAR_TIES
    other_key = {(item, role, 1 - repeat): text for (item, role, repeat), text in theirs.items()}
    assert differing(ours, other_key) > len(ours) / 2
    assert "coupled, the backend draws the harness's own noise" in run.report("server")


def test_a_compressed_model_is_given_to_vllm_dense_and_coupled(run):
    warm = (
        "--temperature",
        "1",
        "-P",
        "goodhart7.understanding=explain",
        *FEW,
        "--compressor",
        "rtn4",
        "--dtype",
        "float32",
    )
    harness(run, *warm, "--model", "pocket", "--out", "here")
    inside = "enforce_eager=true,max_model_len=1024"
    harness(run, *warm, "--backend", "vllm", "--model", "pocket", "--backend-args", inside, "--out", "process")
    for arm in ("none", "rtn4"):
        ours, theirs = (texts(run, out, arm) for out in ("here", "process"))
        assert differing(ours, theirs) <= NEAR_TIES
    base, changed = (texts(run, "process", arm) for arm in ("none", "rtn4"))
    assert differing(base, changed) > 0
    assert "coupled noise | yes" in run.report("process")


def test_a_server_that_is_killed_is_resumed_with_the_same_replies(run, vllm):
    warm = ("--temperature", "1", "--runs", "2", "-P", "goodhart7.understanding=explain", *FEW)
    command = [
        sys.executable,
        "-m",
        "harness",
        "run",
        *warm,
        *through(vllm, max_retries=1, num_concurrent=4),
        "--out",
        "r",
    ]
    process = subprocess.Popen(command, cwd=run.cwd, env=run.env, stderr=subprocess.PIPE, text=True)
    while len(run.samples("r")) < 10:
        assert process.poll() is None, process.stderr.read()
    vllm.kill()
    assert process.wait(timeout=300) == 1
    kept = texts(run, "r")
    (state,) = [json.loads(path.read_text()) for path in run.cwd.glob("r/cells/*/state.json")]
    assert "(start it again; the same command then resumes)" in state["error"]
    vllm.start(**ONE_CORE)
    harness(run, *command[4:])
    whole = texts(run, "r")
    assert len(kept) < len(whole) == 28 * 2 * 2
    assert kept.items() <= whole.items()


def test_noise_that_cannot_be_drawn_is_refused(vllm):
    import requests

    def ask(**more: object) -> requests.Response:
        question = {"model": str(vllm.folder), "prompt": "1", "max_tokens": 2, **more}
        return requests.post(f"{vllm.url}/completions", json=question, timeout=60)

    refused = ask(temperature=0, vllm_xargs={"harness_key": 1, "harness_temperature": -1.0})
    assert (refused.status_code, "harness_temperature" in refused.text) == (400, True)
    warm = ask(temperature=1, vllm_xargs={"harness_key": 1, "harness_temperature": 1.0})
    assert (warm.status_code, "goes with temperature 0" in warm.text) == (400, True)
    assert ask(temperature=0).ok


# ------------------------------------------------------------------------------------------------- without an engine


def test_both_of_vllms_interfaces_draw_the_token_that_is_drawn_here():
    """The second one belongs to the runner for GPUs; here it gets a batch of that shape."""
    from types import SimpleNamespace

    import torch
    from vllm import SamplingParams
    from vllm.v1.sample.logits_processor.interface import BatchUpdate

    from harness.lm_eval.backends.noise import Noise
    from harness.models.sampling import Sampling, draw
    from harness.vllm import CoupledNoise

    logits = torch.randn(3, 500, generator=torch.Generator().manual_seed(0)) * 3
    noises = [Noise(key=5, temperature=1.0), None, Noise(key=-7, temperature=2.0, top_p=0.9)]
    asked = [SamplingParams(temperature=0, extra_args=noise and noise.arguments()) for noise in noises]
    replies = [[1] * 4, [1], []]
    expected = [int(logits[1].argmax())] * 3
    for row in (0, 2):
        noise, place = noises[row], torch.tensor([len(replies[row])])
        sampling = Sampling(temperature=noise.temperature, top_p=noise.top_p)
        expected[row] = int(draw(logits[row : row + 1], torch.tensor([noise.key]), place, sampling)[0])
    assert expected != logits.argmax(dim=1).tolist()

    first = CoupledNoise(None, torch.device("cpu"), False)
    added = [(row, asked[row], [9], replies[row]) for row in range(3)]
    first.update_state(BatchUpdate(batch_size=3, removed=[], added=added, moved=[]))
    assert first.apply(first.apply(logits.clone())).argmax(dim=1).tolist() == expected  # twice is once

    prompts, slots = [6, 2, 3], [4, 0, 1]  # tokens of each row's prompt, and the slot that its request keeps
    lengths = [0] * 5
    for row, slot in enumerate(slots):
        lengths[slot] = prompts[row]
    second = CoupledNoise(None, SimpleNamespace(prompt_len=SimpleNamespace(np=lengths)))
    assert [second.add_request(slots[row], asked[row]) for row in range(3)] == [True, False, True]
    read = [prompts[row] + len(replies[row]) - 1 for row in range(3)]
    context = SimpleNamespace(expanded_idx_mapping=torch.tensor(slots), pos=torch.tensor(read))
    assert second.apply(logits.clone(), context).argmax(dim=1).tolist() == expected
