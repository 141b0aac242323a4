"""Backends asked in this process: through a real server and through HFLM, against the harness's own generator."""

from __future__ import annotations

import json

import pytest

from harness.contract import Chat, Prompt
from harness.errors import ModelError, PluginError, StageError, Unreachable, UsageError

pytest.importorskip("lm_eval", reason="lm-eval is not installed (pip install 'goodhart-harness[lm-eval]')")

from harness.lm_eval.backends.arguments import parse_arguments
from harness.lm_eval.backends.locate import make_backend
from harness.lm_eval.backends.model import BackendModel
from harness.registry.backend import Backend
from harness.registry.sources import resolve

QUESTIONS = (
    "A jacket costs 80 dollars. It is 25% off, and you have a coupon for 5 dollars. What do you pay?",
    "Explain step by step how to price a ticket with a discount and a coupon.",
    "A recipe for 4 people needs 250 g of flour. How much do 6 people need?",
)

TASK = """
task: asked
dataset_path: json
dataset_kwargs:
  data_files: {{test: {data}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{answer}}}}"
num_fewshot: 0
generation_kwargs: {{until: ["\\n\\n"], max_gen_toks: 40, do_sample: false}}
metric_list:
  - {{metric: exact_match, aggregation: mean, higher_is_better: true}}
"""


def prompts(**options) -> list[Prompt]:
    return [Prompt(role=str(n), text=text, **{"max_tokens": 48, **options}) for n, text in enumerate(QUESTIONS)]


def own_replies(asked: list[Prompt], chat: Chat = Chat()) -> list:  # noqa: B008  (frozen)
    from harness.models.generate import Generator
    from harness.models.load import load
    from harness.models.sampling import Sampling

    generator = Generator(load(resolve("pocket"), "cpu", "float32"), chat)
    return [generator.generate([prompt], [0], Sampling())[0] for prompt in asked]


def served(server, name: str, **more) -> BackendModel:
    return BackendModel(make_backend(name, parse_arguments(server.args(**more))))


def ask(model: BackendModel, asked: list[Prompt], seeds=None, temperature: float = 0.0) -> list:
    """One at a time, as a run asks over HTTP."""
    seeds = seeds or [0] * len(asked)
    return [model.ask([prompt], [seed], temperature, 1.0)[0] for prompt, seed in zip(asked, seeds, strict=True)]


@pytest.mark.parametrize("stop", [(), ("\n", "Answer")])
def test_completions_are_the_generators_replies(server, stop):
    """The chat template is put around the prompt here, so that the server continues the same tokens."""
    asked = prompts(stop=stop)
    model = served(server, "local-completions", tokenized_requests=False)
    theirs, ours = ask(model, asked), own_replies(asked)
    assert [reply.text for reply in theirs] == [reply.text for reply in ours]
    if not stop:  # at a stop string the two count its tokens differently
        assert [(reply.tokens, reply.truncated) for reply in theirs] == [(r.tokens, r.truncated) for r in ours]


def test_chat_completions_are_the_generators_replies_without_space_around(server):
    """The server applies the template; it strips what it reads out of the reply."""
    asked = prompts()
    theirs = ask(served(server, "local-chat-completions"), asked)
    assert [reply.text for reply in theirs] == [reply.text.strip() for reply in own_replies(asked)]


def test_a_system_turn_and_the_templates_arguments_reach_the_model(server):
    own = "{% for m in messages %}{{ m.role }}{{ m.content }}{% endfor %}{{ tail }}"
    system, written = (
        Chat(system="Answer.", args={"tail": "!"}),
        Chat(template=own, system="Answer.", args={"tail": "!"}),
    )
    chat = BackendModel(
        make_backend("local-chat-completions", parse_arguments(server.args())), chat=system
    )  # the server's template reads no `tail`, and takes it
    asked = prompts(max_tokens=12)
    expected = [reply.text for reply in own_replies(asked, system)]
    assert [reply.text for reply in ask(chat, asked)] == [text.strip() for text in expected]
    assert expected != [reply.text for reply in own_replies(asked)]
    here = BackendModel(Backend(name="hf"), resolve("pocket"), "cpu", "float32", 1, chat=written)
    assert [reply.text for reply in ask(here, asked)] == [reply.text for reply in own_replies(asked, written)]


