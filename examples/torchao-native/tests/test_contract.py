import pytest
from torchao_native.plugin import SPEC

from harness.testing import check_compressor

pytest.importorskip("torchao")


def test_it_keeps_the_contract_of_compressors(tiny_model):
    check_compressor(SPEC, tiny_model)
