"""Whole runs through a real server: counts, a server that dies, secrets, and what is refused when planning."""

from __future__ import annotations

import json
import subprocess
import time

import pytest

from harness.errors import UsageError
from harness.planning.experiment import experiment_from
from harness.planning.plan import make_plan
from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins

pytest.importorskip("lm_eval", reason="lm-eval is not installed (pip install 'goodhart-harness[lm-eval]')")


def test_counts_through_the_server_and_through_hf_are_those_of_the_same_cells_here(run, server):
    """Greedy, float32, same token limits: completions continue the very tokens that the harness's generator continues."""
    run("--tasks", "few", "--model", str(server.folder), "--out", "here")
    there = (
        "--backend",
        "local-completions",
        "--backend-args",
        server.args(tokenized_requests=False, num_concurrent=2),
    )
    run("--tasks", "few", *there, "--out", "there")
    run("--tasks", "few", "--backend", "hf", "--model", str(server.folder), "--compressor", "rtn2", "--out", "hf")
    here = {key: row["reply"]["text"] for key, row in run.samples("here").items()}
    assert len(here) == 8
    assert {key: row["reply"]["text"] for key, row in run.samples("there").items()} == here
    assert run.counts("there") == run.counts("here")
    untouched = next(run.cwd.glob("hf/cells/*--none--*"))
    rows = [json.loads(line) for line in (untouched / "samples.jsonl").open()]
    assert {(row["item"], row["role"], row["repeat"]): row["reply"]["text"] for row in rows} == here
    (compressed,) = run.cwd.glob("hf/cells/*--rtn2--*")
    damaged = [json.loads(line)["reply"]["text"] for line in (compressed / "samples.jsonl").open()]
    assert len(damaged) == 8
    assert sorted(damaged) != sorted(here.values())
    assert f"calls its model {server.folder}" in run.report("there")
    assert "does not say which replies the token limit cut" in run.report("hf")


def test_letters_that_a_set_shares_are_asked_of_the_server_once(run, server):
    """Four scenarios × four rotations for the set, and an execution for each of its four items."""
    chosen = ("--tasks", "goodhart7", "-P", "goodhart7.understanding=letters", "-P", "goodhart7.items=1")
    few = ("-P", 'goodhart7.families=["discount_coupon"]', "--max-tokens", "8", "--out", "letters")
    run(*chosen, *few, "--backend", "local-chat-completions", "--backend-args", server.args(num_concurrent=2))
    rows = run.samples("letters").values()
    assert len(rows) == 4 * (16 + 1)
    assert len({row["batch"] for row in rows}) == 16 + 4
    by_role = {}
    for row in rows:
        by_role.setdefault(row["role"], set()).add(row["reply"]["text"])
    assert all(len(by_role[f"letters/{s}/{r}"]) == 1 for s in range(4) for r in range(4))
    assert "understanding by letters" in run.report("letters")


def test_a_server_that_dies_ends_the_cell_with_one_line_and_the_run_goes_on_when_it_is_back(run, server):
    toy = ("--tasks", "toy", "-P", "toy.items=30", "--runs", "2", "--temperature", "1", "--out", "r")  # 120 questions
    command = (*toy, "--backend", "local-chat-completions", "--backend-args", server.args(max_retries=1))
    process = run.start(*command)
    try:
        wait_for(lambda: len(run.samples("r")) >= 5, process)
        server.kill()
        assert process.wait(timeout=120) == 1, process.stderr.read()
        (state,) = [json.loads(path.read_text()) for path in run.cwd.glob("r/cells/*/state.json")]
        assert state["state"] == "failed"
        assert state["error"].startswith(f"the server at {server.url}/chat/completions did not answer in 1 tries: ")
        assert state["error"].endswith("(start it again; the same command then resumes)")
        kept = run.samples("r")
        assert 5 <= len(kept) < 120
        assert all(row["error"] is None for row in kept.values())
        assert f"no server answers at {server.url}" in run(*command, code=1).stderr
    finally:
        process.kill()
        server.kill()
        server.start()
    process = run.start(*command)
    wait_for(lambda: len(run.samples("r")) >= len(kept) + 5, process)
    process.kill()  # the run this time
    process.wait()
    more = run.samples("r")
    assert {key: more[key] for key in kept} == kept
    run(*command)
    whole = run.samples("r")
    assert len(whole) == 120
    assert {key: whole[key] for key in more} == more
    assert "uncoupled, the backend draws noise of its own; each request carries a seed of its own" in run.report("r")


