"""Built-in task suites."""

from harness_plugins.tasks.loopholes.spec import SPEC as LOOPHOLES
from harness_plugins.tasks.perplexity.spec import SPEC as PERPLEXITY

SPECS = (LOOPHOLES, PERPLEXITY)
