"""Built-in detectors."""

from harness_plugins.detectors.cross_run.spec import SPEC as CROSS_RUN
from harness_plugins.detectors.hardcode.spec import SPEC as HARDCODE
from harness_plugins.detectors.static.spec import SPEC as STATIC

SPECS = (STATIC, CROSS_RUN, HARDCODE)
