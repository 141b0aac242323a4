"""A folder of task files for `lm_eval run --include_path`: one per suite preset with a truth axis, written on demand.

lm-eval finds tasks by YAML files; ours name a class beside them, which asks the suite for everything else. The folder
is made anew from the registry, so that presets of a project's registry.toml are there too.
"""

from __future__ import annotations

import json
from pathlib import Path

from harness.contract import TaskSuiteSpec
from harness.errors import HarnessError
from harness.registry.catalogue import Catalogue
from harness.store.files import write_text
from harness.store.hashing import key_of
from harness.store.paths import cache_folder

LOADER = '''"""The class behind the tasks of this folder."""

from harness.lm_eval.suite_task import SuiteTask

__all__ = ["SuiteTask"]
'''


def task_folder(catalogue: Catalogue) -> Path:
    """Write the folder and return it. Same presets, same folder."""
    tasks = {}
    for name in catalogue.presets["tasks"]:
        try:
            component = catalogue.resolve("tasks", name)
        except HarnessError:
            continue  # a suite that cannot be selected here cannot be run there
        spec, _ = catalogue.spec("tasks", component.plugin)
        if isinstance(spec, TaskSuiteSpec) and spec.axes is not None:
            tasks[name] = component
    folder = cache_folder() / "lm-eval" / key_of({name: one.identity for name, one in tasks.items()})[:16]
    write_text(folder / "harness_tasks.py", LOADER)
    for name, component in tasks.items():
        lines = [f"task: {name}", "class: !function harness_tasks.SuiteTask", "metadata:", "  version: 1"]
        lines.append(f"  component: {json.dumps(component.model_dump_json())}")  # JSON strings are YAML strings
        write_text(folder / f"{name}.yaml", "\n".join(lines) + "\n")
    return folder