def test_a_reply_that_the_limit_cuts_is_marked_when_the_server_says_so(server):
    asked = prompts(max_tokens=4)
    theirs = ask(served(server, "local-completions", tokenized_requests=False), asked)
    assert all(reply.truncated and reply.tokens == 4 for reply in theirs)
    assert [reply.text for reply in theirs] == [reply.text for reply in own_replies(asked)]


def test_seeds_repeat_and_differ(server):
    model = served(server, "local-completions", tokenized_requests=False)
    asked = prompts()[1:2] * 6
    seeds = [1, 1, 2, 3, 4, 5]
    first = [reply.text for reply in ask(model, asked, seeds, temperature=2.0)]
    assert first == [reply.text for reply in ask(model, asked, seeds, temperature=2.0)]
    assert first[0] == first[1]
    assert len(set(first)) > 2


@pytest.mark.parametrize("batch_size", [1, 3])
def test_hf_replies_are_the_generators(batch_size):
    asked = prompts(stop=("\n\n",))
    model = BackendModel(Backend(name="hf"), resolve("pocket"), "cpu", "float32", batch_size)
    theirs = model.ask(asked, [0] * len(asked), 0.0, 1.0)
    assert [reply.text for reply in theirs] == [reply.text for reply in own_replies(asked)]


def test_hf_samples_from_the_whole_vocabulary_as_seeded():
    """Left to itself transformers draws from the 50 likeliest tokens, and a checkpoint's own defaults count as well."""
    import torch

    model = BackendModel(Backend(name="hf"), resolve("pocket"), "cpu", "float32", 1)
    seen = []
    inner = model.lm.model.generate
    model.lm.model.generate = lambda *args, **options: seen.append(options) or inner(*args, **options)
    texts = []
    for _ in range(2):
        torch.manual_seed(7)
        texts.append(model.ask([Prompt(role="x", text="Hello", max_tokens=60)], [0], 50.0, 1.0)[0].text)
    assert texts[0] == texts[1]
    assert seen[0]["top_k"] == 0
    own = model.lm.model.generation_config
    assert (own.repetition_penalty, own.top_k, own.top_p) == (None, None, None)


def test_hf_scores_targets_as_the_generator_does():
    from harness.models.generate import Generator
    from harness.models.load import load

    asked = [
        Prompt(role="text", text="", target="First take the discount off the price."),
        Prompt(role="answer", text="What is 2 + 2?", target="Answer: 4"),
    ]
    theirs = BackendModel(Backend(name="hf"), resolve("pocket"), "cpu", "float32", 2).ask(asked, [0, 0], 0.0, 1.0)
    generator = Generator(load(resolve("pocket"), "cpu", "float32"))
    ours = [generator.log_likelihood([prompt])[0] for prompt in asked]
    assert [reply.tokens for reply in theirs] == [reply.tokens for reply in ours]
    assert [reply.log_likelihood for reply in theirs] == pytest.approx([r.log_likelihood for r in ours], rel=1e-5)


def test_hf_scores_choices_as_the_generator_does():
    from harness.models.generate import Generator
    from harness.models.load import load

    choices = ("First take the discount off.", "Add the coupon.", "Divide by the number of people, then stop.")
    asked = [Prompt(role="choose", text=text, choices=choices[: 2 + n % 2]) for n, text in enumerate(QUESTIONS)]
    asked.append(asked[0].model_copy(update={"role": "again"}))
    theirs = BackendModel(Backend(name="hf"), resolve("pocket"), "cpu", "float32", 2).ask(asked, [0] * 4, 0.0, 1.0)
    ours = Generator(load(resolve("pocket"), "cpu", "float32")).choose(asked)
    for their, our in zip(theirs, ours, strict=True):
        assert their.choice_log_likelihoods == pytest.approx(our.choice_log_likelihoods, abs=1e-4)
        assert (their.tokens, their.log_likelihood) == (our.tokens, None)


def test_a_prompt_beyond_the_context_is_an_error_and_never_cut():
    model = BackendModel(Backend(name="hf"), resolve("pocket"), "cpu", "float32", 1)
    with pytest.raises(StageError, match="no room in the context"):
        model.ask([Prompt(role="long", text="word " * 3000)], [0], 0.0, 1.0)