def test_a_key_is_in_no_file_and_none_is_taken_on_the_command_line(run, server):
    toy = ("--tasks", "toy", "-P", "toy.items=1", "--out", "r", "--backend", "local-chat-completions")
    run(*toy, "--backend-args", server.args(header="env:MY_HEADERS"), code=2)
    refused = run(*toy, "--backend-args", server.args(auth_token=run.key), code=2)
    assert "argument 'auth_token' holds a secret" in refused.stderr
    assert run.key not in refused.stderr
    refused = run(*toy, "--backend-args", server.args(user=run.key), code=2)  # by its value, whatever it is called
    assert "argument 'user' holds a secret" in refused.stderr
    run(*toy, "--backend-args", server.args())
    files = [path for path in run.cwd.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert [path for path in files if run.key.encode() in path.read_bytes()] == []


def wait_for(condition, process: subprocess.Popen, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)


# ---------------------------------------------------------------------------------------------------- refused when planning


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue(load_plugins())


def plan(catalogue, server, backend: str, **experiment):
    args = {"model": str(server.folder), "base_url": server.url}
    return make_plan(experiment_from({"backend": backend, "backend_args": args, **experiment}), catalogue)


def test_cells_that_need_weights_are_refused(catalogue, server):
    with pytest.raises(
        UsageError, match=r"compressor ultra3 needs the model's weights, and backend .* has no weights here"
    ):
        plan(catalogue, server, "local-completions", tasks=["goodhart7"], compressor=["ultra3"])
    with pytest.raises(UsageError, match="trainer vanilla needs the model's weights"):
        plan(catalogue, server, "local-chat-completions", tasks=["leetcode-loopholes"], trainer=["vanilla"])


def test_likelihoods_are_refused_where_the_backend_has_none(catalogue, server, tmp_path):
    (tmp_path / "text.txt").write_text("Once upon a time.")
    with pytest.raises(
        UsageError, match=r"needs log-likelihoods of given text, which backend 'local-chat-completions'"
    ):
        plan(catalogue, server, "local-chat-completions", tasks=[f"perplexity:{tmp_path / 'text.txt'}"])


def test_a_reading_that_a_chat_server_cannot_give_is_refused_naming_those_it_can(catalogue, server):
    params = {"goodhart7": {"understanding": "choose", "items": 1}}
    with pytest.raises(UsageError, match=r"-P goodhart7\.understanding=explain or letters or program, or") as error:
        plan(catalogue, server, "local-chat-completions", tasks=["goodhart7"], params=params)
    assert "\n" not in str(error.value)


def test_arguments_without_a_backend_are_refused(catalogue):
    with pytest.raises(UsageError, match="--backend-args without a backend"):
        make_plan(experiment_from({"tasks": ["goodhart7"], "backend_args": {"model": "m"}}), catalogue)


def test_a_judges_secrets_are_refused_too(catalogue, monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", "sk-0123456789")
    task = {"tasks": ["leetcode-loopholes"], "limit": 1, "detectors": ["judge"]}
    for arguments in (
        "model=m,auth_token=abc",
        "model=m,user=sk-0123456789",
        "model=m,base_url=http://me:pass@host/v1",
    ):
        given = {"judge": {"backend": "local-chat-completions", "model": arguments}}
        with pytest.raises(UsageError, match="holds a secret"):
            make_plan(experiment_from({**task, "params": given}), catalogue)
    named = {"judge": {"backend": "local-chat-completions", "model": "model=m,auth_token=env:SOME_API_KEY"}}
    assert make_plan(experiment_from({**task, "params": named}), catalogue).cells


def test_a_server_names_its_own_model(catalogue, server):
    with pytest.raises(UsageError, match=r"the model is given twice: --model, and model='.*' in --backend-args"):
        plan(catalogue, server, "local-completions", tasks=["goodhart7"], model=["pocket"])


def test_the_model_is_in_the_key_and_the_pace_is_not(catalogue, server):
    def key(**args):
        given = {"model": str(server.folder), "base_url": server.url, **args}
        experiment = {"backend": "local-completions", "backend_args": given, "tasks": ["goodhart7"], "limit": 1}
        return make_plan(experiment_from(experiment), catalogue).cells[0].sample_key

    assert key() == key(num_concurrent=8, timeout=9, max_retries=1)
    assert key() != key(eos_string="<|end|>")


def test_without_a_backend_no_name_or_key_changes(catalogue):
    made = make_plan(experiment_from({"tasks": ["goodhart7"]}), catalogue)
    assert made.cells[0].model.backend is None
    spelled = {"tasks": ["goodhart7"], "backend_args": {}}
    assert make_plan(experiment_from(spelled), catalogue).name == made.name
