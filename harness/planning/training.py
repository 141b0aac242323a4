"""What trainers train on, where `--train-on` names a suite of its own: refused here if it cannot be trained on."""

from __future__ import annotations

from harness.contract import Item, TaskSuite, Trainable
from harness.errors import UsageError, plural
from harness.planning.cells import Settings, TrainsOn
from harness.planning.chat import chat_for
from harness.planning.isolation import refuse_sandbox
from harness.planning.questions import count_questions, selected_items
from harness.planning.selection import Selection
from harness.registry.sources import ModelRef


def trained_on(chosen: Selection, model: ModelRef, settings: Settings) -> TrainsOn | None:
    """The suite of `--train-on` for a model, or None if every suite trains the arms that it judges.

    Raises:
        UsageError: no trainer is selected, or the suite cannot be trained on.
    """
    experiment = chosen.experiment
    if experiment.train_on is None:
        return None
    if all(trainer.untouched for trainer in chosen.trainers):
        raise UsageError(f"--train-on {experiment.train_on} without a trainer", "add --trainer, e.g. --trainer vanilla")
    suite = chosen.suite(experiment.train_on, model.name)
    refuse_sandbox(suite, suite.label, chosen.catalogue, accepted=experiment.accept_weak_isolation)
    asker = chosen.suite_of(suite)
    chosen.refuse_untrainable(asker, suite.label)
    chat, _ = chat_for(experiment, model, suite.label, count_questions(asker, settings))
    return TrainsOn(suite=suite, chat=chat)


def refuse_trained_questions(
    chosen: Selection, trains_on: TrainsOn, judge: TaskSuite, label: str, limit: int | None
) -> None:
    """Raises UsageError if the suite that judges asks what the arms are trained on: they would do better there than
    anywhere else. A suite's own items are never its training items."""
    if label == trains_on.suite.label:
        return
    trainable = chosen.suite_of(trains_on.suite)
    assert isinstance(trainable, Trainable)
    learned = {text for item in trainable.training_items() for text in _asked(trainable, item)}
    asked = [text for item in selected_items(judge, limit) for text in _asked(judge, item)]
    if shared := sum(one in learned for one in asked):
        cause = f"{label} asks {plural(shared, 'question')} that the arms are trained on from {trains_on.suite.label}"
        raise UsageError(cause, "leave one of the two out")


def _asked(suite: TaskSuite, item: Item) -> list[str]:
    """What an item asks, but for what it makes of its own replies: that is the same question for many items."""
    return [" ".join(prompt.text.split()) for prompt in suite.prompts(item) if not prompt.quotes]
