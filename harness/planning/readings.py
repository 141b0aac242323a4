"""Which of a suite's readings a backend without log-likelihoods can give."""

from __future__ import annotations

from harness.contract import TaskSuiteSpec
from harness.errors import HarnessError
from harness.lm_eval.backends.locate import needs_likelihood
from harness.registry.catalogue import Catalogue
from harness.registry.component import Component, build


def without_likelihood(suite: Component, catalogue: Catalogue) -> list[str]:
    """Settings under which the suite only asks, one a parameter that chooses a reading: "-P goodhart7.understanding=explain"
    (or letters, …)."""
    spec, _ = catalogue.spec("tasks", suite.plugin)
    assert isinstance(spec, TaskSuiteSpec)
    found = []
    for name, ways in spec.readings.items():
        values = [value for value in ways if value != suite.params.get(name) and _only_asks(suite, spec, name, value)]
        if values:
            found.append(f"-P {suite.label}.{name}={' or '.join(values)}")
    return found


def _only_asks(suite: Component, spec: TaskSuiteSpec, name: str, value: str) -> bool:
    try:
        return not needs_likelihood(build(suite.model_copy(update={"params": {**suite.params, name: value}}), spec))
    except HarnessError:  # not with the other parameters
        return False
