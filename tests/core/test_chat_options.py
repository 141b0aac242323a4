"""--chat-template, --template-arg and --system reach the model and the key, or are refused before anything is made."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from harness.checkpoints.chat_template import templates_of
from harness.contract import Chat
from harness.errors import ModelError, UsageError
from harness.planning.cells import Plan
from harness.planning.given import experiment_given
from harness.planning.plan import make_plan
from harness.registry.catalogue import Catalogue, load_catalogue
from harness.registry.plugins import load_plugins

TOYS = Path(__file__).parent / "toys"
TURNS = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
THINKING = TURNS + "{% if enable_thinking is not defined or enable_thinking %}<think>{% endif %}"
DEMANDING = "{% if messages[0].role != 'system' %}{{ raise_exception('a system turn\nfirst') }}{% endif %}" + TURNS
REFUSING = "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}{% endfor %}"
DROPPING = "{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(load_plugins([TOYS]))


@pytest.fixture
def model(tiny_qwen2: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_qwen2, tmp_path / "model"))


@pytest.fixture
def plan(catalogue: Catalogue, model: Path):
    def make(template: str | None, tasks: str = "toy", **options: object) -> Plan:
        file = model / "chat_template.jinja"
        file.unlink(missing_ok=True)
        if template is not None:
            file.write_text(template)
        return make_plan(experiment_given([], {"tasks": [tasks], "model": [str(model)], **options}), catalogue)

    return make


def test_options_are_in_the_sample_key_and_the_folder_and_change_no_question(plan, model: Path) -> None:
    (model / "mine.jinja").write_text(DROPPING)
    plain = plan(THINKING)
    assert plain.cells[0].settings.chat == Chat()
    options = ({"template_args": ["enable_thinking=false"]}, {"system": "Be brief."}, {"system": ""})
    for option in (*options, {"chat_template": str(model / "mine.jinja")}):
        other = plan(THINKING, **option)
        assert other.cells[0].sample_key != plain.cells[0].sample_key
        assert other.cells[0].questions == plain.cells[0].questions
        assert other.name != plain.name
    assert other.cells[0].settings.chat == Chat(template=DROPPING)
    assert plan(THINKING, **options[0]).cells[0].settings.chat == Chat(args={"enable_thinking": False})


def test_a_policy_trains_as_it_is_asked(plan) -> None:
    training = {
        "tasks": "leetcode-loopholes",
        "trainer": ["vanilla"],
        "limit": 1,
        "params": ["leetcode-loopholes.split=test"],
    }
    assert plan(TURNS, **training).cells[1].training_key != plan(TURNS, system="x", **training).cells[1].training_key


def test_named_templates(plan, model: Path) -> None:
    plan(None)
    config = model / "tokenizer_config.json"
    named = [{"name": "rag", "template": DROPPING}, {"name": "tool_use", "template": TURNS}]
    config.write_text(json.dumps({**json.loads(config.read_text()), "chat_template": named}))
    assert sorted(templates_of(model)) == ["rag", "tool_use"]
    with pytest.raises(UsageError, match=r"none of the chat templates of .* \(--chat-template rag or tool_use\)"):
        plan(None)
    assert plan(None, chat_template="tool_use").cells[0].settings.chat.template == TURNS
    with pytest.raises(UsageError, match=r"no such file, and no template of .* has rag, tool_use"):
        plan(None, chat_template="tools")
    (model / "additional_chat_templates").mkdir()
    (model / "additional_chat_templates" / "short.jinja").write_text(DROPPING)
    assert plan(TURNS, chat_template="short").cells[0].settings.chat.template == DROPPING


@pytest.mark.parametrize(
    ("template", "options", "message"),
    [
        (DEMANDING, {}, "does not take the user's turn: a system turn first .--system TEXT"),
        (REFUSING, {"system": "x"}, "does not take a system turn before the user's: no system .leave out --system"),
        (DROPPING, {"system": "Be brief."}, "drops the system turn"),
        ("hello", {}, "drops the user's turn"),
        ("{% for m in messages %}{{ m.content[0].text }}{% endfor %}", {}, "drops the user's turn"),
        ("{% if %}", {}, "does not take the user's turn: Expected an expression"),
        (THINKING, {"template_args": ["enable_thinkin=false"]}, "takes no 'enable_thinkin'"),
        (TURNS, {"template_args": ["messages=[]"]}, "takes no 'messages'"),
        (TURNS, {"template_args": ["x"]}, "bad --template-arg 'x'"),
        (None, {"system": "x"}, "--system: .* has no chat template"),
        (None, {"template_args": ["x=1"]}, "--template-arg: .* has no chat template"),
        (TURNS, {"chat_template": "/nowhere.jinja"}, "no such file, and no template of .*it has default"),
    ],
)
def test_what_the_template_cannot_take_is_one_line(plan, template, options, message) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        plan(template, **options)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_template_that_draws_is_refused(plan) -> None:
    with pytest.raises(UsageError, match="makes another prompt of the same turns each time"):
        plan(TURNS + "{{ [1, 2, 3]|random }}")


@pytest.mark.parametrize("lost", ["none", "pointer", "page", "pipe"])
def test_a_model_without_its_tokenizer_is_refused_before_any_work(plan, model: Path, lost: str) -> None:
    plan(TURNS)
    for file in model.glob("tokenizer*"):
        file.unlink()
    match lost:
        case "pointer":
            (model / "tokenizer.json").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
        case "page":
            (model / "tokenizer_config.json").write_text("<html>404</html>")
        case "pipe":
            os.mkfifo(model / "tokenizer.json")
    with pytest.raises(ModelError, match=r"holds no tokenizer|is no JSON object|not a regular file"):
        plan(TURNS)


def test_a_template_that_wants_a_system_turn_gets_it(plan) -> None:
    assert plan(DEMANDING, system="Be brief.").cells[0].settings.chat.system == "Be brief."


def test_plan_and_report_say_how_a_model_is_asked(cli, model: Path) -> None:
    said = f"{model} has no chat template: it is asked plain texts, which it continues."
    (model / "chat_template.jinja").unlink()
    assert said in cli("plan", "--tasks", "toy", "--model", str(model)).stderr.replace("\n", " ")
    done = cli.run("--limit", "1", "--system", "x", model=model, code=2)
    assert len(done.stderr.splitlines()) == 1
    cli.run("--limit", "1", model=model)
    assert said in (cli.cwd / "r" / "report" / "report.md").read_text()
    (model / "chat_template.jinja").write_text(TURNS + "{{ strftime_now('%Y') }}")
    report = cli.run("--limit", "1", "--system", "x", "--out", "turns", model=model)
    told = f"The chat template of {model} asks for the time and is always told 2025-01-01 00:00."
    assert told in (cli.cwd / "turns" / "report" / "report.md").read_text()
    assert report.returncode == 0
