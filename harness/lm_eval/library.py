"""Everything that the harness takes from lm-eval. When lm-eval moves a name, this table is what changes.

A name is imported when it is first used: a run without lm-eval's tasks and backends imports none of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

MODULES = {
    # our suites as lm-eval's tasks
    "ConfigurableTask": "lm_eval.api.task",
    "Instance": "lm_eval.api.instance",
    "register_aggregation": "lm_eval.api.registry",
    # our models under lm-eval's command
    "HFLM": "lm_eval.models.huggingface",
    "register_model": "lm_eval.api.registry",
    # lm-eval's models as ours
    "get_model": "lm_eval.api.registry",
    "model_registry": "lm_eval.api.registry",
    # lm-eval's tasks as ours
    "TaskManager": "lm_eval.tasks",
    "evaluate": "lm_eval.evaluator",
}


def __getattr__(name: str) -> Any:
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(MODULES[name]), name)


def backend_names() -> list[str]:
    """Names of all models that lm-eval knows, its own and those that packages register."""
    import_module("lm_eval.models")  # registers lm-eval's own
    registry: Any = __getattr__("model_registry")
    return sorted(registry.keys())
