"""An experiment's names, resolved: which components, which models, under which parameters."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from harness.contract import TaskSuite, Trainable, TrainerSpec
from harness.contract.trainable import leading_prompt, single_prompt
from harness.errors import UsageError
from harness.lm_eval.backends.locate import locate_for_backend, make_backend, model_names
from harness.planning.experiment import SUITE_FLAGS, Experiment
from harness.planning.judges import refuse_judge_chat, refuse_written_secrets
from harness.planning.questions import item_key, selected_items
from harness.registry.capabilities import require_capability
from harness.registry.catalogue import Catalogue
from harness.registry.component import NONE, Component, build
from harness.registry.sources import ModelRef, locate_model
from harness.store.hashing import params_files


class Selection:
    """The experiment's names resolved, with the baseline added and every override accounted for."""

    def __init__(self, experiment: Experiment, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.experiment = experiment
        self.params, self.unused = self._overrides(), set(experiment.params)
        self.suites = [self._component("tasks", label) for label in experiment.tasks]
        trained_on = [self._component("tasks", experiment.train_on)] if experiment.train_on else []
        self.trainers = self._arms("trainers", experiment.trainer)
        self.compressors = self._arms("compressors", experiment.compressor)
        self.detectors = tuple(self._component("detectors", label) for label in self._detector_labels())
        if self.unused:
            raise UsageError(f"-P names {sorted(self.unused)[0]!r}, which this run does not select")
        for flag in set(experiment.suite_flags) & set(SUITE_FLAGS):
            if not any(catalogue.accepts(suite, flag) for suite in [*self.suites, *trained_on]):
                raise UsageError(f"none of the selected suites takes --{flag}")
        if experiment.backend_args and not experiment.backend:
            raise UsageError("--backend-args without a backend", "add --backend, e.g. --backend local-chat-completions")
        self.backend = make_backend(experiment.backend, experiment.backend_args) if experiment.backend else None

    def locate(self, name: str) -> ModelRef:
        return (
            locate_for_backend(self.backend, name, self.catalogue)
            if self.backend
            else locate_model(name, self.catalogue)
        )

    def refuse_calibration_on_questions(self, suite: Component, model: ModelRef) -> None:
        """Refuse to calibrate a compressor on what the suite asks: it would do better there than anywhere else.

        Raises:
            UsageError: a file that the suite's parameters name has the content of the model's calibration source.
        """
        files = params_files(suite.params).items()
        same = [name for name, digest in files if digest == model.calibration_digest]
        arms = (arm for arm in self.compressors if not arm.untouched)
        if same and (arm := next((arm for arm in arms if self.catalogue.build(arm).calibrated), None)):
            cause = f"{arm.label} would calibrate {model.name} on {model.calibration}, and {suite.label} asks {same[0]}"
            raise UsageError(f"{cause}: the same text", "give one of them another text")

    def refuse_deciding_items(self, suite: TaskSuite, label: str, limit: int | None) -> None:
        """Refuse to judge a compressor by items that decided where its bits go.

        Raises:
            UsageError: the suite asks some of them.
        """
        asked: set[str] | None = None
        for arm in self.compressors:
            one = None if arm.untouched else self.catalogue.build(arm)
            while one is not None:
                if one.questions:
                    asked = asked or {item_key(suite, item) for item in selected_items(suite, limit)}
                    if same := asked & one.questions:
                        cause = f"{arm.label} was decided by {len(same)} of the {len(asked)} items that {label} asks"
                        raise UsageError(cause, f"draw others: -P {label}.seed=N")
                one = one.treatment

    def refuse_untrainable(self, suite: TaskSuite, label: str) -> None:
        """Raises UsageError if a trainer is selected and the suite of that label has no items for training."""
        trainers = [arm for arm in self.trainers if not arm.untouched]
        if not trainers:
            return
        cause = f"{trainers[0].label} cannot train on {label}, which keeps no items for training"
        items = require_capability(suite, Trainable, cause, self.catalogue).training_items()
        if not items:
            raise UsageError(cause, "choose another suite, or other parameters for it")
        specs = [self.catalogue.spec("trainers", arm.plugin)[0] for arm in trainers]
        follow_up = all(isinstance(spec, TrainerSpec) and spec.follows_up for spec in specs)
        (leading_prompt if follow_up else single_prompt)(suite, items[0])

    def _overrides(self) -> dict[str, dict[str, JsonValue]]:
        """-P by label. A plugin's name stands for all selected presets of that plugin, unless the name itself is
        selected."""
        given, experiment = self.experiment.params, self.experiment
        found = dict(given)
        for kind, labels in (
            ("tasks", (*experiment.tasks, *([experiment.train_on] if experiment.train_on else []))),
            ("trainers", experiment.trainer),
            ("compressors", experiment.compressor),
        ):
            for label in labels:
                plugin = self.catalogue.plugin_of(kind, label)
                if plugin in given and plugin not in labels:
                    found[label] = {**given[plugin], **given.get(label, {})}
        return found

    def _given(self, kind: str, label: str) -> dict[str, JsonValue]:
        """What -P sets of a component. Of a name that a suite and an arm share, each gets the parameters that it has; what
        neither has is left for `resolve` to refuse."""
        selected = {
            "tasks": self.experiment.tasks,
            "trainers": self.experiment.trainer,
            "compressors": self.experiment.compressor,
        }
        given = self.params.get(label, {})
        others = [other for other, labels in selected.items() if other != kind and label in labels]
        theirs = {name for other in others for name in self.catalogue.parameters(other, label)}
        return {
            name: value for name, value in given.items() if name not in theirs - self.catalogue.parameters(kind, label)
        }

    def _component(self, kind: str, label: str) -> Component:
        self.unused -= {label, self.catalogue.plugin_of(kind, label)}
        found = self.catalogue.resolve(kind, label, self._given(kind, label))
        refuse_written_secrets(found.params)
        if kind == "detectors":
            refuse_judge_chat(found.params, self.catalogue)
        return found

    @property
    def suite_models(self) -> list[tuple[str, str]]:
        """(suite, model) by name."""
        return [(suite.label, model) for suite in self.suites for model in self._models_for(suite)]

    def suite(self, label: str, model: str) -> Component:
        """The suite as that model is asked it: the model entry's parameters < preset < flags < -P."""
        plain = self.catalogue.resolve("tasks", label)
        flags = {
            flag: value for flag, value in self.experiment.suite_flags.items() if self.catalogue.accepts(plain, flag)
        }
        return self.catalogue.resolve("tasks", label, {**flags, **self._given("tasks", label)}, model)

    def _arms(self, kind: str, labels: Sequence[str]) -> list[Component]:
        """One arm per label, or as many as its preset draws."""
        first = [NONE] if self.experiment.baseline and NONE not in labels else []
        arms = [
            arm
            for label in [*first, *labels]
            for arm in self.catalogue.arms(kind, label, {**self.params, label: self._given(kind, label)})
        ]
        self.unused -= {label for arm in arms for one in arm.chain for label in (one.label, one.draw_of)}
        self.unused -= {arm.plugin for arm in arms}
        return arms

    def monitor(self, trainer: Component) -> Component | None:
        """The detector that a trainer's parameter `monitor` names."""
        label = trainer.params.get("monitor")
        return self._component("detectors", str(label)) if label else None

    def _detector_labels(self) -> Sequence[str]:
        """`all` means every detector plugin there is."""
        if self.experiment.detectors != ("all",):
            return self.experiment.detectors
        return sorted(self.catalogue.plugins.specs["detectors"])

    def suite_of(self, component: Component) -> TaskSuite:
        return build(component, self.catalogue.spec("tasks", component.plugin)[0])

    def _models_for(self, suite: Component) -> Sequence[str]:
        if self.backend and (names := model_names(self.backend, self.experiment.model)):
            return names
        if self.experiment.model:
            return self.experiment.model
        default = self.catalogue.preset("tasks", suite.preset).default_model or self.catalogue.default_model
        if default is None:
            raise UsageError(f"no model given and {suite.label} names no default", "add --model PATH_OR_HUB_ID")
        return (default,)
