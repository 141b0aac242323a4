"""Quantizer libraries as compressors: the artefact is what the library computed, and its size is exact before any work."""

from __future__ import annotations

import pytest
import torch

from harness.checkpoints.manifest import inspect
from harness.checkpoints.qlr import QuantMatrix
from harness.checkpoints.shape import read_shape
from harness.compression.calibration import CalibrationSource
from harness.compression.driver import compress
from harness.compression.export import export_compressed_tensors, export_dense
from harness.contract import Decision
from harness.errors import PluginError, UsageError
from harness.models.load import load
from harness.planning.sizes import stored_bits
from harness.registry.catalogue import load_catalogue
from harness.registry.component import build
from harness.registry.plugins import load_plugins

CASES = [
    ("hqq", 4),
    ("hqq", 3),
    ("hqq", 2),
    ("quanto", 2),
    ("quanto", 4),
    ("quanto", 8),
    ("torchao", 3),
    ("torchao", 4),
    ("torchao", 8),
]
GROUP = 32  # divides the tiny model's 64 and 96 columns
BOUND = {2: 0.5, 3: 0.25, 4: 0.12, 8: 0.01}  # relative error of random normal weights, generous


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue(load_plugins())


def compressor(catalogue, name: str, bits: int, group: int = GROUP):
    spec, _ = catalogue.spec("compressors", name)
    pytest.importorskip(spec.requires[0], reason=f"{spec.requires[0]} is not installed (extra {spec.extra})")
    return build(catalogue.resolve("compressors", name, {"bits": bits, "group": group}), spec)


def as_the_library_says(name: str, weight: torch.Tensor, bits: int) -> torch.Tensor:
    """The same weight through the library's whole public path, dequantised by the library."""
    if name == "hqq":
        from hqq.core.quantize import Quantizer

        codes, meta = Quantizer.quantize(weight, nbits=bits, group_size=GROUP, axis=1, device="cpu")
        return Quantizer.dequantize(codes, {**meta, "compute_dtype": torch.float32})
    if name == "quanto":
        from optimum.quanto import AbsmaxOptimizer, MaxOptimizer, qtypes, quantize_weight

        qtype = qtypes[f"qint{bits}"]
        if bits == 8:
            scale = AbsmaxOptimizer()(weight, qtype=qtype, axis=0)
            return quantize_weight(weight, qtype, axis=0, scale=scale, optimized=False).dequantize()
        scale, shift = MaxOptimizer()(weight, qtype=qtype, axis=0, group_size=GROUP)
        data = torch.ops.quanto.quantize_affine(
            weight, bits=bits, axis=0, group_size=GROUP, scale=scale, shift=shift
        )  # quantize_weight's operator; its packed result would compile C++ to be read again
        return (data * scale - shift).reshape(weight.shape)
    from torchao.quantization import IntxWeightOnlyConfig, quantize_
    from torchao.quantization.granularity import PerGroup

    linear = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    linear.weight.data = weight.clone()
    quantize_(linear, IntxWeightOnlyConfig(weight_dtype=getattr(torch, f"int{bits}"), granularity=PerGroup(GROUP)))
    return linear.weight.dequantize()


@pytest.mark.parametrize(("name", "bits"), CASES)
def test_the_artefact_is_what_the_library_computed(catalogue, tiny_qwen2, tmp_path, name, bits):
    plugin = compressor(catalogue, name, bits)
    report = compress(tiny_qwen2, plugin, CalibrationSource(), tmp_path / "a")
    shape = read_shape(tiny_qwen2)
    assert report.size.bits_per_weight == stored_bits(shape, plugin.plan(shape)) / shape.weights
    assert all(row.error < BOUND[bits] for row in inspect(tmp_path / "a"))

    original = load(tiny_qwen2, "cpu").model.state_dict()
    packed = dict(load(tmp_path / "a", "cpu").model.named_modules())
    for linear in (shape.linears[0], shape.linears[-1]):
        weight, stored = original[f"{linear.name}.weight"], packed[linear.name].dequantize()
        step = (weight.max() - weight.min()) / (2**bits - 1)  # no group's step is larger
        worst = (stored - as_the_library_says(name, weight, bits)).abs().max()
        assert worst <= weight.abs().max() / 500, linear.name  # float16 scales and zero points; a wrong code is more
        assert (stored - weight).abs().max() > 0.05 * step  # it is not the weight itself


def test_zero_points_are_exported_dense_and_refused_packed(catalogue, tiny_qwen2, tmp_path):
    compress(tiny_qwen2, compressor(catalogue, "hqq", 4), CalibrationSource(), tmp_path / "a")
    export_dense(tmp_path / "a", tmp_path / "dense", torch.float32)
    packed, dense = load(tmp_path / "a", "cpu").model, load(tmp_path / "dense", "cpu").model
    tokens = torch.arange(8)[None]  # (B, T)
    with torch.no_grad():
        torch.testing.assert_close(packed(tokens).logits, dense(tokens).logits)
    with pytest.raises(UsageError, match="zero points, which are not exported packed"):
        export_compressed_tensors(tmp_path / "a", tmp_path / "b")


@pytest.mark.parametrize("name", ["hqq", "quanto", "torchao"])
def test_constant_weights_are_stored_exactly(catalogue, name):
    """A pruned row, a group of equal values: no division by its extent."""
    plugin = compressor(catalogue, name, 4)
    weight = torch.zeros(4, 2 * GROUP)
    weight[1], weight[2, :GROUP] = 0.25, -0.5
    grid = "midtread" if name == "torchao" else "affine"
    q = plugin.quantize(weight, Decision(bits=4, group=GROUP, grid=grid))
    torch.testing.assert_close(q.dequantize(), weight, atol=0.02, rtol=0.07)  # the symmetric grid ends at 7/8


def test_groups_that_do_not_divide_the_columns_are_refused_before_any_work(catalogue, tiny_qwen2):
    plugin = compressor(catalogue, "hqq", 4, group=48)
    with pytest.raises(UsageError, match=r"64 columns, which groups of 48 do not divide.*group="):
        plugin.plan(read_shape(tiny_qwen2))


def test_zero_points_are_counted():
    plain, affine = Decision(bits=4, group=32, grid="midtread"), Decision(bits=4, group=32, grid="affine")
    assert affine.stored_bits(8, 64) - plain.stored_bits(8, 64) == 8 * 2 * 16
    with pytest.raises(ValueError, match="takes no low-rank factors"):
        Decision(bits=4, grid="affine", rank=1)


def test_a_zero_point_is_in_steps():
    codes, half = torch.tensor([[0, 3, 5, 15]], dtype=torch.uint8), torch.tensor([[0.5, 2.0]]).half()
    q = QuantMatrix(codes, half, 4, 2, "affine", zeros=torch.tensor([[1.0, 4.5]]).half())
    assert q.dequantize().tolist() == [[-0.5, 1.0, 1.0, 21.0]]


def test_gptq_without_its_library_is_listed_with_what_to_install(catalogue):
    import importlib.util

    if importlib.util.find_spec("gptqmodel"):
        pytest.skip("gptqmodel is installed")
    with pytest.raises(PluginError, match=r"optimum-gptq4 needs gptqmodel.*pip install 'goodhart-harness\[gptq\]'"):
        catalogue.resolve("compressors", "optimum-gptq4")
