"""Built-in detectors."""

from harness_plugins.detectors.cross_run.spec import SPEC as CROSS_RUN
from harness_plugins.detectors.hardcode.spec import SPEC as HARDCODE
from harness_plugins.detectors.judge.spec import SPEC as JUDGE
from harness_plugins.detectors.probe.spec import SPEC as PROBE
from harness_plugins.detectors.proxy_gap.spec import SPEC as PROXY_GAP
from harness_plugins.detectors.reverify.spec import SPEC as REVERIFY
from harness_plugins.detectors.static.spec import SPEC as STATIC
from harness_plugins.detectors.weak.spec import SPEC as WEAK

SPECS = (STATIC, CROSS_RUN, HARDCODE, JUDGE, PROBE, PROXY_GAP, REVERIFY, WEAK)
