"""The capability of suites that compare a cell's model with the model that it was made from."""

from __future__ import annotations

from harness.contract.suite import TaskSuite


class AgainstSource(TaskSuite):
    """A suite whose every prompt has a target, foretold by two models: the cell's, and the untouched model as the source.
    Each reply carries `fidelity`, and a repeat would say the same again, so there is none."""
