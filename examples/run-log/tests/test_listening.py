import json


def test_a_run_is_logged_and_reported(harness_command, tiny_model, tmp_path):
    done = harness_command(
        "run", "--tasks", "goodhart7", "--limit", "2", "--model", str(tiny_model), "--out", "r", "--max-tokens", "4"
    )
    events = [json.loads(line)["event"] for line in (tmp_path / "r" / "events.jsonl").read_text().splitlines()]
    assert events == ["run started", "cell started", "cell ended", "run ended"]
    assert "1 cells ended in 1 starts of this run." in done.stdout
