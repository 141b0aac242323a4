"""For authors of plugins: does a plugin keep its contract?

    from harness.testing import check_compressor
    from my_package.plugin import SPEC

    def test_the_contract(tiny_model):
        check_compressor(SPEC, tiny_model)

Each `check_…` raises `BrokenContract`, an AssertionError that says which promise was broken and by what. `check_suite`
includes the checks of the suite's capabilities, all but that of a labelled bench, which may take minutes. They use a
model with 60 thousand random weights that is made on the spot; nothing is downloaded. With

    pytest_plugins = ["harness.testing.fixtures"]

in a conftest.py, `tiny_model` (its folder) and `harness_command` (the real command line) are fixtures.
"""

from harness.testing.assertions import BrokenContract
from harness.testing.capabilities import check_inspectable, check_labelled_views, check_own_loop, check_trainable
from harness.testing.compressor import check_compressor
from harness.testing.detector import check_detector
from harness.testing.suite import check_suite
from harness.testing.toy import ToySuite
from harness.testing.trainer import check_trainer

__all__ = [
    "BrokenContract",
    "ToySuite",
    "check_compressor",
    "check_detector",
    "check_inspectable",
    "check_labelled_views",
    "check_own_loop",
    "check_suite",
    "check_trainable",
    "check_trainer",
]