# ------------------------------------------------------------------------------------------------------------ refusals


def test_a_model_that_the_server_does_not_serve_is_found_out_when_planning(server):
    args = parse_arguments(server.args(model="other-model"))
    with pytest.raises(ModelError, match=r"does not answer for model 'other-model': HTTP 400: Server is pinned to"):
        make_backend("local-chat-completions", args)


def test_the_server_names_the_model_that_answers(server):
    backend = make_backend("local-chat-completions", parse_arguments(server.args()))
    assert str(server.folder) in backend.reported


def test_nobody_at_the_url_is_found_out_when_planning():
    with pytest.raises(ModelError, match=r"no server answers at http://127.0.0.1:9/v1/completions: .*refused"):
        make_backend("local-completions", {"model": "m", "base_url": "http://127.0.0.1:9/v1"})


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(UsageError, match="set the environment variable OPENAI_API_KEY"):
        make_backend("openai-chat-completions", {"model": "m"})
    with pytest.raises(UsageError, match="set the environment variable ANTHROPIC_API_KEY"):
        make_backend("anthropic-chat-completions", {"model": "m"})
    with pytest.raises(
        PluginError, match=r"'vllm' needs vllm, which is not installed \(pip install 'goodhart-harness\[vllm\]'\)"
    ):
        make_backend("vllm", {})
    with pytest.raises(PluginError, match="'sglang' needs sglang, which is not installed"):
        make_backend("sglang", {})
    with pytest.raises(UsageError, match=r"no backend 'local-chat'.*local-chat-completions"):
        make_backend("local-chat", {})
    with pytest.raises(UsageError, match=r"needs a URL \(--backend-args base_url="):
        make_backend("local-completions", {"model": "m"})
    with pytest.raises(UsageError, match=r"needs a model \(--backend-args model="):
        make_backend("local-completions", {"base_url": "http://127.0.0.1:9/v1"})


def test_an_overruled_temperature_is_an_error(monkeypatch):
    """lm-eval asks models with a 5 in their name at temperature 1."""
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-no-account")
    args = {"model": "gpt-5", "base_url": "http://127.0.0.1:9/v1/chat/completions"}
    model = BackendModel(Backend(name="openai-chat-completions", args=args))
    with pytest.raises(ModelError, match="asks gpt-5 at temperature 1, whatever is wanted"):
        model.check_sampling(0.0)
    model.check_sampling(1.0)


def test_a_server_that_is_gone_is_unreachable_after_the_retries():
    args = {"model": "m", "base_url": "http://127.0.0.1:9/v1/chat/completions", "max_retries": 1}
    model = BackendModel(Backend(name="local-chat-completions", args=args))
    with pytest.raises(Unreachable, match=r"at http://127.0.0.1:9/v1/chat/completions did not answer in 1 tries"):
        ask(model, prompts()[:1])


# ------------------------------------------------------------------------------------------------------ lm-eval's own loop


def test_a_stock_task_through_a_server_says_what_it_says_here(server, tmp_path):
    """lm-eval's loop asks the backend itself, several requests at a time; a chat server gets messages."""
    from harness.models.generate import Generator
    from harness.models.load import load
    from harness_plugins.tasks.lm_eval.spec import LmEvalParams
    from harness_plugins.tasks.lm_eval.suite import LmEvalSuite

    rows = [{"question": question, "answer": "?"} for question in QUESTIONS]
    (tmp_path / "docs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "asked.yaml").write_text(TASK.format(data=tmp_path / "docs.jsonl"))
    suite = LmEvalSuite(LmEvalParams(task="asked", include_path=tmp_path, chat=True))
    keys = [item.id for item in suite.items()]

    def responses(model) -> list[str]:
        replies = {key: reply for chunk in suite.ask(model, keys, 4) for key, reply in chunk.items()}
        return [json.loads(replies[key].text)["responses"][0][0].strip() for key in keys]

    here = responses(Generator(load(server.folder, "cpu", "float32")))
    args = parse_arguments(server.args(num_concurrent=2))
    assert responses(BackendModel(make_backend("local-chat-completions", args), own_loop=True)) == here
    assert responses(BackendModel(Backend(name="hf"), server.folder, "cpu", "float32", 4)) == here
