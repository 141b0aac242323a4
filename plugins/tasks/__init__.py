"""Built-in task suites."""

from harness_plugins.tasks.loopholes.spec import SPEC as LOOPHOLES

SPECS = (LOOPHOLES,)
