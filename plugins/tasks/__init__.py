"""Built-in task suites."""

from harness_plugins.tasks.countdown.spec import SPEC as COUNTDOWN
from harness_plugins.tasks.fidelity.spec import SPEC as FIDELITY
from harness_plugins.tasks.goodhart.spec import SPEC as GOODHART
from harness_plugins.tasks.goodhart_public.spec import SPEC as GOODHART_PUBLIC
from harness_plugins.tasks.inversion.spec import SPEC as INVERSION
from harness_plugins.tasks.lm_eval.spec import SPEC as LM_EVAL
from harness_plugins.tasks.loopholes.spec import SPEC as LOOPHOLES
from harness_plugins.tasks.perplexity.spec import SPEC as PERPLEXITY

SPECS = (COUNTDOWN, FIDELITY, GOODHART, GOODHART_PUBLIC, INVERSION, LM_EVAL, LOOPHOLES, PERPLEXITY)
