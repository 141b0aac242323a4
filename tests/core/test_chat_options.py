"""--chat-template, --template-arg and --system reach the model and the key, or are refused before anything is made."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from harness.checkpoints.chat_template import templates_of
from harness.cli.detectors import _reader
from harness.contract import Chat, Item, Params, Prompt, TaskSuite
from harness.detection.judge import MAX_TOKENS, open_judge
from harness.errors import ModelError, UsageError
from harness.models.generate import Generator
from harness.models.load import load
from harness.models.sampling import Sampling
from harness.planning.cells import Plan
from harness.planning.chat_options import ChatOptions
from harness.planning.given import experiment_given
from harness.planning.plan import make_plan
from harness.registry.catalogue import Catalogue, load_catalogue
from harness.registry.plugins import load_plugins
from harness.running.teacher_pool import RolloutRecipe, rollouts
from harness.store.teacher_pool import FamilyRate, Pool, PoolHeader, PoolRow, write_pool

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


# ------------------------------------------------------------------------------------------- judges and the other verbs


RATE = FamilyRate(family="f", items=1, drawn=1, kept=1)
POOL = Pool(
    header=PoolHeader(suite="s", suite_identity={}, source="rollouts", families=("f",), rates=(RATE,)),
    rows=(
        PoolRow(
            item="i", family="f", role="r", prompt="p", reply="r", reward=1, hack=True, solve=False, attempted=True
        ),
    ),
)
QUIET = Chat(args={"enable_thinking": False}, system="Be brief.")


def said(folder: Path, text: str, chat: Chat) -> str:
    """What a model answers greedily when it is asked so."""
    prompt = Prompt(role="judge", text=text, max_tokens=MAX_TOKENS)
    return Generator(load(folder, "cpu"), chat).generate([prompt], [0], Sampling())[0].text


def test_a_judge_is_asked_as_its_parameters_say(model: Path) -> None:
    (model / "chat_template.jinja").write_text(THINKING)
    params = {"model": str(model), "template_args": {"enable_thinking": False}, "system": "Be brief."}
    answers = [open_judge(one, str, "cpu", "float32")(["Is it?"]) for one in (params, {"model": str(model)})]
    assert answers == [[said(model, "Is it?", QUIET)], [said(model, "Is it?", Chat())]]
    assert answers[0] != answers[1]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            ["judge.template_args={enable_thinkin=false}"],
            "judge: .* takes no 'enable_thinkin' .leave out template_args",
        ),
        (["judge.chat_template=/nowhere.jinja"], "judge: chat_template /nowhere.jinja: no such file"),
        (["judge.template_args=no"], "template_args"),
        (["judge.backend=openai-chat-completions", "judge.chat_template=x"], "judge: .* does not take chat_template"),
        (["judge.backend=hf", "judge.template_args={x=1}"], "judge: the chat template of the judge takes no 'x'"),
    ],
)
def test_what_a_judge_cannot_take_is_refused_by_the_plan(plan, model: Path, params, message) -> None:
    name = (
        f"pretrained={model}"
        if "judge.backend=hf" in params
        else str(model)
        if "backend" not in params[0]
        else "model=m"
    )
    with pytest.raises(UsageError, match=message):
        plan(THINKING, detectors=["judge"], params=[f"judge.model={name}", *params])


def test_the_content_of_a_judges_template_is_in_the_key(plan, model: Path, tmp_path: Path) -> None:
    file = tmp_path / "judge.jinja"

    def key(template: str) -> str:
        file.write_text(template)
        params = [f"judge.model={model}", f"judge.chat_template={file}"]
        return plan(TURNS, detectors=["judge"], params=params).cells[0].detect_keys["judge"]

    assert key(TURNS) == key(TURNS) != key(THINKING)


class One(TaskSuite):
    def prompts(self, item: Item) -> list[Prompt]:
        return [Prompt(role="judge", text="Is it?", max_tokens=MAX_TOKENS)]


def test_rollouts_and_the_bench_ask_as_they_are_told(catalogue: Catalogue, model: Path) -> None:
    (model / "chat_template.jinja").write_text(THINKING)
    recipe = RolloutRecipe(samples=1, temperature=0, device="cpu", chat=QUIET)
    (draw,) = rollouts(One(Params()), [Item(id="i", family="f", cluster="c")], model, recipe, lambda *_: None)
    assert draw.reply.text == said(model, "Is it?", QUIET)
    asking = ChatOptions.typed(None, ["enable_thinking=false"], "Be brief.")
    reader = _reader(catalogue, catalogue.resolve("tasks", "toy"), [str(model)], asking, lambda _: None)
    assert reader is not None
    assert reader.activations._generator().chat == QUIET


@pytest.mark.parametrize(
    ("verb", "message"),
    [
        (
            ["teacher", "build", "-t", "leetcode-loopholes", "-o", "p"],
            "--system without a model that is asked (add --from",
        ),
        (
            ["teacher", "build", "-t", "leetcode-loopholes", "-o", "p", "--items", "1", "--from", "MODEL"],
            "drops the system",
        ),
        (["probe", "--pool", "POOL", "-m", "MODEL"], "drops the system turn"),
        (["detectors", "leetcode-loopholes", "-m", "MODEL"], "drops the system turn"),
    ],
)
def test_the_other_verbs_refuse_what_the_template_cannot_take(cli, model: Path, verb: list[str], message: str) -> None:
    (model / "chat_template.jinja").write_text(DROPPING)
    write_pool(cli.cwd / "POOL", POOL)
    done = cli(*[str(model) if word == "MODEL" else word for word in verb], "--system", "x", code=2)
    assert message in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: ")
